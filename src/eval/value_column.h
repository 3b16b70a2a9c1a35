// SPDX-License-Identifier: Apache-2.0
//
// ValueColumn holds what a field or an expression yields for each of a run of spans: a kind and 8 bytes. The few spans
// for which a field yields more (an array, the same key twice, one value per event or link, a key on the span and on
// its resource) have kind Many and point to groups of values:
//
//   a comparison passes for a span    when it passes for one of its groups;
//   it passes for a group             when it passes for one of the group's elements, or, if it is `!=` or `!~`, when
//                                     it passes for all of them.
//
// An array is one group of its elements. Every other source of several values makes a group for each.
// Numbers are Int or Float: a duration is an Int of nanoseconds. Texts come in four kinds, so that a string that a
// dictionary holds is a code and an id is never written out as digits before somebody needs them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/ids.h"

namespace clew::eval {

// A number that stands for a string of the view: equal strings, equal codes.
using StringCode = uint32_t;

// The order matters: kinds from Text on need more than their 8 bytes to be compared.
enum class ValueKind : uint8_t {
  Ownerless,  // a field of events or links on a span that has none; neither nil nor a value
  Nil,        // no value
  Opaque,     // a value that exists and passes no comparison: bytes, a list of pairs, an empty or mixed array
  Bool,
  Int,
  Float,    // bits of a double
  Status,   // number of the StatusCode
  Kind,     // number of the SpanKind
  String,   // StringCode
  Text,     // index into texts
  SpanId,   // the id's value; as text 16 lower-case digits, or empty for zero
  TraceId,  // index into trace_ids
  Many,     // first group << 32 | number of groups
};

struct Value {
  ValueKind kind = ValueKind::Nil;
  uint64_t bits = 0;
};

// A run of elements.
struct Group {
  uint32_t first = 0;
  uint32_t count = 0;
};

struct ValueColumn {
  // Elements that one column may hold beside its plain values, for all its spans together. When it is full, the column
  // is marked as overflowed and is not to be used; its reader tries again with fewer spans.
  static constexpr size_t kElementsMax = size_t{1} << 18;

  std::vector<ValueKind> kinds;
  std::vector<uint64_t> bits;
  std::vector<Group> groups;
  std::vector<Value> elements;
  std::vector<std::string_view> texts;
  std::vector<model::TraceId> trace_ids;
  size_t size = 0;
  bool overflowed = false;

  // Makes it a column of `count` values that are yet to be set.
  void reset(size_t count) {
    if (kinds.size() < count) {
      kinds.resize(count);
      bits.resize(count);
    }
    size = count;
    overflowed = false;
    groups.clear();
    elements.clear();
    texts.clear();
    trace_ids.clear();
  }

  void set(size_t at, Value value) {
    kinds[at] = value.kind;
    bits[at] = value.bits;
  }
  Value get(size_t at) const { return {kinds[at], bits[at]}; }

  void open_group() { groups.push_back({static_cast<uint32_t>(elements.size()), 0}); }
  void add_element(Value value) {
    if (elements.size() == kElementsMax) {
      overflowed = true;
      return;
    }
    elements.push_back(value);
    ++groups.back().count;
  }
  void add_group(Value value) {
    open_group();
    add_element(value);
  }
  // Gives value `at` the groups from `first` on; `none` if there are none.
  void close_groups(size_t at, size_t first, ValueKind none) {
    const size_t count = groups.size() - first;
    if (count == 1 && groups.back().count == 1) {
      set(at, elements[groups.back().first]);
    } else if (count == 0) {
      set(at, {none, 0});
    } else {
      set(at, {ValueKind::Many, uint64_t{first} << 32 | count});
    }
  }
  std::span<const Group> groups_of(Value many) const {
    DCHECK(many.kind == ValueKind::Many);
    return std::span(groups).subspan(many.bits >> 32, many.bits & UINT32_MAX);
  }
  std::span<const Value> elements_of(const Group& group) const {
    return std::span(elements).subspan(group.first, group.count);
  }

  Value text(std::string_view text) {
    texts.push_back(text);
    return {ValueKind::Text, texts.size() - 1};
  }
  Value trace_id(const model::TraceId& id) {
    trace_ids.push_back(id);
    return {ValueKind::TraceId, trace_ids.size() - 1};
  }
};

}  // namespace clew::eval
