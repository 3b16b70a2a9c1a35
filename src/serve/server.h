// SPDX-License-Identifier: Apache-2.0
//
// serve::Server is the door for questions: the native API /clew/v1/*, Jaeger's /api/*, the page at /, and what
// operators watch: /metrics, /ready, /healthz. docs/reference/api.md describes each for those who call it.
//
// Questions run on a QueryPool, never on a network thread; what is not a question (page, metrics, health) is answered
// at once, also while the pool is full.
//
//   Server server(options, store, budget, metrics, clock);
//   TRY(server.start());
//   server.set_ready(true);
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "base/result.h"
#include "net/http_server.h"
#include "serve/page.h"
#include "serve/query_pool.h"
#include "store/store.h"

namespace clew::serve {

struct Options {
  net::HttpServer::Options http;
  QueryPool::Options queries;
  uint32_t limit_max = 10'000;  // traces in one answer
  std::string version;
  // The tenant that a request with this X-Scope-OrgID ("" if absent) asks for, by the same rule as for those who send.
  std::function<Result<std::string>(std::string_view scope)> tenant;
};

// As net::HttpServer::route() takes them.
struct Route {
  std::string method;
  std::string path;
};

class Server {
 public:
  // All must outlive it. Listens from start() on.
  Server(Options options, store::Store& store, MemoryBudget& budget, Metrics& metrics, const Clock& clock);
  ~Server();

  Result<void> start();
  // With the real port; after start().
  const net::Address& address() const;

  // What it answers.
  const std::vector<Route>& routes_for_test() const;

  // What /ready says; false at first.
  void set_ready(bool ready);
  // What the page says about the doors.
  void set_doors(std::vector<Door> doors);

  // As net::HttpServer::drain.
  uint32_t drain(std::chrono::milliseconds limit);

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace clew::serve
