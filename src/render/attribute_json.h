// SPDX-License-Identifier: Apache-2.0
//
// How the values of attributes are written as JSON: once in the typed form of OTLP ({"intValue":"7"}), once plain
// (7). Nested values lie in a batch as protobuf bytes of ArrayValue and KeyValueList (model/span_batch.h).
//
// The bytes were made canonical when they were decoded, but they have been on a disk since: what cannot be read ends
// the value early instead of being trusted.
#pragma once

#include <cstdint>
#include <string_view>

#include "codec/json_writer.h"
#include "model/span_batch.h"

namespace clew::render {

// Arrays and lists in a value, one inside the other; deeper ones are written as empty. Above what decoding lets in.
constexpr uint32_t kValueDepthMax = 256;

// {"stringValue":"a"}, {"arrayValue":{"values":[…]}}, {} for an empty value; bytes as base64.
void write_otlp_value(codec::JsonWriter& json, const model::SpanBatch& batch, model::ValueType type, uint64_t slot);

// [{"key":…,"value":…},…] in their order, duplicates included.
void write_otlp_attributes(codec::JsonWriter& json, const model::SpanBatch& batch, const model::AttributeSet& set);

// "a", 7, [1,2], {"k":1}, null for an empty value; bytes as base64.
void write_plain_value(codec::JsonWriter& json, const model::SpanBatch& batch, model::ValueType type, uint64_t slot);

// The repeated field entity_refs of a Resource (resource.proto) as an array.
void write_entity_refs(codec::JsonWriter& json, Bytes refs);

// Calls visit(key, type, slot) for each attribute of `set` in order.
template <class Visit>
void for_each_attribute(const model::SpanBatch& batch, const model::AttributeSet& set, Visit visit) {
  size_t slot = set.first_slot;
  for (const model::KeyType key : batch.keys(set)) visit(batch.strings.at(key.key()), key.type(), batch.slots[slot++]);
}

}  // namespace clew::render
