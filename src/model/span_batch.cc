// SPDX-License-Identifier: Apache-2.0
//
// Appending one batch to another is translating its numbers. When a whole batch is appended, each table entry is
// translated once and remembered, so that the cost per span is table look-ups in small arrays; when a few rows are
// taken from a large batch, nothing is remembered, so that the cost does not depend on the large batch's tables.
#include "model/span_batch.h"

#include <vector>

#include "model/row_appender.h"

namespace clew::model {
namespace {

constexpr uint32_t kUnknown = UINT32_MAX;

std::string_view as_key(const std::vector<uint64_t>& words) {
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t)};
}

}  // namespace

class Appender {
 public:
  enum class Remember : bool { No, Yes };

  Appender(SpanBatch& to, const SpanBatch& from, Remember remember) : to_(to), from_(from) {
    if (remember == Remember::No) return;
    strings_.assign(from.strings.size(), kUnknown);
    blobs_.assign(from.blobs.size(), kUnknown);
    shapes_.assign(from.shapes.size(), kUnknown);
    resources_.assign(from.resources.size(), kUnknown);
    scopes_.assign(from.scopes.size(), kUnknown);
  }

  void append(size_t row) {
    for (uint32_t i = from_.events_begin(row); i < from_.events_end[row]; ++i) {
      Event event = from_.events[i];
      event.name = string(event.name);
      event.attributes = attributes(event.attributes);
      to_.events.push_back(event);
    }
    for (uint32_t i = from_.links_begin(row); i < from_.links_end[row]; ++i) {
      Link link = from_.links[i];
      link.trace_state = string(link.trace_state);
      link.attributes = attributes(link.attributes);
      to_.links.push_back(link);
    }
    SpanRow span = from_.span(row);
    span.name = string(span.name);
    span.resource = resource(span.resource);
    span.scope = scope(span.scope);
    span.attributes = attributes(span.attributes);
    if (from_.rare[row] != 0) {
      span.rare.trace_state = string(span.rare.trace_state);
      span.rare.status_message = string(span.rare.status_message);
    }
    to_.add_span(span);
  }

  uint32_t resource(uint32_t index) {
    return remembered(resources_, index, [&] {
      Resource resource = from_.resources[index];
      resource.schema_url = string(resource.schema_url);
      resource.entity_refs = blob(resource.entity_refs);
      content_.assign({resource.dropped_attributes, resource.schema_url, resource.entity_refs});
      describe(resource.attributes);
      const uint32_t known = to_.resource_contents_.intern(as_key(content_)) - 1;
      if (known == to_.resources.size()) {
        resource.attributes = attributes(resource.attributes);
        resource.service_name = string(resource.service_name);
        to_.resources.push_back(resource);
      }
      return known;
    });
  }

  uint32_t scope(uint32_t index) {
    return remembered(scopes_, index, [&] {
      Scope scope = from_.scopes[index];
      scope.name = string(scope.name);
      scope.version = string(scope.version);
      scope.schema_url = string(scope.schema_url);
      content_.assign({scope.name, scope.version, scope.dropped_attributes, scope.schema_url});
      describe(scope.attributes);
      const uint32_t known = to_.scope_contents_.intern(as_key(content_)) - 1;
      if (known == to_.scopes.size()) {
        scope.attributes = attributes(scope.attributes);
        to_.scopes.push_back(scope);
      }
      return known;
    });
  }

 private:
  // memo[id], or make() where it is not known yet.
  template <class Make>
  static uint32_t remembered(std::vector<uint32_t>& memo, uint32_t id, Make make) {
    if (memo.empty()) return make();
    if (memo[id] == kUnknown) memo[id] = make();
    return memo[id];
  }

  StringId string(StringId id) {
    if (id == InternTable::kEmpty) return id;
    return remembered(strings_, id, [&] { return to_.strings.intern(from_.strings.at(id)); });
  }

  BlobId blob(BlobId id) {
    if (id == InternTable::kEmpty) return id;
    return remembered(blobs_, id, [&] { return to_.blobs.intern(from_.blobs.at(id)); });
  }

  ShapeId shape(ShapeId id) {
    if (id == InternTable::kEmpty) return id;
    return remembered(shapes_, id, [&] {
      keys_.clear();
      for (const KeyType key : from_.shape_keys(id)) keys_.push_back(KeyType::of(string(key.key()), key.type()));
      return to_.intern_shape(keys_);
    });
  }

  uint64_t slot(KeyType key, uint64_t value) {
    switch (key.type()) {
      case ValueType::String:
        return string(static_cast<StringId>(value));
      case ValueType::Bytes:
      case ValueType::Array:
      case ValueType::KvList:
        return blob(static_cast<BlobId>(value));
      default:
        return value;
    }
  }

  AttributeSet attributes(const AttributeSet& set) {
    const std::span<const KeyType> keys = from_.keys(set);
    if (keys.empty()) return {};
    const AttributeSet result = {shape(set.shape), static_cast<uint32_t>(to_.slots.size())};
    for (size_t i = 0; i < keys.size(); ++i) to_.slots.push_back(slot(keys[i], from_.slots[set.first_slot + i]));
    return result;
  }

