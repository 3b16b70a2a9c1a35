// SPDX-License-Identifier: Apache-2.0
//
// OTLP traces in JSON → model::SpanBatch, with the same verdicts as traces_protobuf.h.
//
// Read as leniently as the Collector reads it: names in lowerCamelCase or snake_case, enums as numbers or names, 64-bit
// integers as texts or numbers, other numbers also as texts, "NaN", "Infinity", "-Infinity", ids in hex of either case,
// bytes in either base 64 alphabet, null for what is not there, unknown names ignored.
// A known name with a value of another type costs the span (or resource, or scope) in which it stands. JSON that is not
// valid UTF-8 is not JSON and costs the request; half a surrogate pair in an escape costs the span.
//
// Threads: any; each keeps a parser for documents of up to 4 MiB from one call to the next. While it runs, a call may
// take up to six times the body beside the batch, three times as a rule.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "decode/verdict.h"
#include "model/span_batch.h"

namespace clew::decode::otlp {

// Readable bytes behind the body that save a copy of it; codec::Inflater leaves as many.
constexpr size_t kJsonPadding = 64;

// Decodes the one JSON object in `body` into `batch`, which must be empty. Errors as decode_traces_protobuf.
Result<Verdict> decode_traces_json(Bytes body, size_t padding, model::SpanBatch& batch);

}  // namespace clew::decode::otlp
