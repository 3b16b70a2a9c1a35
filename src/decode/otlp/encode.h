// SPDX-License-Identifier: Apache-2.0
//
// model::SpanBatch → OTLP traces in protobuf, the inverse of traces_protobuf.h: for `clew load`, for exports and for
// tests. Spans keep their order; neighbours that share a resource (and scope) share a ResourceSpans (ScopeSpans).
// Decoding the result gives an equal batch. Fields with their default value are left out, as proto3 does.
#pragma once

#include <string>

#include "model/span_batch.h"

namespace clew::decode::otlp {

// One ExportTraceServiceRequest, which is also one TracesData.
std::string encode_traces_protobuf(const model::SpanBatch& batch);
// The same of the spans of the rows [begin, end).
std::string encode_traces_protobuf(const model::SpanBatch& batch, size_t begin, size_t end);

}  // namespace clew::decode::otlp
