// SPDX-License-Identifier: Apache-2.0
//
// SpanBatch is the one form of spans between a decoder and a block: columns of plain numbers beside tables of distinct
// texts. A decoder fills one per request; the journal stores its canonical bytes (model/batch_codec.h); the head is one
// large SpanBatch to which requests are appended.
//
// It is lossless for OTLP traces (opentelemetry-proto 1.x, trace.proto, common.proto, resource.proto): nanoseconds,
// the order of spans, attributes, events and links, duplicate keys, value types, empty values, dropped counts, flags,
// unknown enum values, schema URLs. What it does not keep: fields unknown to the schema, and the grouping of spans
// beyond "these share a resource" and "these share a scope".
//
// Attributes. The keys and types of a list, in order, are its *shape*, kept once in `shapes`; its values are a run of
// 8-byte slots in `slots`, one per attribute, so that slot i belongs to key i of the shape. Thousands of spans share a
// shape, so a predicate on a key is resolved once per shape; and 100,000 distinct keys cost shapes, not columns.
//
//   type      slot
//   Empty     0 (an AnyValue with no field set)
//   String    Id in `strings` (valid UTF-8)
//   Bool      0 or 1
//   Int       the int64 as two's complement
//   Double    the bits of the IEEE 754 number
//   Bytes     Id in `blobs`
//   Array     Id in `blobs`: protobuf bytes of an ArrayValue, canonical (known fields in order, valid UTF-8)
//   KvList    Id in `blobs`: protobuf bytes of a KeyValueList, canonical
//
// Threads: one writer; readers need the owner's lock.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "model/column.h"
#include "model/ids.h"
#include "model/intern_table.h"

namespace clew::model {

using StringId = InternTable::Id;
using BlobId = InternTable::Id;
using ShapeId = InternTable::Id;

enum class ValueType : uint8_t {
  Empty = 0,
  String = 1,
  Bool = 2,
  Int = 3,
  Double = 4,
  Bytes = 5,
  Array = 6,
  KvList = 7
};
constexpr uint32_t kValueTypeCount = 8;

// A key and the type of its value in 4 bytes; a shape is a run of these.
struct KeyType {
  uint32_t bits;

  static constexpr uint32_t kTypeBits = 3;
  static constexpr StringId kKeyMax = (uint32_t{1} << (32 - kTypeBits)) - 1;
  static KeyType of(StringId key, ValueType type) { return {(key << kTypeBits) | static_cast<uint32_t>(type)}; }
  StringId key() const { return bits >> kTypeBits; }
  ValueType type() const { return static_cast<ValueType>(bits & ((1u << kTypeBits) - 1)); }
  friend bool operator==(KeyType, KeyType) = default;
};

// An ordered list of attributes. Shape 0 is the empty list.
struct AttributeSet {
  ShapeId shape = 0;
  uint32_t first_slot = 0;
};

struct Resource {
  AttributeSet attributes;
  uint32_t dropped_attributes = 0;
  StringId schema_url = 0;    // of the ResourceSpans
  BlobId entity_refs = 0;     // protobuf bytes of the field entity_refs, every element with its tag and length
  StringId service_name = 0;  // the last string attribute service.name, or 0: derived, not stored
};

struct Scope {
  StringId name = 0;
  StringId version = 0;
  AttributeSet attributes;
  uint32_t dropped_attributes = 0;
  StringId schema_url = 0;  // of the ScopeSpans
};

// What few spans have, so that it costs the others one number. Row 0 stands for all of it absent.
struct RareFields {
  StringId trace_state = 0;
  StringId status_message = 0;
  uint32_t dropped_attributes = 0;
  uint32_t dropped_events = 0;
  uint32_t dropped_links = 0;

