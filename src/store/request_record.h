// SPDX-License-Identifier: Apache-2.0
//
// The payload of a journal record of kind Request: whose spans, by which door, when, and the spans themselves as
// canonical bytes. docs/format/journal.md, section 4.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/span_batch.h"

namespace clew::store {

// The way by which a request came. The values are part of the format.
enum class Door : uint8_t { OtlpGrpc = 1, OtlpHttp = 2 };

struct RequestRecord {
  std::string tenant;
  Door door = Door::OtlpGrpc;
  UnixNanos received = 0;
  model::SpanBatch spans;
};

// XXH3 of the canonical bytes of the spans: a request that is sent again has the same.
struct BatchHash {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const BatchHash&, const BatchHash&) = default;
};

// What can be told without decoding the spans. Texts and bytes are the payload's.
struct RequestHeader {
  std::string_view tenant;
  Door door = Door::OtlpGrpc;
  UnixNanos received = 0;
  BatchHash hash;
  Bytes batch;
};

std::string encode_request(std::string_view tenant, Door door, UnixNanos received, const model::SpanBatch& spans);
// DataLoss if `payload` is not what encode_request made. A door unknown to this program is kept as it is.
Result<RequestRecord> decode_request(Bytes payload);
Result<RequestHeader> read_request_header(Bytes payload);

}  // namespace clew::store
