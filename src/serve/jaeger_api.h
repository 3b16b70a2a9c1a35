// SPDX-License-Identifier: Apache-2.0
//
// Jaeger's HTTP JSON API as its UI and Grafana's Jaeger data source call it (Jaeger 1.x, 2.x up to 2.20): traces,
// services, operations, dependencies. Answers stand in Jaeger's envelope {"data", "total", "limit", "offset",
// "errors"}.
#pragma once

#include "serve/answer.h"
#include "serve/question.h"
#include "serve/trace_stream.h"

namespace clew::serve {

// GET /api/traces/{id}
void answer_jaeger_trace(const Question& question);
// GET /api/traces
void answer_jaeger_search(const Question& question);
// GET /api/services
void answer_jaeger_services(const Question& question);
// GET /api/services/{service}/operations
void answer_jaeger_service_operations(const Question& question);
// GET /api/operations
void answer_jaeger_operations(const Question& question);

// GET /api/dependencies
void answer_jaeger_dependencies(const Question& question);

// Writes a Trace object into an answer, from a stream of its spans. As TraceStream::for_each().
Result<bool> send_jaeger_trace(const Question& question, const model::TraceId& id, TraceStream& stream, Answer& answer);

// The envelope around an error.
net::HttpResponse jaeger_error(int status, std::string_view message);

}  // namespace clew::serve