  friend bool operator==(const RareFields&, const RareFields&) = default;
};

struct Event {
  UnixNanos time = 0;
  StringId name = 0;
  AttributeSet attributes;
  uint32_t dropped_attributes = 0;
};

struct Link {
  TraceId trace_id;
  SpanId span_id;
  StringId trace_state = 0;
  AttributeSet attributes;
  uint32_t dropped_attributes = 0;
  uint32_t flags = 0;
};

// One span as its row in the columns: numbers that point into the tables and child columns of its batch.
struct SpanRow {
  TraceId trace_id = {};
  SpanId span_id = {};
  SpanId parent_span_id = {};  // zero: no parent
  UnixNanos start = 0;
  UnixNanos end = 0;  // as it came; may lie before start
  StringId name = 0;
  int32_t kind = 0;         // SpanKind of trace.proto, unknown values kept
  int32_t status_code = 0;  // StatusCode of trace.proto, unknown values kept
  uint32_t flags = 0;
  uint32_t resource = 0;
  uint32_t scope = 0;
  AttributeSet attributes = {};
  RareFields rare = {};
};

class SpanBatch {
 public:
  // The tables and child columns, filled directly by a decoder before it calls add_span.
  InternTable strings;  // valid UTF-8 only
  InternTable blobs;
  InternTable shapes;  // texts are runs of KeyType; see shape() and intern_shape()
  Column<uint64_t> slots;
  Column<Resource> resources;
  Column<Scope> scopes;
  Column<Event> events;
  Column<Link> links;

  // One value per span.
  Column<TraceId> trace_id;
  Column<SpanId> span_id;
  Column<SpanId> parent_span_id;
  Column<UnixNanos> start;
  Column<UnixNanos> end;
  Column<StringId> name;
  Column<int32_t> kind;
  Column<int32_t> status_code;
  Column<uint32_t> flags;
  Column<uint32_t> resource;
  Column<uint32_t> scope;
  Column<ShapeId> shape;
  Column<uint32_t> first_slot;
  Column<uint32_t> rare;        // row of rare_fields
  Column<uint32_t> events_end;  // the span's events are [events_end of the row before, events_end)
  Column<uint32_t> links_end;
  Column<RareFields> rare_fields;

  SpanBatch();
  SpanBatch(SpanBatch&&) noexcept = default;
  SpanBatch& operator=(SpanBatch&&) noexcept = default;

  size_t span_count() const { return span_id.size(); }
  // Bytes that the content needs; what appending the batch to another adds is about this at most.
  size_t content_bytes() const;
  // Bytes of memory held, used or not.
  size_t memory_bytes() const;

  ShapeId intern_shape(std::span<const KeyType> keys) {
    return shapes.intern({reinterpret_cast<const char*>(keys.data()), keys.size_bytes()});
  }
  std::span<const KeyType> shape_keys(ShapeId id) const {
    const std::string_view text = shapes.at(id);
    return {reinterpret_cast<const KeyType*>(text.data()), text.size() / sizeof(KeyType)};
  }
  std::span<const KeyType> keys(const AttributeSet& set) const { return shape_keys(set.shape); }

  AttributeSet attributes(size_t row) const { return {shape[row], first_slot[row]}; }
  const RareFields& rare_of(size_t row) const { return rare_fields[rare[row]]; }
  uint32_t events_begin(size_t row) const { return row == 0 ? 0 : events_end[row - 1]; }
  uint32_t links_begin(size_t row) const { return row == 0 ? 0 : links_end[row - 1]; }

  // Appends a span; the events and links added since the last add_span are its own.
  void add_span(const SpanRow& span);
  SpanRow span(size_t row) const;

  // The value of the last string attribute `service.name` of a list, or 0.
  StringId service_name(const AttributeSet& set) const;

  // A place to come back to when a span turns out bad after its children were added.
  struct Mark {
    size_t slots, events, links;
  };
  Mark mark() const { return {slots.size(), events.size(), links.size()}; }
  void rewind(const Mark& mark);

  // Appends all spans of `other` in their order. Equal texts, shapes, resources and scopes meet in one entry.
  void append(const SpanBatch& other);
  // Appends the spans in `rows` of `other`; costs nothing that grows with the rest of `other`.
  void append_rows(const SpanBatch& other, std::span<const uint32_t> rows);
  // The number here of a resource (scope) of `other`, which is added unless an equal one came by these or by append.
  uint32_t take_resource(const SpanBatch& other, uint32_t index);
  uint32_t take_scope(const SpanBatch& other, uint32_t index);

 private:
  friend class Appender;
  // Calls visit() for every column and table.
  template <class Visit>
  void for_each_part(Visit visit) const;

  // Resources and scopes that are here already, by content: entry i + 1 describes resources[i]. Filled by append().
  InternTable resource_contents_;
  InternTable scope_contents_;
};

}  // namespace clew::model
