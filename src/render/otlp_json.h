// SPDX-License-Identifier: Apache-2.0
//
// Spans as OTLP JSON (opentelemetry-proto's JSON mapping: lowerCamelCase, ids in hex, 64-bit integers as texts, enums
// as numbers, bytes as base64), the inverse of decode's OTLP JSON reader: nothing that a SpanBatch holds is lost.
// Fields that have their default value are left out, as the mapping allows.
//
// Spans that share a resource and a scope stand together, in the order of their rows.
#pragma once

#include "model/span_batch.h"
#include "render/sink.h"

namespace clew::render {

// Writes a TracesData message: {"resourceSpans":[…]}.
void write_otlp_json(const model::SpanBatch& batch, const Sink& sink);

}  // namespace clew::render
