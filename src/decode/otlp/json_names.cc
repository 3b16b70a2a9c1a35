// SPDX-License-Identifier: Apache-2.0
//
// A hash table made at compile time: length, first, middle and last character tell most of the names apart. Names are
// kept in rows of kNameBytesMax bytes, so that comparing is a few loads and no call: a span has fifty of them.
#include "decode/otlp/json_names.h"

#include <array>

#include "base/bytes.h"

namespace clew::decode::otlp {
namespace {

struct Entry {
  std::string_view text;
  Name name = Name::Unknown;
};

constexpr Entry kNames[] = {
    {"resourceSpans", Name::ResourceSpans},
    {"resource_spans", Name::ResourceSpans},
    {"resource", Name::Resource},
    {"scopeSpans", Name::ScopeSpans},
    {"scope_spans", Name::ScopeSpans},
    {"instrumentationLibrarySpans", Name::ScopeSpans},  // their names before version 0.15
    {"instrumentation_library_spans", Name::ScopeSpans},
    {"schemaUrl", Name::SchemaUrl},
    {"schema_url", Name::SchemaUrl},
    {"scope", Name::Scope},
    {"instrumentationLibrary", Name::Scope},
    {"instrumentation_library", Name::Scope},
    {"spans", Name::Spans},
    {"attributes", Name::Attributes},
    {"droppedAttributesCount", Name::DroppedAttributesCount},
    {"dropped_attributes_count", Name::DroppedAttributesCount},
    {"entityRefs", Name::EntityRefs},
    {"entity_refs", Name::EntityRefs},
    {"type", Name::Type},
    {"idKeys", Name::IdKeys},
    {"id_keys", Name::IdKeys},
    {"descriptionKeys", Name::DescriptionKeys},
    {"description_keys", Name::DescriptionKeys},
    {"name", Name::Name},
    {"version", Name::Version},
    {"traceId", Name::TraceId},
    {"trace_id", Name::TraceId},
    {"spanId", Name::SpanId},
    {"span_id", Name::SpanId},
    {"traceState", Name::TraceState},
    {"trace_state", Name::TraceState},
    {"parentSpanId", Name::ParentSpanId},
    {"parent_span_id", Name::ParentSpanId},
    {"kind", Name::Kind},
    {"startTimeUnixNano", Name::StartTime},
    {"start_time_unix_nano", Name::StartTime},
    {"endTimeUnixNano", Name::EndTime},
    {"end_time_unix_nano", Name::EndTime},
    {"events", Name::Events},
    {"droppedEventsCount", Name::DroppedEventsCount},
    {"dropped_events_count", Name::DroppedEventsCount},
    {"links", Name::Links},
    {"droppedLinksCount", Name::DroppedLinksCount},
    {"dropped_links_count", Name::DroppedLinksCount},
    {"status", Name::Status},
    {"flags", Name::Flags},
    {"timeUnixNano", Name::Time},
    {"time_unix_nano", Name::Time},
    {"message", Name::Message},
    {"code", Name::Code},
    {"key", Name::Key},
    {"keyStrindex", Name::KeyStrindex},
    {"key_strindex", Name::KeyStrindex},
    {"value", Name::Value},
    {"stringValue", Name::StringValue},
    {"string_value", Name::StringValue},
    {"boolValue", Name::BoolValue},
    {"bool_value", Name::BoolValue},
    {"intValue", Name::IntValue},
    {"int_value", Name::IntValue},
    {"doubleValue", Name::DoubleValue},
    {"double_value", Name::DoubleValue},
    {"arrayValue", Name::ArrayValue},
    {"array_value", Name::ArrayValue},
    {"kvlistValue", Name::KvListValue},
    {"kvlist_value", Name::KvListValue},
    {"bytesValue", Name::BytesValue},
    {"bytes_value", Name::BytesValue},
    {"stringValueStrindex", Name::StringValueStrindex},
    {"string_value_strindex", Name::StringValueStrindex},
    {"values", Name::Values},
};

constexpr size_t kSlots = 256;

constexpr size_t slot_of(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(text[i])); };
  return (text.size() * 29 + at(0) * 7 + at(text.size() / 2) * 13 + at(text.size() - 1) * 31) % kSlots;
}

struct Row {
  char text[kNameBytesMax] = {};
  uint32_t size = 0;  // 0: free
  Name name = Name::Unknown;
};

// Open addressing, linear probing.
constexpr std::array<Row, kSlots> kTable = [] {
  std::array<Row, kSlots> table{};
  for (const Entry& entry : kNames) {
    size_t slot = slot_of(entry.text);
    while (table[slot].size != 0) slot = (slot + 1) % kSlots;
    for (size_t i = 0; i < entry.text.size(); ++i) table[slot].text[i] = entry.text[i];
    table[slot].size = static_cast<uint32_t>(entry.text.size());
    table[slot].name = entry.name;
  }
  return table;
}();

bool equal(const char* a, const char* b, size_t size) {
  if (size < 8) {
    for (size_t i = 0; i < size; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }
  for (size_t i = 0; i + 8 < size; i += 8) {
    if (load<uint64_t>(a + i) != load<uint64_t>(b + i)) return false;
  }
  return load<uint64_t>(a + size - 8) == load<uint64_t>(b + size - 8);
}

}  // namespace

Name name_of_field(std::string_view text) {
  if (text.empty()) return Name::Unknown;
  for (size_t slot = slot_of(text); kTable[slot].size != 0; slot = (slot + 1) % kSlots) {
    if (kTable[slot].size == text.size() && equal(kTable[slot].text, text.data(), text.size()))
      return kTable[slot].name;
  }
  return Name::Unknown;
}

}  // namespace clew::decode::otlp
