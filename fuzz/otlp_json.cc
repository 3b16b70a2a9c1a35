// SPDX-License-Identifier: Apache-2.0
//
// Any text is either refused, leaving nothing behind, or becomes a batch that the protobuf decoder takes without a
// complaint and gives back unchanged.
#include <cstdint>

#include "base/check.h"
#include "decode/otlp/encode.h"
#include "decode/otlp/traces_json.h"
#include "decode/otlp/traces_protobuf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using clew::decode::otlp::encode_traces_protobuf;
  clew::model::SpanBatch batch;
  const auto verdict = clew::decode::otlp::decode_traces_json({data, size}, 0, batch);
  if (!verdict.ok()) {
    CHECK(batch.span_count() == 0 && batch.strings.size() == 1 && batch.slots.empty());
    return 0;
  }
  CHECK(verdict->accepted == batch.span_count());
  const std::string encoded = encode_traces_protobuf(batch);
  clew::model::SpanBatch again;
  const auto second = clew::decode::otlp::decode_traces_protobuf(clew::as_bytes(encoded), again);
  CHECK(second.ok() && second->rejected == 0 && second->accepted == verdict->accepted);
  CHECK(encode_traces_protobuf(again) == encoded);
  return 0;
}
