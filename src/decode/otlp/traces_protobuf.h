// SPDX-License-Identifier: Apache-2.0
//
// OTLP traces in protobuf → model::SpanBatch: ExportTraceServiceRequest (a door) and TracesData (a file) are the same
// bytes. Written by hand, in one pass over the spans, because this is where most of the cost of a span lies: no message
// objects, no copy of what is there already, nothing allocated per span.
//
//   model::SpanBatch batch;
//   const Verdict verdict = TRY(decode_traces_protobuf(body, batch));
//
// Accepted: all of trace.proto, common.proto and resource.proto, fields in any order and interleaved, unknown fields,
// known fields with another wire type (skipped, as any proto3 parser does), and the name of scope_spans before 0.15.
// A bad span costs only itself (see Verdict); a bad resource or scope costs the spans under it; broken framing costs
// the request.
//
// Threads: any; each keeps some scratch memory (below 1 MiB) from one call to the next.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "decode/verdict.h"
#include "model/span_batch.h"

namespace clew::decode::otlp {

// Decodes `body` into `batch`, which must be empty. What is in `batch` does not refer to `body`.
// Broken framing: InvalidArgument with the offset. More decoded memory than limits.h allows: ResourceExhausted. After
// an error `batch` is empty.
Result<Verdict> decode_traces_protobuf(Bytes body, model::SpanBatch& batch);

}  // namespace clew::decode::otlp