  // Puts a list's content, in the numbers of `to_`, into content_.
  void describe(const AttributeSet& set) {
    const std::span<const KeyType> keys = from_.keys(set);
    content_.push_back(shape(set.shape));
    for (size_t i = 0; i < keys.size(); ++i) content_.push_back(slot(keys[i], from_.slots[set.first_slot + i]));
  }

  SpanBatch& to_;
  const SpanBatch& from_;
  std::vector<uint32_t> strings_, blobs_, shapes_, resources_, scopes_;  // empty: not remembered
  std::vector<KeyType> keys_;
  std::vector<uint64_t> content_;
};

SpanBatch::SpanBatch() { rare_fields.push_back({}); }

void SpanBatch::add_span(const SpanRow& span) {
  trace_id.push_back(span.trace_id);
  span_id.push_back(span.span_id);
  parent_span_id.push_back(span.parent_span_id);
  start.push_back(span.start);
  end.push_back(span.end);
  name.push_back(span.name);
  kind.push_back(span.kind);
  status_code.push_back(span.status_code);
  flags.push_back(span.flags);
  resource.push_back(span.resource);
  scope.push_back(span.scope);
  shape.push_back(span.attributes.shape);
  first_slot.push_back(span.attributes.first_slot);
  events_end.push_back(static_cast<uint32_t>(events.size()));
  links_end.push_back(static_cast<uint32_t>(links.size()));
  if (span.rare == RareFields{}) {
    rare.push_back(0);
    return;
  }
  if (!(span.rare == rare_fields.back())) rare_fields.push_back(span.rare);
  rare.push_back(static_cast<uint32_t>(rare_fields.size() - 1));
}

SpanRow SpanBatch::span(size_t row) const {
  return {.trace_id = trace_id[row],
          .span_id = span_id[row],
          .parent_span_id = parent_span_id[row],
          .start = start[row],
          .end = end[row],
          .name = name[row],
          .kind = kind[row],
          .status_code = status_code[row],
          .flags = flags[row],
          .resource = resource[row],
          .scope = scope[row],
          .attributes = attributes(row),
          .rare = rare_of(row)};
}

StringId SpanBatch::service_name(const AttributeSet& set) const {
  const std::span<const KeyType> list = keys(set);
  for (size_t i = list.size(); i-- > 0;) {
    if (list[i].type() == ValueType::String && strings.at(list[i].key()) == "service.name")
      return static_cast<StringId>(slots[set.first_slot + i]);
  }
  return InternTable::kEmpty;
}

void SpanBatch::rewind(const Mark& mark) {
  slots.truncate(mark.slots);
  events.truncate(mark.events);
  links.truncate(mark.links);
}

void SpanBatch::append(const SpanBatch& other) {
  Appender appender(*this, other, Appender::Remember::Yes);
  for (size_t row = 0; row < other.span_count(); ++row) appender.append(row);
}

void SpanBatch::append_rows(const SpanBatch& other, std::span<const uint32_t> rows) {
  Appender appender(*this, other, Appender::Remember::No);
  for (const uint32_t row : rows) appender.append(row);
}

uint32_t SpanBatch::take_resource(const SpanBatch& other, uint32_t index) {
  return Appender(*this, other, Appender::Remember::No).resource(index);
}

uint32_t SpanBatch::take_scope(const SpanBatch& other, uint32_t index) {
  return Appender(*this, other, Appender::Remember::No).scope(index);
}

RowAppender::RowAppender(SpanBatch& to, const SpanBatch& from)
    : appender_(std::make_unique<Appender>(to, from, Appender::Remember::Yes)) {}
RowAppender::~RowAppender() = default;

uint64_t RowAppender::memory_bytes(const SpanBatch& from) {
  const size_t entries =
      from.strings.size() + from.blobs.size() + from.shapes.size() + from.resources.size() + from.scopes.size();
  return entries * sizeof(uint32_t);
}

void RowAppender::append(std::span<const uint32_t> rows) {
  for (const uint32_t row : rows) appender_->append(row);
}

template <class Visit>
void SpanBatch::for_each_part(Visit visit) const {
  const auto each = [&visit](const auto&... parts) { (visit(parts), ...); };
  each(strings, blobs, shapes, resource_contents_, scope_contents_, slots, resources, scopes, events, links, trace_id,
       span_id, parent_span_id, start, end, name, kind, status_code, flags, resource, scope, shape, first_slot, rare,
       events_end, links_end, rare_fields);
}

size_t SpanBatch::content_bytes() const {
  size_t bytes = 0;
  for_each_part([&bytes](const auto& part) { bytes += part.content_bytes(); });
  return bytes;
}

size_t SpanBatch::memory_bytes() const {
  size_t bytes = 0;
  for_each_part([&bytes](const auto& part) { bytes += part.memory_bytes(); });
  return bytes;
}

}  // namespace clew::model
