// SPDX-License-Identifier: Apache-2.0
//
// The common case of every field is a loop of a few loads per row: row, shape, place of the key (cached), slot. Only a
// row whose field has several values leaves it, for append_groups().
#include "eval/batch_view.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "eval/array_value.h"

namespace clew::eval {
namespace {

using model::AttributeSet;
using model::KeyType;
using model::ValueType;
using query::Intrinsic;
using query::Scope;

// How far ahead of its use a slot is asked for.
constexpr size_t kPrefetchRows = 24;

constexpr uint32_t kNoOwner = UINT32_MAX;
constexpr model::ShapeId kNoShape = UINT32_MAX;

// By ValueType, then kAbsent and kSeveral. An array is Many until it is read.
constexpr std::array<ValueKind, 16> kKindOf = {ValueKind::Nil,   ValueKind::String, ValueKind::Bool, ValueKind::Int,
                                               ValueKind::Float, ValueKind::Opaque, ValueKind::Many, ValueKind::Opaque,
                                               ValueKind::Nil,   ValueKind::Many};

uint64_t duration_of(UnixNanos start, UnixNanos end) {
  if (end <= start) return 0;
  return std::min<uint64_t>(end - start, std::numeric_limits<int64_t>::max());
}

// b - a, at the ends of what an int64 holds where it is further.
int64_t difference(UnixNanos a, UnixNanos b) {
  constexpr uint64_t kFurthest = std::numeric_limits<int64_t>::max();
  if (b >= a) return static_cast<int64_t>(std::min(b - a, kFurthest));
  return -static_cast<int64_t>(std::min(a - b, kFurthest));
}

Value number(int64_t value) { return {ValueKind::Int, static_cast<uint64_t>(value)}; }

template <class Entry>
size_t mask_of(const std::vector<Entry>& cache) {
  return cache.size() - 1;
}

}  // namespace

FieldId BatchView::bind(const query::Attribute& attribute) {
  for (FieldId id = 0; id < fields_.size(); ++id) {
    const Field& known = fields_[id];
    if (!known.intrinsic && known.scope == attribute.scope && known.key == attribute.name) return id;
  }
  Field field;
  field.scope = attribute.scope;
  field.key = attribute.name;
  fields_.push_back(std::move(field));
  return static_cast<FieldId>(fields_.size() - 1);
}

FieldId BatchView::bind(Intrinsic intrinsic) {
  CHECK(!is_of_trace(intrinsic));
  for (FieldId id = 0; id < fields_.size(); ++id) {
    if (fields_[id].intrinsic == intrinsic) return id;
  }
  Field field;
  field.intrinsic = intrinsic;
  fields_.push_back(std::move(field));
  return static_cast<FieldId>(fields_.size() - 1);
}

FieldFacts BatchView::facts(FieldId id) {
  Field& field = fields_[id];
  if (!field.facts) {
    field.facts =
        field.intrinsic ? FieldFacts{.may_exist = true, .may_be_text = false} : look_through_shapes(field.key);
  }
  return *field.facts;
}

FieldFacts BatchView::look_through_shapes(const std::string& text) const {
  FieldFacts facts{.may_exist = false, .may_be_text = false};
  const std::optional<model::StringId> key = spans_.strings.find(text);
  if (!key) return facts;
  size_t looked_at = 0;
  for (model::ShapeId shape = 0; shape < spans_.shapes.size(); ++shape) {
    const std::span<const KeyType> keys = spans_.shape_keys(shape);
    looked_at += keys.size() + 1;
    if (looked_at > kKeysLookedAtMax) return {};
    for (const KeyType each : keys) {
      facts.may_exist |= each.key() == *key;
      facts.may_be_text |= each == KeyType::of(*key, ValueType::Array);
    }
  }
  return facts;
}

// Brings the field's caches up to the batch as it is now. A cache that grows starts empty.
void BatchView::prepare(Field& field) {
  if (!field.key_id) field.key_id = spans_.strings.find(field.key);
  const size_t places = std::bit_ceil(std::min(spans_.shapes.size(), kShapePlacesMax));
  if (field.places.size() < places) field.places.assign(places, Place{kNoShape, 0});
  const size_t owners = field.scope == Scope::Instrumentation ? spans_.scopes.size() : spans_.resources.size();
  const size_t wanted = std::bit_ceil(std::clamp<size_t>(owners, 1, kOwnerValuesMax));
  if (field.owners.size() < wanted) field.owners.assign(wanted, OwnerValue{kNoOwner, {}});
}

uint32_t BatchView::find_place(const Field& field, model::ShapeId shape) const {
  const std::span<const KeyType> keys = spans_.shape_keys(shape);
  uint32_t packed = kAbsent;
  for (uint32_t i = 0; i < keys.size(); ++i) {
    if (keys[i].key() != *field.key_id) continue;
    if (packed != kAbsent) return kSeveral;
    packed = i << kStateBits | static_cast<uint32_t>(keys[i].type());
  }
  return packed;
}

inline uint32_t BatchView::place_of(Field& field, model::ShapeId shape) {
  Place& place = field.places[shape & mask_of(field.places)];
  if (place.shape != shape) [[unlikely]]
    place = {shape, find_place(field, shape)};
  return place.packed;
}

inline Value BatchView::plain_value(Field& field, const AttributeSet& set) {
  const uint32_t packed = place_of(field, set.shape);
  const uint32_t state = packed & ((1u << kStateBits) - 1);
  if (kKindOf[state] == ValueKind::Nil || state == kSeveral) return {kKindOf[state], 0};
  return {kKindOf[state], spans_.slots[set.first_slot + (packed >> kStateBits)]};
}

void BatchView::append_groups(Field& field, const AttributeSet& set, ValueColumn& out) {
  const uint32_t packed = place_of(field, set.shape);
  const uint32_t state = packed & ((1u << kStateBits) - 1);
  if (state == kAbsent) return;
  const std::span<const KeyType> keys = spans_.shape_keys(set.shape);
  const size_t first = state == kSeveral ? 0 : packed >> kStateBits;
  const size_t last = state == kSeveral ? keys.size() : first + 1;
  for (size_t i = first; i < last; ++i) {
    if (keys[i].key() != *field.key_id || keys[i].type() == ValueType::Empty) continue;
    const uint64_t slot = spans_.slots[set.first_slot + i];
    if (keys[i].type() == ValueType::Array) {
      append_array(as_bytes(spans_.blobs.at(static_cast<model::BlobId>(slot))), out);
    } else {
      out.add_group({kKindOf[static_cast<size_t>(keys[i].type())], slot});
    }
  }
}

// In three passes without a branch that depends on the data, so that the loads of many rows are under way at once:
// places, slots of the rows that have the key, and the rare rows with several values.
void BatchView::read_span(Field& field, std::span<const uint32_t> rows, ValueColumn& out) {
  present_.resize(rows.size());
  size_t present = 0;
  bool several = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t packed = place_of(field, spans_.shape[rows[i]]);
    const ValueKind kind = kKindOf[packed & ((1u << kStateBits) - 1)];
    out.kinds[i] = kind;
    out.bits[i] = packed >> kStateBits;
    present_[present] = static_cast<uint32_t>(i);
    present += static_cast<size_t>(kind != ValueKind::Nil);
    several |= kind == ValueKind::Many;
  }
  const auto slot_of = [&](uint32_t i) -> const uint64_t& {
    return spans_.slots[spans_.first_slot[rows[i]] + out.bits[i]];
  };
  // Slots are the one thing here that lies far apart; asking for them early hides most of the way to memory.
  for (size_t k = 0; k < present; ++k) {
    if (k + kPrefetchRows < present) __builtin_prefetch(&slot_of(present_[k + kPrefetchRows]));
    out.bits[present_[k]] = slot_of(present_[k]);
  }
  if (!several) return;
  for (const uint32_t i : std::span(present_).first(present)) {
    if (out.kinds[i] != ValueKind::Many) continue;
    const size_t first = out.groups.size();
    append_groups(field, spans_.attributes(rows[i]), out);
    out.close_groups(i, first, ValueKind::Nil);
  }
}

