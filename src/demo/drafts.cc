// SPDX-License-Identifier: Apache-2.0
#include "demo/drafts.h"

#include <bit>
#include <map>

namespace clew::demo {
namespace {

using model::KeyType;
using model::SpanBatch;
using model::ValueType;

constexpr uint32_t kSampled = 0x01;
constexpr uint32_t kRemoteKnown = 0x100;  // whether the parent is in another process is said …
constexpr uint32_t kRemote = 0x200;       // … and it is

class Writer {
 public:
  explicit Writer(std::span<const Instance> instances) : instances_(instances) {}

  void add(const SpanDraft& span) {
    model::SpanRow row;
    row.trace_id = span.trace_id;
    row.span_id = span.span_id;
    row.parent_span_id = span.parent;
    row.start = span.start;
    row.end = span.end;
    row.name = text(span.name);
    row.kind = static_cast<int32_t>(span.kind);
    row.status_code = static_cast<int32_t>(span.status);
    const bool remote = !span.parent.is_zero() && (span.kind == Kind::Server || span.kind == Kind::Consumer);
    row.flags = kSampled | kRemoteKnown | (remote ? kRemote : 0);
    row.resource = resource(span.instance);
    row.scope = scope(instances_[span.instance]);
    row.attributes = set(span.attributes);
    if (!span.status_message.empty()) row.rare.status_message = text(span.status_message);
    for (const EventDraft& draft : span.events) {
      model::Event event;
      event.time = draft.time;
      event.name = text(draft.name);
      event.attributes = set(draft.attributes);
      batch_.events.push_back(event);
    }
    for (const LinkDraft& draft : span.links) {
      model::Link link;
      link.trace_id = draft.trace_id;
      link.span_id = draft.span_id;
      link.flags = kSampled | kRemoteKnown | kRemote;
      link.attributes = set(draft.attributes);
      batch_.links.push_back(link);
    }
    batch_.add_span(row);
  }

  SpanBatch take() { return std::move(batch_); }

 private:
  model::StringId text(std::string_view value) { return batch_.strings.intern(value); }

  struct Slot {
    Writer& writer;
    std::pair<ValueType, uint64_t> operator()(const std::string& value) const {
      return {ValueType::String, writer.text(value)};
    }
    std::pair<ValueType, uint64_t> operator()(int64_t value) const {
      return {ValueType::Int, static_cast<uint64_t>(value)};
    }
    std::pair<ValueType, uint64_t> operator()(double value) const {
      return {ValueType::Double, std::bit_cast<uint64_t>(value)};
    }
    std::pair<ValueType, uint64_t> operator()(bool value) const { return {ValueType::Bool, value ? 1 : 0}; }
  };

  model::AttributeSet set(const Attributes& attributes) {
    const auto first_slot = static_cast<uint32_t>(batch_.slots.size());
    keys_.clear();
    for (const auto& [key, value] : attributes.list()) {
      const auto [type, slot] = std::visit(Slot{*this}, value);
      keys_.push_back(KeyType::of(text(key), type));
      batch_.slots.push_back(slot);
    }
    return {batch_.intern_shape(keys_), first_slot};
  }

  uint32_t resource(size_t instance) {
    const auto [found, added] = resources_.try_emplace(instance, static_cast<uint32_t>(batch_.resources.size()));
    if (added) {
      model::Resource resource;
      resource.attributes = set(instances_[instance].resource);
      resource.service_name = text(instances_[instance].service_name);
      batch_.resources.push_back(resource);
    }
    return found->second;
  }

  uint32_t scope(const Instance& instance) {
    const auto [found, added] = scopes_.try_emplace(instance.scope, static_cast<uint32_t>(batch_.scopes.size()));
    if (added) {
      model::Scope scope;
      scope.name = text(instance.scope);
      scope.version = text(instance.scope_version);
      batch_.scopes.push_back(scope);
    }
    return found->second;
  }

  std::span<const Instance> instances_;
  SpanBatch batch_;
  std::map<size_t, uint32_t> resources_;
  std::map<std::string_view, uint32_t> scopes_;
  std::vector<KeyType> keys_;
};

}  // namespace

SpanBatch write_spans(std::span<const SpanDraft> spans, std::span<const Instance> instances) {
  Writer writer(instances);
  for (const SpanDraft& span : spans) writer.add(span);
  return writer.take();
}

}  // namespace clew::demo
