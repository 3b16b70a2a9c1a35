// SPDX-License-Identifier: Apache-2.0
//
// Question is what one request asks, with everything that is needed to answer it: the request, the tenant's snapshot,
// the memory it may use and when to stop. The APIs (native_api.h, jaeger_api.h) are functions from a Question to an
// answer on its exchange; they run on the query pool.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/memory_budget.h"
#include "base/result.h"
#include "net/http_server.h"
#include "query/ast.h"
#include "scan/head_rollup.h"
#include "scan/trace_reader.h"
#include "serve/query_pool.h"
#include "serve/time_range.h"
#include "store/snapshot.h"

namespace clew::serve {

struct Question {
  net::HttpExchange& exchange;
  const net::HttpRequest& request;
  // Nothing for a tenant that never sent.
  const std::optional<store::Snapshot>& snapshot;
  MemoryBudget& budget;
  const Stop& stop;
  UnixNanos now = 0;
  uint32_t limit_max = 0;
  // Of the tenant.
  scan::HeadRollup& heads;
};

// A parameter that is a whole number; `usual` without it. InvalidArgument if it is none from `least` to `most`.
struct NumberRange {
  uint32_t least = 0;
  uint32_t most = 0;
  uint32_t usual = 0;
};
Result<uint32_t> whole_number(const net::HttpRequest& request, std::string_view name, NumberRange range);

// A parameter that is one of some words: which; nothing without it. InvalidArgument if it is another.
Result<std::optional<size_t>> word(const net::HttpRequest& request, std::string_view name,
                                   std::span<const std::string_view> words);

// The parameter `q`, without it `{}`. Nothing if it is no query: that has been answered.
std::optional<query::Query> parse_query(const Question& question);

// The parameters `from`, `to` and `since`. InvalidArgument if they are no range of time.
Result<TimeRange> time_range(const net::HttpRequest& request, UnixNanos now);

// NotFound; and as scan::TraceReader::open().
Result<scan::TraceReader> open_trace(const Question& question, const model::TraceId& id);

}  // namespace clew::serve
