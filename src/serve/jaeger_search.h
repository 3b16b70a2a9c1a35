// SPDX-License-Identifier: Apache-2.0
//
// Jaeger's search as TraceQL. Jaeger asks for traces in which one span of the service has the operation, a duration
// between two bounds and all the tags, wherever Jaeger shows them: on the span, its process or its logs. Its tags are
// texts; "123" also finds the number, "true" also the flag. Tags that Jaeger's translation of OTLP makes up (error,
// span.kind, otel.status_code, …) are turned back into what they were made from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/http_message.h"
#include "serve/time_range.h"

namespace clew::serve {

constexpr uint32_t kJaegerLimitDefault = 100;
constexpr uint64_t kJaegerLookback = 2 * 86'400 * kNanosPerSecond;
// Tags of one search, and ids of one request for several traces.
constexpr size_t kJaegerTagsMax = 100;
constexpr size_t kJaegerTraceIdsMax = 1000;

struct JaegerSearch {
  std::string service;
  std::string operation;
  std::vector<std::pair<std::string, std::string>> tags;
  std::optional<uint64_t> duration_min;  // nanoseconds
  std::optional<uint64_t> duration_max;
  TimeRange range;
  uint32_t limit = kJaegerLimitDefault;
  std::vector<std::string> trace_ids;
};

// From the query of GET /api/traces. InvalidArgument in Jaeger's words.
Result<JaegerSearch> parse_jaeger_search(const net::HttpRequest& request, UnixNanos now);

std::string to_traceql(const JaegerSearch& search);

// A Go duration or a number of microseconds, as Jaeger reads them.
std::optional<uint64_t> parse_jaeger_duration(std::string_view text);

}  // namespace clew::serve
