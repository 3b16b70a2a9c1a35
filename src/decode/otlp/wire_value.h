// SPDX-License-Identifier: Apache-2.0
//
// Attribute values on the wire (common.proto: AnyValue, ArrayValue, KeyValueList, KeyValue), and what goes wrong while
// a request is read.
//
// proto3's rules for fields that come more than once hold at each level: scalars and oneof members, the last one wins;
// sub-messages are merged, which for lists means one behind the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "decode/verdict.h"
#include "model/span_batch.h"

namespace clew::decode::otlp {

// What the functions of a decoder report to. Framing errors end the request: the functions then return false. The
// others cost a span (or a resource or scope); reading goes on to see whether the framing is sound.
struct Faults {
  const uint8_t* framing_at = nullptr;
  std::optional<Reason> bad;  // the first of the span, resource or scope being read
  uint64_t string_table_references = 0;

  bool framing(const uint8_t* at) {
    if (framing_at == nullptr) framing_at = at;
    return false;
  }
  void reject(Reason reason) {
    if (!bad) bad = reason;
  }
};

// A value as it stands on the wire.
struct WireValue {
  model::ValueType type = model::ValueType::Empty;
  uint64_t number = 0;  // Bool, Int, Double: the slot of a batch
  Bytes bytes;          // String, Bytes: the content; Array, KvList: the message, not looked into yet
  std::string merged;   // holds `bytes` of a list that came in parts
};

// Reads an AnyValue into `value`, on top of what is there.
bool read_any_value(Bytes message, WireValue& value, Faults& faults);

// Appends the canonical form of a list value (Array or KvList) to `out`: known fields in order, each value once.
// `depth` is the depth of the value that the list stands in.
bool append_canonical(const WireValue& list, uint32_t depth, std::string& out, Faults& faults);

// Appends `value` as an AnyValue in `field`, a list as it is.
void append_wire_value(const WireValue& value, uint32_t field, std::string& out);

// Is the message made of whole fields?
bool framing_sound(Bytes message, Faults& faults);

}  // namespace clew::decode::otlp
