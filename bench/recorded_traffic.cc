// SPDX-License-Identifier: Apache-2.0
//
// In protobuf, joining messages that hold only repeated fields is writing one behind the other.
#include "recorded_traffic.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/bytes.h"
#include "codec/compress.h"
#include "decode/otlp/traces_protobuf.h"

namespace clew::bench {
namespace {

constexpr size_t kFileBytesMax = size_t{1} << 28;

std::vector<std::string> recorded_messages() {
  const char* folder = std::getenv("CLEW_TEST_DATA");
  if (folder == nullptr) return {};
  std::ifstream file(std::string(folder) + "/otel-demo.otlp.zst", std::ios::binary);
  const std::string packed((std::istreambuf_iterator<char>(file)), {});
  codec::Inflater inflater;
  const auto inflated = inflater.inflate(codec::sniff(as_bytes(packed)), as_bytes(packed), kFileBytesMax);
  if (!inflated.ok()) return {};
  std::vector<std::string> messages;
  for (Bytes rest = *inflated; rest.size() > 4;) {
    const size_t size = __builtin_bswap32(load<uint32_t>(rest.data()));
    if (size > rest.size() - 4) break;
    messages.emplace_back(as_text(rest.subspan(4, size)));
    rest = rest.subspan(4 + size);
  }
  return messages;
}

}  // namespace

std::vector<std::string> recorded_requests(size_t spans) {
  static const std::vector<std::string> recorded = recorded_messages();
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
