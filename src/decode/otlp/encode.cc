// SPDX-License-Identifier: Apache-2.0
#include "decode/otlp/encode.h"

#include "codec/proto_writer.h"
#include "decode/otlp/fields.h"

namespace clew::decode::otlp {
namespace {

using codec::ProtoWriter;
using model::AttributeSet;
using model::KeyType;
using model::SpanBatch;
using model::StringId;
using model::ValueType;

class Encoder {
 public:
  Encoder(const SpanBatch& batch, std::string& out) : batch_(batch), out_(out), writer_(out) {}

  void write_request(size_t begin, size_t end) {
    for (size_t row = begin; row < end;) {
      writer_.message(field::request::kResourceSpans, [&] { row = write_resource_spans(row, end); });
    }
  }

 private:
  // Each writes the run of rows from `row` on that belong together and returns the row behind it.
  size_t write_resource_spans(size_t row, size_t end) {
    namespace f = field::resource_spans;
    const uint32_t index = batch_.resource[row];
    const model::Resource& resource = batch_.resources[index];
    writer_.message(f::kResource, [&] {
      write_attributes(field::resource::kAttributes, resource.attributes);
      write_count(field::resource::kDroppedAttributesCount, resource.dropped_attributes);
      out_.append(batch_.blobs.at(resource.entity_refs));
    });
    while (row < end && batch_.resource[row] == index) {
      writer_.message(f::kScopeSpans, [&] { row = write_scope_spans(row, end, index); });
    }
    write_text(f::kSchemaUrl, resource.schema_url);
    return row;
  }

  size_t write_scope_spans(size_t row, size_t end, uint32_t resource) {
    namespace f = field::scope_spans;
    const uint32_t index = batch_.scope[row];
    const model::Scope& scope = batch_.scopes[index];
    writer_.message(f::kScope, [&] {
      write_text(field::scope::kName, scope.name);
      write_text(field::scope::kVersion, scope.version);
      write_attributes(field::scope::kAttributes, scope.attributes);
      write_count(field::scope::kDroppedAttributesCount, scope.dropped_attributes);
    });
    for (; row < end && batch_.resource[row] == resource && batch_.scope[row] == index; ++row)
      writer_.message(f::kSpans, [&] { write_span(row); });
    write_text(f::kSchemaUrl, scope.schema_url);
    return row;
  }

  void write_span(size_t row) {
    namespace f = field::span;
    const model::RareFields& rare = batch_.rare_of(row);
    write_trace_id(f::kTraceId, batch_.trace_id[row]);
    write_span_id(f::kSpanId, batch_.span_id[row]);
    write_text(f::kTraceState, rare.trace_state);
    if (!batch_.parent_span_id[row].is_zero()) write_span_id(f::kParentSpanId, batch_.parent_span_id[row]);
    write_text(f::kName, batch_.name[row]);
    if (batch_.kind[row] != 0) writer_.int32(f::kKind, batch_.kind[row]);
    if (batch_.start[row] != 0) writer_.fixed64(f::kStartTime, batch_.start[row]);
    if (batch_.end[row] != 0) writer_.fixed64(f::kEndTime, batch_.end[row]);
    write_attributes(f::kAttributes, batch_.attributes(row));
    write_count(f::kDroppedAttributesCount, rare.dropped_attributes);
    for (uint32_t i = batch_.events_begin(row); i < batch_.events_end[row]; ++i)
      writer_.message(f::kEvents, [&] { write_event(batch_.events[i]); });
    write_count(f::kDroppedEventsCount, rare.dropped_events);
    for (uint32_t i = batch_.links_begin(row); i < batch_.links_end[row]; ++i)
      writer_.message(f::kLinks, [&] { write_link(batch_.links[i]); });
    write_count(f::kDroppedLinksCount, rare.dropped_links);
    if (rare.status_message != 0 || batch_.status_code[row] != 0) {
      writer_.message(f::kStatus, [&] {
        write_text(field::status::kMessage, rare.status_message);
        if (batch_.status_code[row] != 0) writer_.int32(field::status::kCode, batch_.status_code[row]);
      });
    }
    if (batch_.flags[row] != 0) writer_.fixed32(f::kFlags, batch_.flags[row]);
  }

  void write_event(const model::Event& event) {
    namespace f = field::event;
    if (event.time != 0) writer_.fixed64(f::kTime, event.time);
    write_text(f::kName, event.name);
    write_attributes(f::kAttributes, event.attributes);
    write_count(f::kDroppedAttributesCount, event.dropped_attributes);
  }

  void write_link(const model::Link& link) {
    namespace f = field::link;
    write_trace_id(f::kTraceId, link.trace_id);
    write_span_id(f::kSpanId, link.span_id);
    write_text(f::kTraceState, link.trace_state);
    write_attributes(f::kAttributes, link.attributes);
    write_count(f::kDroppedAttributesCount, link.dropped_attributes);
    if (link.flags != 0) writer_.fixed32(f::kFlags, link.flags);
  }

  void write_attributes(uint32_t field, const AttributeSet& set) {
    const std::span<const KeyType> keys = batch_.keys(set);
    for (size_t i = 0; i < keys.size(); ++i) {
      writer_.message(field, [&] {
        write_text(field::key_value::kKey, keys[i].key());
        writer_.message(field::key_value::kValue,
                        [&] { write_value(keys[i].type(), batch_.slots[set.first_slot + i]); });
      });
    }
  }

  void write_value(ValueType type, uint64_t slot) {
    namespace f = field::any_value;
    switch (type) {
      case ValueType::Empty:
        break;
      case ValueType::String:
        writer_.text(f::kString, batch_.strings.at(static_cast<StringId>(slot)));
        break;
      case ValueType::Bool:
        writer_.varint(f::kBool, slot);
        break;
      case ValueType::Int:
        writer_.varint(f::kInt, slot);
        break;
      case ValueType::Double:
        writer_.fixed64(f::kDouble, slot);
        break;
      case ValueType::Bytes:
        writer_.text(f::kBytes, blob(slot));
        break;
      case ValueType::Array:
        writer_.text(f::kArray, blob(slot));
        break;
      case ValueType::KvList:
        writer_.text(f::kKvList, blob(slot));
        break;
    }
  }

  std::string_view blob(uint64_t slot) const { return batch_.blobs.at(static_cast<model::BlobId>(slot)); }

  void write_text(uint32_t field, StringId id) {
    if (id != 0) writer_.text(field, batch_.strings.at(id));
  }
  void write_count(uint32_t field, uint32_t count) {
    if (count != 0) writer_.varint(field, count);
  }
  void write_trace_id(uint32_t field, const model::TraceId& id) {
    uint8_t bytes[model::TraceId::kBytes];
    id.to_bytes(bytes);
    writer_.bytes(field, bytes);
  }
  void write_span_id(uint32_t field, const model::SpanId& id) {
    uint8_t bytes[model::SpanId::kBytes];
    id.to_bytes(bytes);
    writer_.bytes(field, bytes);
  }

  const SpanBatch& batch_;
  std::string& out_;
  ProtoWriter writer_;
};

}  // namespace

std::string encode_traces_protobuf(const SpanBatch& batch) {
  return encode_traces_protobuf(batch, 0, batch.span_count());
}

std::string encode_traces_protobuf(const SpanBatch& batch, size_t begin, size_t end) {
  std::string out;
  Encoder(batch, out).write_request(begin, end);
  return out;
}

}  // namespace clew::decode::otlp
