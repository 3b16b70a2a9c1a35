// SPDX-License-Identifier: Apache-2.0
//
// Question is what one request asks, with everything that is needed to answer it: the request, the tenant's snapshot,
// the memory it may use and when to stop. The APIs (native_api.h, jaeger_api.h) are functions from a Question to an
// answer on its exchange; they run on the query pool.
#pragma once

#include <memory>
#include <optional>

#include "base/memory_budget.h"
#include "base/result.h"
#include "net/http_server.h"
#include "serve/query_pool.h"
#include "store/head.h"

namespace clew::serve {

struct Question {
  net::HttpExchange& exchange;
  const net::HttpRequest& request;
  // Nothing for a tenant that never sent.
  const std::optional<store::HeadSnapshot>& snapshot;
  MemoryBudget& budget;
  const Stop& stop;
  UnixNanos now = 0;
  uint32_t limit_max = 0;
};

// One trace, and the memory that it holds.
struct ReadTrace {
  model::SpanBatch spans;
  Reservation memory;
};

// NotFound; Unavailable if the query share of the budget has no room for it.
Result<ReadTrace> read_trace(const Question& question, const model::TraceId& id);

}  // namespace clew::serve
