// SPDX-License-Identifier: Apache-2.0
//
// In protobuf, joining messages that hold only repeated fields is writing one behind the other.
#include "recorded_traffic.h"

#include "base/bytes.h"
#include "decode/otlp/testing/recorded.h"
#include "decode/otlp/traces_protobuf.h"

namespace clew::bench {
std::vector<std::string> recorded_requests(size_t spans) {
  static const std::vector<std::string> recorded = decode::otlp::testing::recorded_messages();
  if (spans == 0) return recorded;
  std::vector<std::string> joined;
  size_t count = spans;
  for (const std::string& message : recorded) {
    model::SpanBatch batch;
    if (!decode::otlp::decode_traces_protobuf(as_bytes(message), batch).ok()) continue;
    if (count >= spans) {
      joined.emplace_back();
      count = 0;
    }
    joined.back() += message;
    count += batch.span_count();
  }
  return joined;
}

}  // namespace clew::bench
