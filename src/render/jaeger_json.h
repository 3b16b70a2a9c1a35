// SPDX-License-Identifier: Apache-2.0
//
// A trace as Jaeger's query service writes it on /api/traces (the JSON of its UI, model.go of Jaeger 1.x and 2.x), by
// the rules with which Jaeger itself translates OTLP:
//
//   resource attributes → tags of a process; equal processes are one, p1, p2, …
//   scope, attributes, kind, status, tracestate → tags of the span, in this order
//   events → logs with the name as first field `event`; parent → first reference CHILD_OF; links → references
//   arrays, lists → texts of JSON; integers beyond 2^53 → texts; times → microseconds
//
// The form loses what Jaeger's model has no place for: nanoseconds, attributes of links and scopes, dropped counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "model/span_batch.h"
#include "render/sink.h"

namespace clew::render {

// What a span without a service name is listed under, as in Jaeger.
constexpr std::string_view kNoServiceName = "OTLPResourceNoServiceName";

// Writes one Trace object, batch by batch, so that a trace need not be in memory as a whole; the processes of all
// batches stand at the end. The sink must outlive it.
class JaegerTraceStream {
 public:
  JaegerTraceStream(const model::TraceId& id, const Sink& sink);
  ~JaegerTraceStream();
  // False: the rest is not wanted.
  bool add(const model::SpanBatch& batch);
  void end();
  // Bytes of the processes, which are kept until the end.
  uint64_t memory_bytes() const;

 private:
  class Writer;
  std::unique_ptr<Writer> writer_;
};

// The same of one batch, which holds at least one span.
void write_jaeger_json(const model::SpanBatch& batch, const Sink& sink);

// 16 digits where the high half is zero, else 32.
std::string jaeger_trace_id(const model::TraceId& id);

// "client", "server", …; empty for unspecified and unknown kinds.
std::string_view jaeger_span_kind(int32_t kind);

}  // namespace clew::render
