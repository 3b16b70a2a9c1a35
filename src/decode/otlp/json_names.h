// SPDX-License-Identifier: Apache-2.0
//
// The field names of OTLP/JSON. Senders must write lowerCamelCase; the Collector also reads the .proto file's
// snake_case, and so do we.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace clew::decode::otlp {

enum class Name : uint8_t {
  Unknown,
  ResourceSpans,
  Resource,
  ScopeSpans,
  SchemaUrl,
  Scope,
  Spans,
  Attributes,
  DroppedAttributesCount,
  EntityRefs,
  Type,
  IdKeys,
  DescriptionKeys,
  Name,
  Version,
  TraceId,
  SpanId,
  TraceState,
  ParentSpanId,
  Kind,
  StartTime,
  EndTime,
  Events,
  DroppedEventsCount,
  Links,
  DroppedLinksCount,
  Status,
  Flags,
  Time,
  Message,
  Code,
  Key,
  KeyStrindex,
  Value,
  StringValue,
  BoolValue,
  IntValue,
  DoubleValue,
  ArrayValue,
  KvListValue,
  BytesValue,
  StringValueStrindex,
  Values,
};

// No name is longer.
constexpr size_t kNameBytesMax = 32;

Name name_of_field(std::string_view text);

}  // namespace clew::decode::otlp