// The value of an attribute of what many rows share: a resource or an instrumentation scope.
template <class OwnerOf, class SetOf>
void BatchView::read_owned(Field& field, OwnerOf owner_of, SetOf set_of, std::span<const uint32_t> rows,
                           ValueColumn& out) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t owner = owner_of(rows[i]);
    OwnerValue& known = field.owners[owner & mask_of(field.owners)];
    if (known.owner != owner) [[unlikely]]
      known = {owner, plain_value(field, set_of(owner))};
    out.set(i, known.value);
    if (known.value.kind == ValueKind::Many) [[unlikely]] {
      const size_t first = out.groups.size();
      append_groups(field, set_of(owner), out);
      out.close_groups(i, first, ValueKind::Nil);
    }
  }
}

template <class OwnerOf>
void BatchView::read_resources(Field& field, OwnerOf owner_of, std::span<const uint32_t> rows, ValueColumn& out) {
  read_owned(field, owner_of, [&](uint32_t owner) { return spans_.resources[owner].attributes; }, rows, out);
}

template <class OwnerOf>
void BatchView::read_scopes(Field& field, OwnerOf owner_of, std::span<const uint32_t> rows, ValueColumn& out) {
  read_owned(field, owner_of, [&](uint32_t owner) { return spans_.scopes[owner].attributes; }, rows, out);
}

