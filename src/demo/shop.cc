// SPDX-License-Identifier: Apache-2.0
#include "demo/shop.h"

#include <algorithm>

#include "base/check.h"

namespace clew::demo {
namespace {

constexpr Step work(std::string_view name, uint32_t micros) { return {StepKind::Work, name, "", micros}; }
constexpr Step call(std::string_view operation, uint32_t percent = 100, uint32_t times_max = 1) {
  return {StepKind::Call, operation, "", 0, percent, times_max};
}
constexpr Step cache(std::string_view key, uint32_t hit_percent) {
  return {StepKind::Cache, key, "redis", 450, hit_percent};
}
constexpr Step query(std::string_view system, std::string_view statement, uint32_t micros, uint32_t times_max = 1) {
  return {StepKind::Query, statement, system, micros, 100, times_max};
}
constexpr Step publish(std::string_view system, std::string_view topic) {
  return {StepKind::Publish, topic, system, 1'200};
}
constexpr Step external(std::string_view host, std::string_view request, uint32_t micros) {
  return {StepKind::External, request, host, micros};
}
constexpr Step together(Step step) {
  step.parallel = true;
  return step;
}
constexpr Step optional(Step step) {
  step.optional = true;
  return step;
}

constexpr Release kNone = {"", 0, 0};

// Payment is being rolled out: every fourth request meets the new version, which is a good deal slower.
constexpr std::array kServices = {
    Service{"gateway",
            "go",
            "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
            8080,
            2,
            {{{"3.2.0"}, kNone}}},
    Service{"frontend", "nodejs", "@opentelemetry/instrumentation-http", 3000, 3, {{{"5.14.2"}, kNone}}},
    Service{"catalog",
            "go",
            "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
            7001,
            3,
            {{{"2.7.1"}, kNone}}},
    Service{"search", "java", "io.opentelemetry.netty-4.1", 7002, 2, {{{"4.0.3"}, kNone}}},
    Service{"recommendation", "python", "opentelemetry.instrumentation.grpc", 7003, 2, {{{"0.9.5"}, kNone}}},
    Service{"ads", "nodejs", "@opentelemetry/instrumentation-grpc", 7004, 1, {{{"1.3.0"}, kNone}}},
    Service{"cart", "dotnet", "OpenTelemetry.Instrumentation.GrpcNetClient", 7005, 2, {{{"6.1.0"}, kNone}}},
    Service{"order",
            "go",
            "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
            7006,
            3,
            {{{"2.3.0"}, kNone}}},
    Service{"inventory", "rust", "opentelemetry-tonic", 7007, 2, {{{"1.8.4"}, kNone}}},
    Service{"payment", "java", "io.opentelemetry.grpc-1.6", 7008, 4, {{{"1.8.2", 75, 0}, {"1.9.0", 25, 250}}}},
    Service{"fraud-check", "python", "opentelemetry.instrumentation.grpc", 7009, 2, {{{"0.4.1"}, kNone}}},
    Service{"shipping", "cpp", "shipping-tracer", 7010, 2, {{{"1.1.7"}, kNone}}},
    Service{"order-worker", "java", "io.opentelemetry.kafka-clients-2.6", 0, 2, {{{"2.3.0"}, kNone}}},
    Service{"accounting", "dotnet", "OpenTelemetry.Instrumentation.ConfluentKafka", 0, 1, {{{"3.0.2"}, kNone}}},
    Service{"email", "ruby", "OpenTelemetry::Instrumentation::Bunny", 0, 1, {{{"1.0.9"}, kNone}}},
    Service{"invoice-batch", "python", "invoices", 0, 1, {{{"0.2.0"}, kNone}}},
};

constexpr std::string_view kSelectProduct = "SELECT id, name, price, currency FROM products WHERE id = $1";
constexpr std::string_view kSelectProducts = "SELECT id, name, price FROM products WHERE category = $1 LIMIT 24";
constexpr std::string_view kReserve = "UPDATE stock SET reserved = reserved + $1 WHERE sku = $2 AND free >= $1";
constexpr std::string_view kInsertPayment = "INSERT INTO payments (id, order_id, amount) VALUES ($1, $2, $3)";
constexpr std::string_view kUpdateOrder = "UPDATE orders SET state = ? WHERE id = ?";
constexpr std::string_view kInsertPosting = "INSERT INTO postings (order_id, account, amount) VALUES (?, ?, ?)";
constexpr std::string_view kSelectOpen = "SELECT * FROM orders WHERE invoiced = 0 ORDER BY id LIMIT 100";

constexpr std::array kOperations = {
    // What customers see.
    Operation{"gateway",
              "GET /",
              Trigger::Http,
              600,
              2,
              "UpstreamTimeout",
              "no answer from frontend",
              false,
              {call("frontend/GET /")}},
    Operation{"gateway",
              "GET /products/{id}",
              Trigger::Http,
              600,
              2,
              "UpstreamTimeout",
              "no answer from frontend",
              false,
              {call("frontend/GET /products/{id}")}},
    Operation{"gateway",
              "GET /search",
              Trigger::Http,
              600,
              2,
              "UpstreamTimeout",
              "no answer from frontend",
              false,
              {call("frontend/GET /search")}},
    Operation{"gateway",
              "POST /cart",
              Trigger::Http,
              700,
              2,
              "UpstreamTimeout",
              "no answer from frontend",
              false,
              {call("frontend/POST /cart")}},
    Operation{"gateway",
              "POST /orders",
              Trigger::Http,
              900,
              2,
              "UpstreamTimeout",
              "no answer from order",
              false,
              {work("authenticate", 1'500), call("order/PlaceOrder")}},

    Operation{"frontend",
              "GET /",
              Trigger::Http,
              3'000,
              5,
              "TypeError",
              "products is not iterable",
              false,
              {call("catalog/ListProducts"), optional(together(call("recommendation/ListRecommendations"))),
               optional(together(call("ads/GetAds", 80))), work("render page", 4'000)}},
    Operation{"frontend",
              "GET /products/{id}",
              Trigger::Http,
              2'500,
              5,
              "TypeError",
              "product is undefined",
              false,
              {call("catalog/GetProduct"), optional(together(call("recommendation/ListRecommendations"))),
               optional(together(call("ads/GetAds", 80))), work("render page", 3'000)}},
    Operation{"frontend",
              "GET /search",
              Trigger::Http,
              2'000,
              5,
              "TypeError",
              "hits is undefined",
              false,
              {call("search/Search"), call("catalog/GetProduct", 100, 6), work("render page", 3'000)}},
    Operation{"frontend",
              "POST /cart",
              Trigger::Http,
              1'800,
              10,
              "ValidationError",
              "quantity must be positive",
              false,
              {call("catalog/GetProduct"), call("cart/AddItem")}},

    // Reading.
    Operation{"recommendation",
              "ListRecommendations",
              Trigger::Grpc,
              6'000,
              60,
              "ModelNotLoaded",
              "no weights for segment 7",
              false,
              {cache("recommendations:{id}", 60), work("rank candidates", 18'000), call("catalog/GetProduct", 100, 4)}},
    Operation{"catalog",
              "ListProducts",
              Trigger::Grpc,
              1'500,
              5,
              "sql.ErrConnDone",
              "sql: connection is closed",
              true,
              {cache("products:category", 85), query("postgresql", kSelectProducts, 9'000)}},
    Operation{"catalog",
              "GetProduct",
              Trigger::Grpc,
              700,
              20,
              "sql.ErrConnDone",
              "sql: connection is closed",
              true,
              {cache("product:{id}", 90), query("postgresql", kSelectProduct, 3'500)}},
    Operation{"search",
              "Search",
              Trigger::Grpc,
              4'000,
              40,
              "java.util.concurrent.TimeoutException",
              "shard 3 did not answer within 250 ms",
              true,
              {query("opensearch", "search products", 22'000)}},
    Operation{"ads",
              "GetAds",
              Trigger::Grpc,
              2'000,
              150,
              "NoAdsError",
              "no ads for context",
              false,
              {query("mongodb", "find ads", 2'500)}},

    // Buying.
    Operation{"order",
              "PlaceOrder",
              Trigger::Grpc,
              3'000,
              10,
              "ErrEmptyCart",
              "cart is empty",
              false,
              {call("cart/GetCart"), call("inventory/Reserve"), call("shipping/GetQuote"), call("payment/Charge"),
               query("postgresql", "INSERT INTO orders (id, customer, total) VALUES ($1, $2, $3)", 4'000),
               publish("kafka", "orders")}},
    Operation{"cart",
              "AddItem",
              Trigger::Grpc,
              900,
              5,
              "RedisTimeoutException",
              "Timeout awaiting response",
              true,
              {query("redis", "HSET cart:{id}", 600), query("redis", "EXPIRE cart:{id}", 350)}},
    Operation{"cart",
              "GetCart",
              Trigger::Grpc,
              700,
              5,
              "RedisTimeoutException",
              "Timeout awaiting response",
              true,
              {query("redis", "HGETALL cart:{id}", 700)}},
    Operation{"inventory",
              "Reserve",
              Trigger::Grpc,
              1'200,
              80,
              "OutOfStock",
              "sku is sold out",
              false,
              {query("postgresql", kReserve, 4'500, 4)}},
    Operation{"shipping",
              "GetQuote",
              Trigger::Grpc,
              1'500,
              30,
              "std::runtime_error",
              "carrier did not answer",
              true,
              {optional(external("api.parcels.example", "POST /v2/quotes", 35'000))}},
    Operation{"payment",
              "Charge",
              Trigger::Grpc,
              14'000,
              120,
              "java.net.SocketTimeoutException",
              "Read timed out",
              true,
              {call("fraud-check/Check"), external("api.cardbank.example", "POST /v1/charges", 85'000),
               query("mysql", kInsertPayment, 3'000)}},
    Operation{"fraud-check",
              "Check",
              Trigger::Grpc,
              4'000,
              50,
              "ScoreTooHigh",
              "score 0.97 is above 0.95",
              false,
              {cache("customer:{id}", 70), query("postgresql", "SELECT * FROM customers WHERE id = $1", 5'000),
               work("score", 16'000)}},

    // Behind the queues.
    Operation{
        "order-worker",
        "orders",
        Trigger::Message,
        2'500,
        60,
        "org.postgresql.util.PSQLException",
        "deadlock detected",
        true,
        {query("postgresql", kUpdateOrder, 3'500), call("shipping/GetQuote"), publish("rabbitmq", "notifications")}},
    Operation{"accounting",
              "orders",
              Trigger::Follow,
              1'500,
              20,
              "MySqlException",
              "Lock wait timeout exceeded",
              true,
              {query("mysql", kInsertPosting, 2'800, 2)}},
    Operation{"email",
              "notifications",
              Trigger::Follow,
              5'000,
              90,
              "Net::SMTPServerBusy",
              "450 mailbox unavailable",
              true,
              {work("render mail", 6'000), external("smtp.mail.example", "POST /send", 60'000)}},

    // By the clock.
    Operation{"invoice-batch",
              "write invoices",
              Trigger::Timer,
              8'000,
              300,
              "MemoryError",
              "cannot allocate page",
              false,
              {query("mysql", kSelectOpen, 120'000), work("render invoice", 25'000),
               query("mysql", kUpdateOrder, 3'000, 40), external("archive.storage.example", "PUT /invoices", 90'000)}},
};

constexpr std::array kVisits = {
    Visit{"gateway/GET /", 30},      Visit{"gateway/GET /products/{id}", 40}, Visit{"gateway/GET /search", 15},
    Visit{"gateway/POST /cart", 10}, Visit{"gateway/POST /orders", 8},
};

constexpr bool is_service(std::string_view name) {
  return std::ranges::any_of(kServices, [&](const Service& service) { return service.name == name; });
}
constexpr bool is(const Operation& operation, std::string_view service_and_name) {
  return service_and_name.size() == operation.service.size() + 1 + operation.name.size() &&
         service_and_name.starts_with(operation.service) && service_and_name.ends_with(operation.name);
}
// Calls and messages lead only to operations further down the table (those behind a queue may call any of the others),
// so that no chain of them comes back to where it began.
constexpr bool leads_down(size_t caller, const Step& step) {
  bool found = false;
  for (size_t callee = 0; callee < kOperations.size(); ++callee) {
    const Operation& operation = kOperations[callee];
    const bool queued = takes_messages(operation);
    if (queued ? step.kind != StepKind::Publish || operation.name != step.what
               : step.kind != StepKind::Call || !is(operation, step.what))
      continue;
    found = true;
    if (callee <= caller && (queued || !takes_messages(kOperations[caller]))) return false;
  }
  return found;
}
constexpr bool fits_together() {
  for (size_t i = 0; i < kOperations.size(); ++i) {
    if (!is_service(kOperations[i].service)) return false;
    for (const Step& step : kOperations[i].steps) {
      const bool leads_on = step.kind == StepKind::Call || step.kind == StepKind::Publish;
      if (leads_on && !leads_down(i, step)) return false;
    }
  }
  return true;
}
static_assert(fits_together());
static_assert(std::ranges::all_of(kVisits, [](const Visit& visit) {
  return std::ranges::any_of(kOperations, [&](const Operation& operation) { return is(operation, visit.operation); });
}));

}  // namespace

std::span<const Service> services() { return kServices; }
std::span<const Operation> operations() { return kOperations; }
std::span<const Visit> visits() { return kVisits; }

size_t service_named(std::string_view name) {
  const auto* const found = std::ranges::find(kServices, name, &Service::name);
  CHECK(found != kServices.end());
  return static_cast<size_t>(found - kServices.begin());
}

size_t operation_named(std::string_view service_and_name) {
  const auto* const found =
      std::ranges::find_if(kOperations, [&](const auto& each) { return is(each, service_and_name); });
  CHECK(found != kOperations.end());
  return static_cast<size_t>(found - kOperations.begin());
}

}  // namespace clew::demo
