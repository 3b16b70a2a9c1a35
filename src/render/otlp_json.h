// SPDX-License-Identifier: Apache-2.0
//
// Spans as OTLP JSON (opentelemetry-proto's JSON mapping: lowerCamelCase, ids in hex, 64-bit integers as texts, enums
// as numbers, bytes as base64), the inverse of decode's OTLP JSON reader: nothing that a SpanBatch holds is lost.
// Fields that have their default value are left out, as the mapping allows.
//
// Spans that share a resource and a scope stand together, in the order of their rows.
#pragma once

#include <string>

#include "model/span_batch.h"

namespace clew::render {

// Appends a TracesData message: {"resourceSpans":[…]}.
void append_otlp_json(std::string& out, const model::SpanBatch& batch);

}  // namespace clew::render
