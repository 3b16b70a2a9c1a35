// SPDX-License-Identifier: Apache-2.0
#include "render/attribute_json.h"

#include <bit>
#include <optional>

#include "codec/proto_reader.h"

namespace clew::render {
namespace {

using codec::JsonWriter;
using codec::ProtoReader;
using codec::WireType;
using model::SpanBatch;
using model::ValueType;

enum class Form : uint8_t { Otlp, Plain };

// A field of a protobuf message: its number, and its value either as 64 bits or as bytes.
struct Field {
  uint64_t number = 0;
  uint64_t bits = 0;
  Bytes bytes;
};

// The next field of a message; nothing at its end or where it cannot be read.
std::optional<Field> next_field(ProtoReader& reader) {
  if (!reader.next_tag()) return std::nullopt;
  Field field{reader.field(), 0, {}};
  switch (reader.type()) {
    case WireType::Varint:
      reader.read_uint64(field.bits);
      break;
    case WireType::Fixed64:
      reader.read_fixed64(field.bits);
      break;
    case WireType::Length:
      reader.read_bytes(field.bytes);
      break;
    default:
      reader.skip();
      field.number = 0;
  }
  if (reader.failed()) return std::nullopt;
  return field;
}

class ValueWriter {
 public:
  ValueWriter(JsonWriter& json, Form form) : json_(json), form_(form) {}

  void empty() {
    if (form_ == Form::Plain) {
      json_.null();
    } else {
      json_.begin_object().end_object();
    }
  }
  void text(std::string_view value) { open("stringValue").text(value), close(); }
  void boolean(bool value) { open("boolValue").boolean(value), close(); }
  void integer(int64_t value) {
    if (form_ == Form::Plain) {
      json_.number(value);
    } else {
      open("intValue").quoted(value), close();
    }
  }
  void real(double value) { open("doubleValue").number(value), close(); }
  void bytes(Bytes value) { open("bytesValue").base64(value), close(); }

  void array(Bytes message, uint32_t depth) {
    open("arrayValue");
    if (form_ == Form::Otlp) json_.begin_object().key("values");
    json_.begin_array();
    ProtoReader reader(message);
    if (depth < kValueDepthMax)
      while (const std::optional<Field> field = next_field(reader)) any_value(field->bytes, depth + 1);
    json_.end_array();
    if (form_ == Form::Otlp) json_.end_object();
    close();
  }

  void list(Bytes message, uint32_t depth) {
    open("kvlistValue");
    if (form_ == Form::Otlp) {
      json_.begin_object().key("values").begin_array();
    } else {
      json_.begin_object();
    }
    ProtoReader reader(message);
    if (depth < kValueDepthMax)
      while (const std::optional<Field> field = next_field(reader)) key_value(field->bytes, depth + 1);
    if (form_ == Form::Otlp) json_.end_array();
    json_.end_object();
    close();
  }

 private:
  JsonWriter& open(std::string_view kind) {
    if (form_ == Form::Otlp) json_.begin_object().key(kind);
    return json_;
  }
  void close() {
    if (form_ == Form::Otlp) json_.end_object();
  }

  void key_value(Bytes message, uint32_t depth) {
    std::string_view key;
    Bytes value;
    ProtoReader reader(message);
    while (const std::optional<Field> field = next_field(reader)) {
      if (field->number == 1) key = as_text(field->bytes);
      if (field->number == 2) value = field->bytes;
    }
    if (form_ == Form::Plain) {
      json_.key(key);
      any_value(value, depth);
    } else {
      json_.begin_object().key("key").text(key).key("value");
      any_value(value, depth);
      json_.end_object();
    }
  }

  // The last field of the oneof counts, as in protobuf.
  void any_value(Bytes message, uint32_t depth) {
    std::optional<Field> last;
    ProtoReader reader(message);
    while (const std::optional<Field> field = next_field(reader)) last = field;
    switch (last ? last->number : 0) {
      case 1:
        return text(as_text(last->bytes));
      case 2:
        return boolean(last->bits != 0);
      case 3:
        return integer(static_cast<int64_t>(last->bits));
      case 4:
        return real(std::bit_cast<double>(last->bits));
      case 5:
        return array(last->bytes, depth);
      case 6:
        return list(last->bytes, depth);
      case 7:
        return bytes(last->bytes);
      default:
        return empty();
    }
  }

  JsonWriter& json_;
  Form form_;
};

void write_value(JsonWriter& json, Form form, const SpanBatch& batch, ValueType type, uint64_t slot) {
  ValueWriter writer(json, form);
  const auto blob = [&] { return as_bytes(batch.blobs.at(static_cast<model::BlobId>(slot))); };
  switch (type) {
    case ValueType::Empty:
      return writer.empty();
    case ValueType::String:
      return writer.text(batch.strings.at(static_cast<model::StringId>(slot)));
    case ValueType::Bool:
      return writer.boolean(slot != 0);
    case ValueType::Int:
      return writer.integer(static_cast<int64_t>(slot));
    case ValueType::Double:
      return writer.real(std::bit_cast<double>(slot));
    case ValueType::Bytes:
      return writer.bytes(blob());
    case ValueType::Array:
      return writer.array(blob(), 0);
    case ValueType::KvList:
      return writer.list(blob(), 0);
  }
}

}  // namespace

void write_otlp_value(JsonWriter& json, const SpanBatch& batch, ValueType type, uint64_t slot) {
  write_value(json, Form::Otlp, batch, type, slot);
}

void write_plain_value(JsonWriter& json, const SpanBatch& batch, ValueType type, uint64_t slot) {
  write_value(json, Form::Plain, batch, type, slot);
}

void write_otlp_attributes(JsonWriter& json, const SpanBatch& batch, const model::AttributeSet& set) {
  json.begin_array();
  for_each_attribute(batch, set, [&](std::string_view key, ValueType type, uint64_t slot) {
    json.begin_object().key("key").text(key).key("value");
    write_otlp_value(json, batch, type, slot);
    json.end_object();
  });
  json.end_array();
}

void write_entity_refs(JsonWriter& json, Bytes refs) {
  json.begin_array();
  ProtoReader reader(refs);
  while (const std::optional<Field> ref = next_field(reader)) {
    json.begin_object();
    const auto texts = [&](uint64_t number, std::string_view name) {
      ProtoReader fields(ref->bytes);
      bool any = false;
      while (const std::optional<Field> field = next_field(fields)) {
        if (field->number != number) continue;
        if (!any) json.key(name).begin_array();
        any = true;
        json.text(as_text(field->bytes));
      }
      if (any) json.end_array();
    };
    ProtoReader fields(ref->bytes);
    while (const std::optional<Field> field = next_field(fields)) {
      if (field->number == 1) json.key("schemaUrl").text(as_text(field->bytes));
      if (field->number == 2) json.key("type").text(as_text(field->bytes));
    }
    texts(3, "idKeys");
    texts(4, "descriptionKeys");
    json.end_object();
  }
  json.end_array();
}

}  // namespace clew::render
