// SPDX-License-Identifier: Apache-2.0
#include "demo/order_example.h"

#include <array>
#include <random>
#include <string_view>

#include "demo/drafts.h"

namespace clew::demo {
namespace {

struct Call {
  std::string_view service;
  std::string_view name;
  int caller;  // place in kCalls; -1: none
  uint64_t begin_ms;
  uint64_t end_ms;
  std::string_view method;
  std::string_view route;
};

constexpr std::array kCalls = {
    Call{"gateway", "API Gateway", -1, 0, 450, "POST", "/orders"},
    Call{"order", "Order", 0, 10, 400, "POST", "/orders"},
    Call{"inventory", "Inventory", 1, 20, 120, "POST", "/reservations"},
    Call{"payment", "Payment", 1, 130, 380, "POST", "/charges"},
    Call{"fraud-check", "Fraud Check", 3, 140, 250, "GET", "/scores/{customer}"},
};

}  // namespace

model::SpanBatch order_example(uint64_t seed, UnixNanos start) {
  std::mt19937_64 random(seed);
  const model::TraceId trace{random(), random() | 1};
  std::vector<SpanDraft> spans;
  std::vector<Instance> instances;
  for (const Call& call : kCalls) {
    Instance instance;
    instance.resource.text("service.name", call.service).text("service.namespace", "shop");
    instance.resource.text("service.version", "1.0.0").text("deployment.environment.name", "demo");
    instance.service_name = call.service;
    instance.scope = "clew.demo";
    instance.scope_version = "1";
    SpanDraft span = {.trace_id = trace,
                      .span_id = {random() | 1},
                      .parent = call.caller < 0 ? model::SpanId{} : spans[static_cast<size_t>(call.caller)].span_id,
                      .instance = instances.size(),
                      .name = std::string(call.name),
                      .kind = Kind::Server,
                      .start = start + call.begin_ms * kNanosPerMilli,
                      .end = start + call.end_ms * kNanosPerMilli};
    span.attributes.text("http.request.method", call.method).text("http.route", call.route);
    span.attributes.number("http.response.status_code", int64_t{200}).text("server.address", call.service);
    spans.push_back(std::move(span));
    instances.push_back(std::move(instance));
  }
  return write_spans(spans, instances);
}

}  // namespace clew::demo
