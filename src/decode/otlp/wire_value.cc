// SPDX-License-Identifier: Apache-2.0
//
// Lists are rewritten into one canonical form so that equal values are equal bytes, whatever the sender's encoder did.
// The functions recurse, bounded by kValueDepthMax.
#include "decode/otlp/wire_value.h"

#include <cstring>

#include "codec/proto_reader.h"
#include "codec/proto_writer.h"
#include "codec/utf8.h"
#include "decode/otlp/fields.h"
#include "decode/otlp/limits.h"

namespace clew::decode::otlp {
namespace {

using codec::fixed64_tag;
using codec::length_tag;
using codec::ProtoReader;
using codec::ProtoWriter;
using codec::varint_tag;
using model::ValueType;
namespace any = field::any_value;
namespace kv = field::key_value;

// A list that comes again is merged with what is there if the oneof still holds the same kind of list.
bool take_list(ValueType type, Bytes message, WireValue& value, Faults& faults) {
  if (value.type != type) {
    value.type = type;
    value.bytes = message;
    return true;
  }
  if (!framing_sound(value.bytes, faults) || !framing_sound(message, faults)) return false;
  std::string merged(as_text(value.bytes));
  merged.append(as_text(message));
  value.merged = std::move(merged);
  value.bytes = as_bytes(value.merged);
  return true;
}

void append_scalar(const WireValue& value, ProtoWriter& writer) {
  switch (value.type) {
    case ValueType::String:
      return writer.bytes(any::kString, value.bytes);
    case ValueType::Bool:
      return writer.varint(any::kBool, value.number);
    case ValueType::Int:
      return writer.varint(any::kInt, value.number);
    case ValueType::Double:
      return writer.fixed64(any::kDouble, value.number);
    case ValueType::Bytes:
      return writer.bytes(any::kBytes, value.bytes);
    default:
      return;
  }
}

bool is_list(ValueType type) { return type == ValueType::Array || type == ValueType::KvList; }
uint32_t list_field(ValueType type) { return type == ValueType::Array ? any::kArray : any::kKvList; }

bool append_value(const WireValue& value, uint32_t field, uint32_t depth, std::string& out, Faults& faults) {
  ProtoWriter writer(out);
  const size_t begin = writer.open(field);
  if (value.type == ValueType::String && !codec::valid_utf8(as_text(value.bytes))) faults.reject(Reason::Utf8);
  if (is_list(value.type)) {
    const size_t list = writer.open(list_field(value.type));
    if (!append_canonical(value, depth, out, faults)) return false;
    writer.close(list);
  } else {
    append_scalar(value, writer);
  }
  writer.close(begin);
  return true;
}

bool append_key_value(Bytes message, uint32_t depth, std::string& out, Faults& faults) {
  Bytes key;
  WireValue value;
  ProtoReader reader(message);
  while (reader.next_tag()) {
    Bytes part;
    switch (reader.tag()) {
      case length_tag(kv::kKey):
        reader.read_bytes(key);
        break;
      case length_tag(kv::kValue):
        if (reader.read_bytes(part) && !read_any_value(part, value, faults)) return false;
        break;
      case varint_tag(kv::kKeyStrindex):
        ++faults.string_table_references;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  if (reader.failed()) return faults.framing(reader.position());
  if (!codec::valid_utf8(as_text(key))) faults.reject(Reason::Utf8);
  ProtoWriter writer(out);
  const size_t begin = writer.open(field::list::kValues);
  if (!key.empty()) writer.bytes(kv::kKey, key);
  if (!append_value(value, kv::kValue, depth, out, faults)) return false;
  writer.close(begin);
  return true;
}

}  // namespace

void append_wire_value(const WireValue& value, uint32_t field, std::string& out) {
  ProtoWriter writer(out);
  writer.message(field, [&] {
    if (is_list(value.type)) {
      writer.bytes(list_field(value.type), value.bytes);
    } else {
      append_scalar(value, writer);
    }
  });
}

bool framing_sound(Bytes message, Faults& faults) {
  ProtoReader reader(message);
  while (reader.next_tag()) reader.skip();
  return !reader.failed() || faults.framing(reader.position());
}

bool read_any_value(Bytes message, WireValue& value, Faults& faults) {
  ProtoReader reader(message);
  while (reader.next_tag()) {
    Bytes part;
    switch (reader.tag()) {
      case length_tag(any::kString):
        value.type = ValueType::String;
        reader.read_bytes(value.bytes);
        break;
      case length_tag(any::kBytes):
        value.type = ValueType::Bytes;
        reader.read_bytes(value.bytes);
        break;
      case varint_tag(any::kBool):
        value.type = ValueType::Bool;
        if (reader.read_uint64(value.number)) value.number = value.number != 0 ? 1 : 0;
        break;
      case varint_tag(any::kInt):
        value.type = ValueType::Int;
        reader.read_uint64(value.number);
        break;
      case fixed64_tag(any::kDouble):
        value.type = ValueType::Double;
        reader.read_fixed64(value.number);
        break;
      case length_tag(any::kArray):
        if (reader.read_bytes(part) && !take_list(ValueType::Array, part, value, faults)) return false;
        break;
      case length_tag(any::kKvList):
        if (reader.read_bytes(part) && !take_list(ValueType::KvList, part, value, faults)) return false;
        break;
      case varint_tag(any::kStringStrindex):
        value.type = ValueType::Empty;
        ++faults.string_table_references;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  return !reader.failed() || faults.framing(reader.position());
}

bool append_canonical(const WireValue& list, uint32_t depth, std::string& out, Faults& faults) {
  ProtoReader reader(list.bytes);
  while (reader.next_tag()) {
    if (reader.tag() != length_tag(field::list::kValues)) {
      reader.skip();
      continue;
    }
    Bytes element;
    if (!reader.read_bytes(element)) break;
    if (depth == kValueDepthMax) {
      faults.reject(Reason::Nesting);
      continue;
    }
    if (list.type == ValueType::KvList) {
      if (!append_key_value(element, depth + 1, out, faults)) return false;
    } else {
      WireValue value;
      if (!read_any_value(element, value, faults)) return false;
      if (!append_value(value, field::list::kValues, depth + 1, out, faults)) return false;
    }
  }
  return !reader.failed() || faults.framing(reader.position());
}

}  // namespace clew::decode::otlp
