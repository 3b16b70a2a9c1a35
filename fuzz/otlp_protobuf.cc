// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either refused, leaving nothing behind, or become a batch of valid texts that survives encode and
// decode unchanged.
#include <cstdint>

#include "base/check.h"
#include "codec/utf8.h"
#include "decode/otlp/encode.h"
#include "decode/otlp/traces_protobuf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using clew::decode::otlp::decode_traces_protobuf;
  using clew::decode::otlp::encode_traces_protobuf;
  clew::model::SpanBatch batch;
  const auto verdict = decode_traces_protobuf({data, size}, batch);
  if (!verdict.ok()) {
    CHECK(batch.span_count() == 0 && batch.strings.size() == 1 && batch.slots.empty());
    return 0;
  }
  CHECK(verdict->accepted == batch.span_count());
  CHECK((verdict->rejected > 0 || verdict->string_table_references > 0) == !verdict->reason.empty());
  for (size_t i = 0; i < batch.strings.size(); ++i)
    CHECK(clew::codec::valid_utf8(batch.strings.at(static_cast<clew::model::StringId>(i))));

  const std::string encoded = encode_traces_protobuf(batch);
  clew::model::SpanBatch again;
  const auto second = decode_traces_protobuf(clew::as_bytes(encoded), again);
  CHECK(second.ok() && second->rejected == 0 && second->accepted == verdict->accepted);
  CHECK(encode_traces_protobuf(again) == encoded);
  return 0;
}
