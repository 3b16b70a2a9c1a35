// SPDX-License-Identifier: Apache-2.0
#include "serve/server.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "serve/admin_api.h"
#include "serve/attribute_api.h"
#include "serve/jaeger_api.h"
#include "serve/native_api.h"
#include "serve/openapi.h"
#include "serve/problem.h"
#include "serve/question.h"
#include "serve/rollup_answers.h"
#include "serve/search_api.h"

namespace clew::serve {
namespace {

constexpr int kUnavailable = 503;
constexpr std::string_view kTenantHeader = "X-Scope-OrgID";
constexpr std::string_view kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";
// Upper bounds of the duration histogram, in seconds.
const std::vector<double> kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

constexpr QueryPool::Options kAdminCommands = {
    .name = "admin", .threads = 1, .queue_max = 8, .timeout_nanos = UINT64_MAX / 2};

enum class Api : uint8_t { Native, Jaeger };

net::HttpResponse refusal(Api api, int status, std::string_view message) {
  return api == Api::Jaeger ? jaeger_error(status, message) : problem(status, message);
}

Api api_of(std::string_view path) { return path.starts_with("/api/") ? Api::Jaeger : Api::Native; }

net::HttpResponse plain(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

class Server::Core {
 public:
  Core(Options options, store::Store& store, MemoryBudget& budget, Metrics& metrics, const Clock& clock)
      : options_(std::move(options)),
        store_(store),
        budget_(budget),
        metrics_(metrics),
        clock_(clock),
        heads_(budget),
        pool_(options_.queries, clock, metrics),
        admin_pool_(kAdminCommands, clock, metrics),
        http_(with_refusals(options_.http)) {
    question("/clew/v1/search", "search", answer_search);
    question("/clew/v1/traces/{id}", "trace", answer_trace);
    question("/clew/v1/attributes", "attributes", answer_attributes);
    question("/clew/v1/attribute-values", "attribute_values", answer_attribute_values);
    question("/clew/v1/services", "services", answer_services);
    question("/clew/v1/operations", "operations", answer_operations);
    question("/clew/v1/graph", "graph", answer_graph);
    question("/api/traces/{id}", "jaeger_trace", answer_jaeger_trace);
    question("/api/traces", "jaeger_search", answer_jaeger_search);
    question("/api/services", "jaeger_services", answer_jaeger_services);
    question("/api/services/{service}/operations", "jaeger_service_operations", answer_jaeger_service_operations);
    question("/api/operations", "jaeger_operations", answer_jaeger_operations);
    question("/api/dependencies", "jaeger_dependencies", answer_jaeger_dependencies);
    admin("POST", "/clew/v1/admin/flush", answer_flush);
    admin("POST", "/clew/v1/admin/compact", answer_compact);
    admin("GET", "/clew/v1/admin/storage", answer_storage);
    at_once("/clew/v1/openapi.json", [] {
      net::HttpResponse response = plain(200, std::string(openapi_json()));
      response.content_type = "application/json";
      return response;
    });
    at_once("/", [this] {
      const std::lock_guard lock(doors_mutex_);
      return page(options_.version, doors_);
    });
    at_once("/metrics", [this] {
      net::HttpResponse response = plain(200, metrics_.prometheus_text());
      response.content_type = kPrometheusText;
      return response;
    });
    at_once("/ready", [this] { return ready_ ? plain(200, "ready\n") : plain(kUnavailable, "not ready\n"); });
    at_once("/healthz", [] { return plain(200, "ok\n"); });
  }

  net::HttpServer& http() { return http_; }
  const std::vector<Route>& routes() const { return routes_; }
  void set_ready(bool ready) { ready_ = ready; }
  void set_doors(std::vector<Door> doors) {
    const std::lock_guard lock(doors_mutex_);
    doors_ = std::move(doors);
  }

 private:
  // What the HTTP server refuses itself is said in the words of the API that was asked.
  static net::HttpServer::Options with_refusals(net::HttpServer::Options options) {
    options.refuse = [](const net::HttpRequest* head, int status, std::string_view message) {
      return refusal(head == nullptr ? Api::Native : api_of(head->path), status, message);
    };
    return options;
  }

  void route(std::string_view method, std::string_view path, net::HttpServer::Handler handle) {
    routes_.push_back({std::string(method), std::string(path)});
    http_.route(method, path, std::move(handle));
  }

  void at_once(std::string_view path, std::function<net::HttpResponse()> answer) {
    route("GET", path, [answer = std::move(answer)](const std::shared_ptr<net::HttpExchange>& exchange) {
      exchange->respond(answer());
    });
  }

  // On a thread of their own, one at a time: a compaction takes minutes, and must not stand in the way of queries.
  void admin(std::string_view method, std::string_view path, net::HttpResponse (*answer)(store::Store&)) {
    route(method, path, [this, answer](const std::shared_ptr<net::HttpExchange>& exchange) {
      if (!admin_pool_.run([this, answer, exchange](const Stop&) { exchange->respond(answer(store_)); }))
        exchange->respond(problem(kUnavailable, "the store is busy with other commands; try again later"));
    });
  }

  void question(std::string_view path, std::string name, void (*answer)(const Question&)) {
    Histogram& seconds = metrics_.histogram("clew_query_seconds", "Time from a question to its whole answer.", kSeconds,
                                            {{"query", std::move(name)}});
    const Api api = api_of(path);
    route("GET", path, [this, api, answer, &seconds](const std::shared_ptr<net::HttpExchange>& exchange) {
      const Result<std::string> tenant = options_.tenant(exchange->request().header(kTenantHeader));
      if (!tenant.ok())
        return exchange->respond(refusal(api, info(tenant.error().code()).http_status, tenant.error().what()));
      const uint64_t begin = clock_.monotonic_nanos();
      const auto cancelled = std::make_shared<std::atomic<bool>>(false);
      exchange->tell_when_gone(cancelled);
      const auto answer_it = [this, exchange, answer, tenant = *tenant, begin, &seconds](const Stop& stop) {
        const std::optional<store::Snapshot> snapshot = store_.snapshot(tenant);
        const std::shared_ptr<scan::HeadRollup> heads = heads_.of(tenant);
        answer({*exchange, exchange->request(), snapshot, budget_, stop, clock_.now(), options_.limit_max, *heads});
        seconds.observe(static_cast<double>(clock_.monotonic_nanos() - begin) / 1e9);
      };
      if (!pool_.run(answer_it, cancelled))
        exchange->respond(refusal(api, kUnavailable, "too many queries are waiting; try again later"));
    });
  }

  const Options options_;
  store::Store& store_;
  MemoryBudget& budget_;
  Metrics& metrics_;
  const Clock& clock_;
  std::atomic<bool> ready_{false};
  std::mutex doors_mutex_;
  std::vector<Door> doors_;
  HeadRollups heads_;
  std::vector<Route> routes_;
  QueryPool pool_;
  QueryPool admin_pool_;
  net::HttpServer http_;  // goes first: its handlers use the pool
};

Server::Server(Options options, store::Store& store, MemoryBudget& budget, Metrics& metrics, const Clock& clock)
    : core_(std::make_unique<Core>(std::move(options), store, budget, metrics, clock)) {}

Server::~Server() = default;

Result<void> Server::start() { return core_->http().start(); }
const net::Address& Server::address() const { return core_->http().address(); }
const std::vector<Route>& Server::routes_for_test() const { return core_->routes(); }
void Server::set_ready(bool ready) { core_->set_ready(ready); }
void Server::set_doors(std::vector<Door> doors) { core_->set_doors(std::move(doors)); }
uint32_t Server::drain(std::chrono::milliseconds limit) { return core_->http().drain(limit); }

}  // namespace clew::serve
