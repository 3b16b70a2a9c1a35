// SPDX-License-Identifier: Apache-2.0
#include "eval/testing/plain_span.h"

#include <bit>

#include "codec/proto_writer.h"

namespace clew::eval::testing {
namespace {

using model::ValueType;

// The fields of common.proto's AnyValue.
void write_any_value(codec::ProtoWriter& writer, const PlainValue& value) {
  switch (value.type) {
    case ValueType::Empty:
      break;
    case ValueType::String:
      writer.text(1, value.text);
      break;
    case ValueType::Bool:
      writer.varint(2, value.truth ? 1 : 0);
      break;
    case ValueType::Int:
      writer.varint(3, static_cast<uint64_t>(value.integer));
      break;
    case ValueType::Double:
      writer.fixed64(4, std::bit_cast<uint64_t>(value.number));
      break;
    case ValueType::Array:
      writer.message(5, [&] {
        for (const PlainValue& element : value.elements) writer.message(1, [&] { write_any_value(writer, element); });
      });
      break;
    case ValueType::KvList:
      writer.text(6, {});
      break;
    case ValueType::Bytes:
      writer.text(7, value.text);
      break;
  }
}

std::string array_value(const PlainValue& array) {
  std::string out;
  codec::ProtoWriter writer(out);
  for (const PlainValue& element : array.elements) writer.message(1, [&] { write_any_value(writer, element); });
  return out;
}

uint64_t slot_of(model::SpanBatch& batch, const PlainValue& value) {
  switch (value.type) {
    case ValueType::String:
      return batch.strings.intern(value.text);
    case ValueType::Bool:
      return value.truth ? 1 : 0;
    case ValueType::Int:
      return static_cast<uint64_t>(value.integer);
    case ValueType::Double:
      return std::bit_cast<uint64_t>(value.number);
    case ValueType::Bytes:
      return batch.blobs.intern(value.text);
    case ValueType::Array:
      return batch.blobs.intern(array_value(value));
    case ValueType::KvList:
      return batch.blobs.intern({});
    case ValueType::Empty:
      return 0;
  }
  return 0;
}

model::AttributeSet add_attributes(model::SpanBatch& batch, const PlainAttributes& attributes) {
  std::vector<model::KeyType> keys;
  const auto first_slot = static_cast<uint32_t>(batch.slots.size());
  for (const PlainAttribute& attribute : attributes) {
    keys.push_back(model::KeyType::of(batch.strings.intern(attribute.key), attribute.value.type));
    batch.slots.push_back(slot_of(batch, attribute.value));
  }
  return {batch.intern_shape(keys), first_slot};
}

void add_children(model::SpanBatch& batch, const PlainSpan& span) {
  for (const PlainEvent& event : span.events) {
    model::Event row;
    row.time = event.time;
    row.name = batch.strings.intern(event.name);
    row.attributes = add_attributes(batch, event.attributes);
    batch.events.push_back(row);
  }
  for (const PlainLink& link : span.links) {
    model::Link row;
    row.trace_id = link.trace_id;
    row.span_id = link.span_id;
    row.attributes = add_attributes(batch, link.attributes);
    batch.links.push_back(row);
  }
}

}  // namespace

model::SpanBatch batch_of(std::span<const PlainSpan> spans) {
  model::SpanBatch batch;
  for (const PlainSpan& span : spans) {
    model::Resource resource;
    resource.attributes = add_attributes(batch, span.resource);
    resource.service_name = batch.service_name(resource.attributes);
    batch.resources.push_back(resource);
    model::Scope scope;
    scope.name = batch.strings.intern(span.scope_name);
    scope.version = batch.strings.intern(span.scope_version);
    scope.attributes = add_attributes(batch, span.scope);
    batch.scopes.push_back(scope);
    model::SpanRow row;
    row.trace_id = span.trace_id;
    row.span_id = span.span_id;
    row.parent_span_id = span.parent_id;
    row.start = span.start;
    row.end = span.end;
    row.name = batch.strings.intern(span.name);
    row.kind = span.kind;
    row.status_code = span.status;
    row.resource = static_cast<uint32_t>(batch.resources.size() - 1);
    row.scope = static_cast<uint32_t>(batch.scopes.size() - 1);
    row.attributes = add_attributes(batch, span.attributes);
    row.rare.status_message = batch.strings.intern(span.status_message);
    add_children(batch, span);
    batch.add_span(row);
  }
  return batch;
}

}  // namespace clew::eval::testing
