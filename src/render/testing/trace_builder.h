// SPDX-License-Identifier: Apache-2.0
//
// TraceBuilder writes the traces of tests: spans by name, service, parent and times in milliseconds after a fixed
// moment, attributes as they are needed.
//
//   TraceBuilder trace;
//   trace.span({.id = 1, .name = "GET /", .service = "web", .end_ms = 450});
//   trace.attributes({{"http.method", "GET"}});           // for the span to come
//   trace.span({.id = 2, .parent = 1, ...});
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/span_batch.h"

namespace clew::render::testing {

// 2026-11-20T18:48:56Z
constexpr UnixNanos kEpoch = 1'795'200'536 * kNanosPerSecond;
constexpr model::TraceId kTraceId{0x5b8aa5a2d2c872e8, 0x321cf37308d69df2};

// Canonical protobuf bytes of an ArrayValue or a KeyValueList.
struct Nested {
  model::ValueType type;
  std::string bytes;
};
struct Blob {
  std::string bytes;
};
using Value = std::variant<std::monostate, std::string, bool, int64_t, double, Blob, Nested>;
using Attributes = std::vector<std::pair<std::string, Value>>;

struct SpanSpec {
  uint64_t id = 0;
  uint64_t parent = 0;
  std::string_view name = "";
  std::string_view service = "web";
  int64_t start_ms = 0;  // after kEpoch
  int64_t end_ms = 0;
  int32_t kind = 1;
  int32_t status = 0;
  std::string_view status_message = "";
  std::string_view trace_state = "";
  uint32_t flags = 0;
  model::TraceId trace = kTraceId;
};

class TraceBuilder {
 public:
  // Of the next span.
  void attributes(const Attributes& list) { next_ = set(list); }
  void event(std::string_view name, int64_t at_ms, const Attributes& list = {});
  void link(const model::TraceId& trace, uint64_t span, const Attributes& list = {});
  // Of all spans from here on.
  void scope(std::string_view name, std::string_view version);

  void span(const SpanSpec& spec);

  // Beside service.name, for the service's next first use.
  void resource_attributes(const Attributes& list) { resource_more_ = list; }

  model::SpanBatch batch;

 private:
  model::AttributeSet set(const Attributes& list);
  uint32_t resource(std::string_view service);

  model::AttributeSet next_;
  Attributes resource_more_;
  std::map<std::string, uint32_t, std::less<>> resources_;
  uint32_t scope_ = UINT32_MAX;
};

// API Gateway 0–450 ms → Order 10–400 → Inventory 20–120, Payment 130–380 → Fraud Check 140–250.
model::SpanBatch order_trace();

}  // namespace clew::render::testing
