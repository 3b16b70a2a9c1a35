// SPDX-License-Identifier: Apache-2.0
//
// The field numbers of opentelemetry-proto 1.x (trace.proto, resource.proto, common.proto) that the decoders and the
// encoder share. Names are those of the schema.
#pragma once

#include <cstdint>

namespace clew::decode::otlp::field {

namespace request {  // ExportTraceServiceRequest, and TracesData which is the same on the wire
constexpr uint32_t kResourceSpans = 1;
}
namespace resource_spans {
constexpr uint32_t kResource = 1;
constexpr uint32_t kScopeSpans = 2;
constexpr uint32_t kSchemaUrl = 3;
// The name before version 0.15 of what is scope_spans today; the fields inside kept their numbers.
constexpr uint32_t kInstrumentationLibrarySpans = 1000;
}  // namespace resource_spans
namespace resource {
constexpr uint32_t kAttributes = 1;
constexpr uint32_t kDroppedAttributesCount = 2;
constexpr uint32_t kEntityRefs = 3;
}  // namespace resource
namespace entity_ref {
constexpr uint32_t kSchemaUrl = 1;
constexpr uint32_t kType = 2;
constexpr uint32_t kIdKeys = 3;
constexpr uint32_t kDescriptionKeys = 4;
}  // namespace entity_ref
namespace scope_spans {
constexpr uint32_t kScope = 1;
constexpr uint32_t kSpans = 2;
constexpr uint32_t kSchemaUrl = 3;
}  // namespace scope_spans
namespace scope {
constexpr uint32_t kName = 1;
constexpr uint32_t kVersion = 2;
constexpr uint32_t kAttributes = 3;
constexpr uint32_t kDroppedAttributesCount = 4;
}  // namespace scope
namespace span {
constexpr uint32_t kTraceId = 1;
constexpr uint32_t kSpanId = 2;
constexpr uint32_t kTraceState = 3;
constexpr uint32_t kParentSpanId = 4;
constexpr uint32_t kName = 5;
constexpr uint32_t kKind = 6;
constexpr uint32_t kStartTime = 7;
constexpr uint32_t kEndTime = 8;
constexpr uint32_t kAttributes = 9;
constexpr uint32_t kDroppedAttributesCount = 10;
constexpr uint32_t kEvents = 11;
constexpr uint32_t kDroppedEventsCount = 12;
constexpr uint32_t kLinks = 13;
constexpr uint32_t kDroppedLinksCount = 14;
constexpr uint32_t kStatus = 15;
constexpr uint32_t kFlags = 16;
}  // namespace span
namespace event {
constexpr uint32_t kTime = 1;
constexpr uint32_t kName = 2;
constexpr uint32_t kAttributes = 3;
constexpr uint32_t kDroppedAttributesCount = 4;
}  // namespace event
namespace link {
constexpr uint32_t kTraceId = 1;
constexpr uint32_t kSpanId = 2;
constexpr uint32_t kTraceState = 3;
constexpr uint32_t kAttributes = 4;
constexpr uint32_t kDroppedAttributesCount = 5;
constexpr uint32_t kFlags = 6;
}  // namespace link
namespace status {
constexpr uint32_t kMessage = 2;
constexpr uint32_t kCode = 3;
}  // namespace status
namespace key_value {
constexpr uint32_t kKey = 1;
constexpr uint32_t kValue = 2;
constexpr uint32_t kKeyStrindex = 3;
}  // namespace key_value
namespace any_value {
constexpr uint32_t kString = 1;
constexpr uint32_t kBool = 2;
constexpr uint32_t kInt = 3;
constexpr uint32_t kDouble = 4;
constexpr uint32_t kArray = 5;
constexpr uint32_t kKvList = 6;
constexpr uint32_t kBytes = 7;
constexpr uint32_t kStringStrindex = 8;
}  // namespace any_value
namespace list {  // ArrayValue and KeyValueList
constexpr uint32_t kValues = 1;
}

}  // namespace clew::decode::otlp::field
