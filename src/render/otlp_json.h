// SPDX-License-Identifier: Apache-2.0
//
// Spans as OTLP JSON (opentelemetry-proto's JSON mapping: lowerCamelCase, ids in hex, 64-bit integers as texts, enums
// as numbers, bytes as base64), the inverse of decode's OTLP JSON reader: nothing that a SpanBatch holds is lost.
// Fields that have their default value are left out, as the mapping allows.
//
// Spans that share a resource and a scope stand together, in the order of their rows.
// A trace too large for one batch is written batch by batch; what batches share is then said again in each:
//
//   OtlpJsonStream stream(sink);
//   while (…) stream.add(batch);
//   stream.end();
#pragma once

#include "codec/json_writer.h"
#include "model/span_batch.h"
#include "render/sink.h"

namespace clew::render {

// Writes one TracesData message: {"resourceSpans":[…]}. The sink must outlive it.
class OtlpJsonStream {
 public:
  explicit OtlpJsonStream(const Sink& sink);
  // False: the rest is not wanted.
  bool add(const model::SpanBatch& batch);
  void end();

 private:
  Run run_;
  codec::JsonWriter json_;
};

// The same of one batch.
void write_otlp_json(const model::SpanBatch& batch, const Sink& sink);

}  // namespace clew::render