void BatchView::read_of_owners(FieldId id, std::span<const uint32_t> owners, ValueColumn& out) {
  out.reset(owners.size());
  Field& field = fields_[id];
  prepare(field);
  const auto itself = [](uint32_t owner) { return owner; };
  if (!field.key_id) {
    std::fill_n(out.kinds.begin(), owners.size(), ValueKind::Nil);
  } else if (field.scope == Scope::Instrumentation) {
    read_scopes(field, itself, owners, out);
  } else {
    read_resources(field, itself, owners, out);
  }
}

inline Value BatchView::resource_value(Field& field, uint32_t resource) {
  OwnerValue& known = field.owners[resource & mask_of(field.owners)];
  if (known.owner != resource) [[unlikely]]
    known = {resource, plain_value(field, spans_.resources[resource].attributes)};
  return known.value;
}

void BatchView::read_any(Field& field, std::span<const uint32_t> rows, ValueColumn& out) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const AttributeSet set = spans_.attributes(rows[i]);
    const uint32_t resource = spans_.resource[rows[i]];
    const Value on_span = plain_value(field, set);
    const Value on_resource = resource_value(field, resource);
    const bool one_is_nil = on_span.kind == ValueKind::Nil || on_resource.kind == ValueKind::Nil;
    const Value value = on_span.kind == ValueKind::Nil ? on_resource : on_span;
    out.set(i, value);
    if (!one_is_nil || value.kind == ValueKind::Many) [[unlikely]] {
      const size_t first = out.groups.size();
      append_groups(field, set, out);
      append_groups(field, spans_.resources[resource].attributes, out);
      out.close_groups(i, first, ValueKind::Nil);
    }
  }
}

void BatchView::read_events(Field& field, std::span<const uint32_t> rows, ValueColumn& out) {
  for (size_t i = 0; i < rows.size() && !out.overflowed; ++i) {
    const size_t first = out.groups.size();
    const uint32_t end = spans_.events_end[rows[i]];
    for (uint32_t at = spans_.events_begin(rows[i]); at < end && !out.overflowed; ++at) {
      const model::Event& event = spans_.events[at];
      if (field.intrinsic == Intrinsic::EventName) {
        out.add_group({ValueKind::String, event.name});
      } else if (field.intrinsic == Intrinsic::EventTimeSinceStart) {
        out.add_group(number(difference(spans_.start[rows[i]], event.time)));
      } else {
        const size_t before = out.groups.size();
        if (field.key_id) append_groups(field, event.attributes, out);
        if (out.groups.size() == before) out.add_group({});
      }
    }
    out.close_groups(i, first, ValueKind::Ownerless);
  }
}

