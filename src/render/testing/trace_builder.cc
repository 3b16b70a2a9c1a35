// SPDX-License-Identifier: Apache-2.0
#include "render/testing/trace_builder.h"

#include <bit>

namespace clew::render::testing {

using model::ValueType;

model::AttributeSet TraceBuilder::set(const Attributes& list) {
  std::vector<model::KeyType> keys;
  const auto first_slot = static_cast<uint32_t>(batch.slots.size());
  for (const auto& [key, value] : list) {
    ValueType type = ValueType::Empty;
    uint64_t slot = 0;
    if (const auto* text = std::get_if<std::string>(&value)) {
      type = ValueType::String;
      slot = batch.strings.intern(*text);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      type = ValueType::Bool;
      slot = *flag ? 1 : 0;
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      type = ValueType::Int;
      slot = static_cast<uint64_t>(*integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
      type = ValueType::Double;
      slot = std::bit_cast<uint64_t>(*real);
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      type = ValueType::Bytes;
      slot = batch.blobs.intern(blob->bytes);
    } else if (const auto* nested = std::get_if<Nested>(&value)) {
      type = nested->type;
      slot = batch.blobs.intern(nested->bytes);
    }
    keys.push_back(model::KeyType::of(batch.strings.intern(key), type));
    batch.slots.push_back(slot);
  }
  return {batch.intern_shape(keys), first_slot};
}

void TraceBuilder::event(std::string_view name, int64_t at_ms, const Attributes& list) {
  model::Event event;
  event.time = kEpoch + static_cast<uint64_t>(at_ms) * kNanosPerMilli;
  event.name = batch.strings.intern(name);
  event.attributes = set(list);
  batch.events.push_back(event);
}

void TraceBuilder::link(const model::TraceId& trace, uint64_t span, const Attributes& list) {
  model::Link link;
  link.trace_id = trace;
  link.span_id.value = span;
  link.attributes = set(list);
  batch.links.push_back(link);
}

void TraceBuilder::scope(std::string_view name, std::string_view version) {
  model::Scope scope;
  scope.name = batch.strings.intern(name);
  scope.version = batch.strings.intern(version);
  scope_ = static_cast<uint32_t>(batch.scopes.size());
  batch.scopes.push_back(scope);
}

uint32_t TraceBuilder::resource(std::string_view service) {
  if (const auto known = resources_.find(service); known != resources_.end()) return known->second;
  Attributes list;
  if (!service.empty()) list.emplace_back("service.name", std::string(service));
  list.insert(list.end(), resource_more_.begin(), resource_more_.end());
  resource_more_.clear();
  model::Resource resource;
  resource.attributes = set(list);
  resource.service_name = batch.strings.intern(service);
  const auto number = static_cast<uint32_t>(batch.resources.size());
  batch.resources.push_back(resource);
  resources_.emplace(service, number);
  return number;
}

void TraceBuilder::span(const SpanSpec& spec) {
  if (scope_ == UINT32_MAX) scope("", "");
  model::SpanRow row;
  row.trace_id = spec.trace;
  row.span_id.value = spec.id;
  row.parent_span_id.value = spec.parent;
  row.start = kEpoch + static_cast<uint64_t>(spec.start_ms) * kNanosPerMilli;
  row.end = kEpoch + static_cast<uint64_t>(spec.end_ms) * kNanosPerMilli;
  row.name = batch.strings.intern(spec.name);
  row.kind = spec.kind;
  row.status_code = spec.status;
  row.flags = spec.flags;
  row.resource = resource(spec.service);
  row.scope = scope_;
  row.attributes = next_;
  row.rare.status_message = batch.strings.intern(spec.status_message);
  row.rare.trace_state = batch.strings.intern(spec.trace_state);
  batch.add_span(row);
  next_ = {};
}

model::SpanBatch order_trace() {
  TraceBuilder trace;
  trace.span({.id = 1, .name = "API Gateway", .service = "gateway", .start_ms = 0, .end_ms = 450, .kind = 2});
  trace.span({.id = 2, .parent = 1, .name = "Order", .service = "order", .start_ms = 10, .end_ms = 400});
  trace.span({.id = 3, .parent = 2, .name = "Inventory", .service = "inventory", .start_ms = 20, .end_ms = 120});
  trace.span({.id = 4, .parent = 2, .name = "Payment", .service = "payment", .start_ms = 130, .end_ms = 380});
  trace.span({.id = 5, .parent = 4, .name = "Fraud Check", .service = "fraud", .start_ms = 140, .end_ms = 250});
  return std::move(trace.batch);
}

}  // namespace clew::render::testing
