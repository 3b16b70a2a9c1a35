// SPDX-License-Identifier: Apache-2.0
#include "eval/array_value.h"

#include "codec/proto_reader.h"

namespace clew::eval {
namespace {

// One AnyValue: a scalar, or Opaque for everything else. common.proto, message AnyValue.
Value read_element(Bytes message, ValueColumn& out) {
  codec::ProtoReader reader(message);
  Value value{ValueKind::Opaque, 0};
  while (reader.next_tag()) {
    Bytes text;
    uint64_t bits = 0;
    switch (reader.tag()) {
      case codec::length_tag(1):
        if (reader.read_bytes(text)) value = out.text(as_text(text));
        break;
      case codec::varint_tag(2):
        if (reader.read_uint64(bits)) value = {ValueKind::Bool, bits != 0};
        break;
      case codec::varint_tag(3):
        if (reader.read_uint64(bits)) value = {ValueKind::Int, bits};
        break;
      case codec::fixed64_tag(4):
        if (reader.read_fixed64(bits)) value = {ValueKind::Float, bits};
        break;
      default:
        reader.skip();
    }
  }
  return value;
}

}  // namespace

void append_array(Bytes array, ValueColumn& out) {
  out.open_group();
  const Group group = out.groups.back();
  const size_t texts = out.texts.size();
  codec::ProtoReader reader(array);
  bool uniform = true;
  while (uniform && !out.overflowed && reader.next_tag()) {
    Bytes element;
    if (reader.tag() != codec::length_tag(1)) {
      reader.skip();
    } else if (reader.read_bytes(element)) {
      const Value value = read_element(element, out);
      uniform = value.kind != ValueKind::Opaque &&
                (out.groups.back().count == 0 || out.elements[group.first].kind == value.kind);
      out.add_element(value);
    }
  }
  if (!uniform || out.groups.back().count == 0) {
    out.elements.resize(group.first);
    out.texts.resize(texts);
    out.groups.back().count = 0;
    out.add_element({ValueKind::Opaque, 0});
  }
}

}  // namespace clew::eval
