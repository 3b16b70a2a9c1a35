// SPDX-License-Identifier: Apache-2.0
#include "demo/describe.h"

#include <fmt/format.h>

#include <array>

namespace clew::demo {
namespace {

constexpr int64_t kGrpcUnavailable = 14;
constexpr int64_t kGrpcInternal = 13;

// "GET /products/{id}" → "GET" and "/products/{id}".
struct HttpName {
  std::string_view method;
  std::string_view route;
};
HttpName http_name(std::string_view name) {
  const size_t blank = name.find(' ');
  return {name.substr(0, blank), name.substr(blank + 1)};
}

std::string with_id(std::string_view text, uint64_t id) {
  constexpr std::string_view kPlace = "{id}";
  const size_t place = text.find(kPlace);
  if (place == std::string_view::npos) return std::string(text);
  return fmt::format("{}{}{}", text.substr(0, place), id, text.substr(place + kPlace.size()));
}

void fail(SpanDraft& span, std::string_view type, std::string_view message) {
  span.status = Status::Error;
  span.status_message = message;
  span.attributes.text("error.type", type);
}

void add_exception(SpanDraft& span, const Operation& operation) {
  EventDraft& event = span.events.emplace_back(EventDraft{span.end - (span.end - span.start) / 16, "exception", {}});
  const auto line = operation.micros % 311;
  event.attributes.text("exception.type", operation.failure).text("exception.message", operation.message);
  event.attributes.text(
      "exception.stacktrace",
      fmt::format("{}: {}\n    at {}.handle({}:{})\n    at {}.dispatch(server:{})\n    at main", operation.failure,
                  operation.message, operation.service, operation.name, line, operation.service, line + 40));
}

void describe_http_server(SpanDraft& span, const Operation& operation, const Journey& journey, int64_t status) {
  const HttpName name = http_name(operation.name);
  span.attributes.text("http.request.method", name.method).text("http.route", name.route);
  span.attributes.text("url.path", with_id(name.route, journey.product)).text("url.scheme", "http");
  span.attributes.number("http.response.status_code", status);
  span.attributes.text("server.address", operation.service);
  span.attributes.number("server.port", int64_t{services()[service_named(operation.service)].port});
  span.attributes.text("network.protocol.version", "1.1");
  if (operation.service != "gateway") return;
  span.attributes.text("client.address", fmt::format("203.0.113.{}", journey.customer % 254 + 1));
  span.attributes.text("user_agent.original", journey.user_agent);
  span.attributes.text("user.id", fmt::format("c-{:06}", journey.customer));
  span.attributes.text("session.id", fmt::format("{:016x}", journey.session));
}

void describe_grpc(SpanDraft& span, const Operation& operation, int64_t status) {
  span.attributes.text("rpc.system", "grpc").text("rpc.service", fmt::format("shop.{}", operation.service));
  span.attributes.text("rpc.method", operation.name).number("rpc.grpc.status_code", status);
  span.attributes.text("server.address", operation.service);
  span.attributes.number("server.port", int64_t{services()[service_named(operation.service)].port});
}

void describe_business(SpanDraft& span, const Operation& operation, const Journey& journey) {
  const auto order = [&] { span.attributes.text("shop.order.id", fmt::format("o-{:08}", journey.order)); };
  if (operation.name == "PlaceOrder" || takes_messages(operation)) order();
  if (operation.name == "PlaceOrder")
    span.attributes.number("shop.order.amount", journey.amount).text("shop.order.currency", journey.currency);
  if (operation.name == "Charge") {
    order();
    span.attributes.text("shop.payment.method", journey.payment).flag("shop.payment.recurring", false);
  }
  if (operation.name == "GetProduct") span.attributes.text("shop.product.id", fmt::format("p-{:04}", journey.product));
}

struct DatabasePort {
  std::string_view system;
  int64_t port;
};
constexpr std::array kDatabasePorts = {DatabasePort{"postgresql", 5432}, DatabasePort{"mysql", 3306},
                                       DatabasePort{"redis", 6379}, DatabasePort{"mongodb", 27017},
                                       DatabasePort{"opensearch", 9200}};

// The table of an SQL statement, or the second word of another command.
std::string_view collection_of(std::string_view statement) {
  size_t begin = statement.find(' ') + 1;
  for (const std::string_view word : {" FROM ", " INTO "})
    if (const size_t found = statement.find(word); found != std::string_view::npos) begin = found + word.size();
  return statement.substr(begin, statement.find(' ', begin) - begin);
}

template <size_t count>
std::string_view one_of(const std::array<std::string_view, count>& list, std::mt19937_64& random) {
  return list[random() % count];
}

}  // namespace

Journey new_journey(std::mt19937_64& random) {
  constexpr std::array<std::string_view, 3> kCurrencies = {"EUR", "USD", "CHF"};
  constexpr std::array<std::string_view, 4> kPayments = {"card", "invoice", "transfer", "voucher"};
  constexpr std::array<std::string_view, 3> kBrowsers = {
      "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
      "Safari/605.1.15",
      "ShopApp/7.2 (Android 15)"};
  constexpr uint64_t kCustomers = 20'000;
  constexpr uint64_t kProducts = 800;
  Journey journey;
  journey.customer = random() % kCustomers;
  journey.session = random();
  journey.order = random() % 100'000'000;
  journey.product = (random() % kProducts) * (random() % kProducts) / kProducts;  // some are liked better
  journey.amount = static_cast<double>(500 + random() % 40'000) / 100;
  journey.currency = one_of(kCurrencies, random);
  journey.payment = one_of(kPayments, random);
  journey.user_agent = one_of(kBrowsers, random);
  return journey;
}

Instance describe_instance(const Service& service, std::string_view version, uint64_t number) {
  Instance instance;
  instance.service_name = service.name;
  instance.scope = service.scope;
  instance.scope_version = "1.0.0";
  const std::string pod =
      fmt::format("{}-{:08x}-{:05x}", service.name, std::hash<std::string_view>{}(version) >> 32, number & 0xFFFFF);
  const uint64_t node = number >> 20 & 3;
  Attributes& resource = instance.resource;
  resource.text("service.name", service.name).text("service.namespace", "shop").text("service.version", version);
  resource.text("service.instance.id",
                fmt::format("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", number >> 32, number >> 16 & 0xFFFF,
                            number & 0xFFF, number >> 40 & 0xFFF, number & 0xFFFFFFFFFFFF));
  resource.text("deployment.environment.name", "demo").text("host.name", fmt::format("node-{}", node));
  resource.text("k8s.cluster.name", "demo-eu").text("k8s.namespace.name", "shop");
  resource.text("k8s.deployment.name", service.name).text("k8s.pod.name", pod);
  resource.text("k8s.node.name", fmt::format("node-{}", node));
  resource.text("telemetry.sdk.name", "opentelemetry").text("telemetry.sdk.language", service.language);
  return instance;
}

std::string span_name(const Operation& operation) {
  switch (operation.trigger) {
    case Trigger::Grpc:
      return fmt::format("shop.{}/{}", operation.service, operation.name);
    case Trigger::Message:
    case Trigger::Follow:
      return fmt::format("process {}", operation.name);
    case Trigger::Http:
    case Trigger::Timer:
      break;
  }
  return std::string(operation.name);
}

void describe_served(SpanDraft& span, const Operation& operation, const Journey& journey, const Served& served) {
  const bool failed = served.step_failed || served.own_failure;
  if (operation.trigger == Trigger::Http) {
    const int64_t status = served.step_failed ? 502 : served.own_failure ? 500 : 200;
    describe_http_server(span, operation, journey, status);
  } else if (operation.trigger == Trigger::Grpc) {
    describe_grpc(span, operation, !failed ? 0 : operation.transient ? kGrpcUnavailable : kGrpcInternal);
  } else if (takes_messages(operation)) {
    describe_message(span, journey.message);
    span.attributes.text("messaging.consumer.group.name", operation.service);
  }
  describe_business(span, operation, journey);
  if (served.own_failure) {
    fail(span, operation.failure, operation.message);
    add_exception(span, operation);
  } else if (served.step_failed) {
    fail(span, operation.trigger == Trigger::Http ? "502" : "dependency", "a dependency failed");
  }
}

void describe_call(SpanDraft& span, const Operation& operation, const Journey& journey, const Called& called) {
  const std::string_view address = operation.service;
  const int64_t port = services()[service_named(operation.service)].port;
  if (operation.trigger == Trigger::Http) {
    const HttpName name = http_name(operation.name);
    span.name = name.method;
    span.attributes.text("http.request.method", name.method);
    span.attributes.text("url.full",
                         fmt::format("http://{}:{}{}", address, port, with_id(name.route, journey.product)));
    span.attributes.number("http.response.status_code", int64_t{called.failed ? 502 : 200});
    span.attributes.text("server.address", address).number("server.port", port);
    if (called.attempt > 0) span.attributes.number("http.request.resend_count", int64_t{called.attempt});
  } else {
    describe_grpc(span, operation, !called.failed ? 0 : operation.transient ? kGrpcUnavailable : kGrpcInternal);
    if (called.attempt > 0) span.attributes.number("rpc.retry.count", int64_t{called.attempt});
  }
  if (called.failed) fail(span, operation.transient ? "UNAVAILABLE" : "INTERNAL", operation.message);
}

void describe_query(SpanDraft& span, const Step& step, const Journey& journey, std::optional<bool> hit) {
  const bool redis = step.with == "redis";
  const std::string statement = with_id(hit ? fmt::format("GET {}", step.what) : std::string(step.what),
                                        redis ? journey.customer : journey.product);
  const std::string_view command = std::string_view(statement).substr(0, statement.find(' '));
  const std::string_view collection = collection_of(statement);
  span.name = redis ? std::string(command) : fmt::format("{} {}", command, collection);
  span.attributes.text("db.system.name", step.with).text("db.namespace", "shop");
  span.attributes.text("db.operation.name", command).text("db.query.text", statement);
  if (!redis) span.attributes.text("db.collection.name", collection);
  span.attributes.text("server.address", fmt::format("{}.shop.internal", step.with));
  for (const DatabasePort& each : kDatabasePorts)
    if (each.system == step.with) span.attributes.number("server.port", each.port);
  if (hit) span.attributes.flag("cache.hit", *hit);
}

void describe_external(SpanDraft& span, const Step& step, const Journey& journey, bool failed) {
  const HttpName name = http_name(step.what);
  span.name = name.method;
  span.attributes.text("http.request.method", name.method);
  span.attributes.text("url.full", fmt::format("https://{}{}", step.with, with_id(name.route, journey.order)));
  span.attributes.number("http.response.status_code", int64_t{failed ? 503 : 200});
  span.attributes.text("server.address", step.with).number("server.port", int64_t{443});
  if (failed) fail(span, "503", fmt::format("{} answered 503", step.with));
}

void describe_message(SpanDraft& span, const Message& message) {
  const bool sends = span.kind == Kind::Producer;
  span.attributes.text("messaging.system", message.system).text("messaging.destination.name", message.topic);
  span.attributes.text("messaging.operation.type", sends ? "send" : "process");
  span.attributes.text("messaging.operation.name", sends ? "send" : "process");
  span.attributes.text("messaging.message.id", fmt::format("{:016x}", message.id));
  span.attributes.text("messaging.destination.partition.id", std::to_string(message.partition));
  span.attributes.text("server.address", fmt::format("{}.shop.internal", message.system));
}

}  // namespace clew::demo
