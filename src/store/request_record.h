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

std::string encode_request(std::string_view tenant, Door door, UnixNanos received, const model::SpanBatch& spans);
// DataLoss if `payload` is not what encode_request made. A door unknown to this program is kept as it is.
Result<RequestRecord> decode_request(Bytes payload);

}  // namespace clew::store