void BatchView::read_links_of(Field& field, std::span<const uint32_t> rows, ValueColumn& out) {
  for (size_t i = 0; i < rows.size() && !out.overflowed; ++i) {
    const size_t first = out.groups.size();
    const uint32_t end = spans_.links_end[rows[i]];
    for (uint32_t at = spans_.links_begin(rows[i]); at < end && !out.overflowed; ++at) {
      const model::Link& link = spans_.links[at];
      if (field.intrinsic == Intrinsic::LinkTraceId) {
        out.add_group(out.trace_id(link.trace_id));
      } else if (field.intrinsic == Intrinsic::LinkSpanId) {
        out.add_group({ValueKind::SpanId, link.span_id.value});
      } else {
        const size_t before = out.groups.size();
        if (field.key_id) append_groups(field, link.attributes, out);
        if (out.groups.size() == before) out.add_group({});
      }
    }
    out.close_groups(i, first, ValueKind::Ownerless);
  }
}

void BatchView::read_intrinsic(Intrinsic intrinsic, std::span<const uint32_t> rows, ValueColumn& out) {
  const auto fill = [&](auto value_of) {
    for (size_t i = 0; i < rows.size(); ++i) out.set(i, value_of(rows[i]));
  };
  const auto string = [](model::StringId id) { return Value{ValueKind::String, id}; };
  switch (intrinsic) {
    case Intrinsic::SpanDuration:
      return fill([&](uint32_t row) { return Value{ValueKind::Int, duration_of(spans_.start[row], spans_.end[row])}; });
    case Intrinsic::SpanName:
      return fill([&](uint32_t row) { return string(spans_.name[row]); });
    case Intrinsic::SpanKind:
      return fill([&](uint32_t row) { return Value{ValueKind::Kind, static_cast<uint32_t>(spans_.kind[row])}; });
    case Intrinsic::SpanStatus:
      return fill(
          [&](uint32_t row) { return Value{ValueKind::Status, static_cast<uint32_t>(spans_.status_code[row])}; });
    case Intrinsic::SpanStatusMessage:
      return fill([&](uint32_t row) { return string(spans_.rare_of(row).status_message); });
    case Intrinsic::SpanId:
      return fill([&](uint32_t row) { return Value{ValueKind::SpanId, spans_.span_id[row].value}; });
    case Intrinsic::SpanParentId:
      return fill([&](uint32_t row) { return Value{ValueKind::SpanId, spans_.parent_span_id[row].value}; });
    case Intrinsic::TraceId:
      return fill([&](uint32_t row) { return out.trace_id(spans_.trace_id[row]); });
    case Intrinsic::InstrumentationName:
      return fill([&](uint32_t row) { return string(spans_.scopes[spans_.scope[row]].name); });
    case Intrinsic::InstrumentationVersion:
      return fill([&](uint32_t row) { return string(spans_.scopes[spans_.scope[row]].version); });
    default:
      CHECK(false);  // bind() takes no other
  }
}

void BatchView::read(FieldId id, std::span<const uint32_t> rows, ValueColumn& out) {
  out.reset(rows.size());
  Field& field = fields_[id];
  if (field.intrinsic == Intrinsic::EventName || field.intrinsic == Intrinsic::EventTimeSinceStart) {
    return read_events(field, rows, out);
  }
  if (field.intrinsic == Intrinsic::LinkTraceId || field.intrinsic == Intrinsic::LinkSpanId) {
    return read_links_of(field, rows, out);
  }
  if (field.intrinsic) return read_intrinsic(*field.intrinsic, rows, out);

  prepare(field);
  if (field.scope == Scope::Event) return read_events(field, rows, out);
  if (field.scope == Scope::Link) return read_links_of(field, rows, out);
  if (!field.key_id) {  // no list of attributes has the key
    std::fill_n(out.kinds.begin(), rows.size(), ValueKind::Nil);
    return;
  }
  switch (field.scope) {
    case Scope::Span:
      return read_span(field, rows, out);
    case Scope::Resource:
      return read_resources(field, [&](uint32_t row) { return spans_.resource[row]; }, rows, out);
    case Scope::Instrumentation:
      return read_scopes(field, [&](uint32_t row) { return spans_.scope[row]; }, rows, out);
    default:
      return read_any(field, rows, out);
  }
}

void BatchView::read_links(std::span<const uint32_t> rows, std::span<model::SpanLink> out) {
  for (size_t i = 0; i < rows.size(); ++i) out[i] = model::link_of(spans_, rows[i]);
}

}  // namespace clew::eval
