// SPDX-License-Identifier: Apache-2.0
//
// The usual KeyValue is 0a, length, key, 12, length, AnyValue with nothing behind it and lengths below 128. Only that
// form is taken apart by comparing bytes; any other goes through the general reader. A KeyValue whose bytes all equal
// those remembered is what they were, in whatever form, so that test comes first and needs no form.
#include "decode/otlp/attribute_lists.h"

#include <algorithm>
#include <cstring>

#include "codec/proto_reader.h"
#include "codec/utf8.h"
#include "decode/otlp/fields.h"

namespace clew::decode::otlp {
namespace {

using codec::length_tag;
using codec::ProtoReader;
using codec::varint_tag;
using model::AttributeSet;
using model::KeyType;
using model::StringId;
using model::ValueType;
namespace kv = field::key_value;
namespace any = field::any_value;

// What a list or a buffer may keep for the next request, in bytes.
constexpr size_t kKeepBytesMax = size_t{64} << 10;

// memcmp of short runs without a call: eight bytes a step, the last step overlapping.
inline bool equal(const uint8_t* a, const uint8_t* b, size_t bytes) {
  if (bytes >= 8) {
    const size_t last = bytes - 8;
    for (size_t i = 0; i < last; i += 8) {
      if (load<uint64_t>(a + i) != load<uint64_t>(b + i)) return false;
    }
    return load<uint64_t>(a + last) == load<uint64_t>(b + last);
  }
  if (bytes >= 4)
    return load<uint32_t>(a) == load<uint32_t>(b) && load<uint32_t>(a + bytes - 4) == load<uint32_t>(b + bytes - 4);
  for (size_t i = 0; i < bytes; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// Takes the header of a length-delimited field off `rest`, which the field must fill to its end.
bool take_header(Bytes& rest, uint32_t tag) {
  if (rest.size() < 2 || rest[0] != tag) return false;
  const uint8_t* next = rest.data() + 1;
  const uint8_t* end = rest.data() + rest.size();
  uint64_t bytes = 0;
  if (!codec::read_varint(next, end, bytes) || bytes != static_cast<size_t>(end - next)) return false;
  rest = {next, end};
  return true;
}

// Bytes from the beginning to the end of the key if the KeyValue has the usual form, else 0.
uint32_t usual_key_bytes(Bytes key_value) {
  if (key_value.size() < 2 || key_value[0] != length_tag(kv::kKey) || key_value[1] >= 0x80) return 0;
  const size_t key_end = size_t{2} + key_value[1];
  if (key_value.size() < key_end) return 0;
  Bytes value = key_value.subspan(key_end);
  return take_header(value, length_tag(kv::kValue)) ? static_cast<uint32_t>(key_end) : 0;
}

template <class Container>
void give_back(Container& container) {
  if (container.capacity() * sizeof(typename Container::value_type) > kKeepBytesMax) Container().swap(container);
}

}  // namespace

void AttributeLists::trim() {
  nodes_.clear();  // bounded by kNodesMax
  give_back(keys_);
  give_back(canonical_);
}

void ListScratch::trim() {
  lists.trim();
  for (AttributeLists::Open* open : {&resource, &scope, &span, &child}) {
    give_back(open->slots);
    give_back(open->keys);
  }
}

void AttributeLists::reset(model::SpanBatch& batch, Faults& faults) {
  batch_ = &batch;
  faults_ = &faults;
  nodes_.clear();
  for (size_t i = 0; i < kLevelCount; ++i) nodes_.push_back({nullptr, 0, 0, 0, {0}, 0, kNone, kNone, kNone, 0, 0});
}

bool AttributeLists::add(Open& open, Bytes key_value) {
  if (open.node == kOutside) return add_slow(open, key_value);
  uint32_t follower = nodes_[open.node].first_follower;
  while (follower != kNone) {
    Node& node = nodes_[follower];
    const uint32_t key_bytes = node.key_bytes;
    if (key_value.size() >= key_bytes && equal(node.last, key_value.data(), key_bytes)) {
      if (node.last_bytes == key_value.size() &&
          equal(node.last + key_bytes, key_value.data() + key_bytes, key_value.size() - key_bytes)) {
        open.node = follower;
        ++open.count;
        open.slots.push_back(node.slot);
        return true;
      }
      uint64_t slot = 0;
      bool same_type = false;
      if (key_bytes != 0 && value_after_key(node, key_value, slot, same_type)) {
        if (same_type) {
          node.last = key_value.data();
          node.last_bytes = static_cast<uint32_t>(key_value.size());
          node.slot = slot;
          open.node = follower;
          ++open.count;
          open.slots.push_back(slot);
          return true;
        }
      }
    }
    follower = node.next_sibling;
  }
  return add_slow(open, key_value);
}

// The key is the node's. True if the rest is in the usual form and a plain value; then `same_type` tells whether it has
// the node's type, and `slot` is set if it has.
bool AttributeLists::value_after_key(const Node& node, Bytes key_value, uint64_t& slot, bool& same_type) {
  Bytes value = key_value.subspan(node.key_bytes);
  if (!take_header(value, length_tag(kv::kValue)) || value.empty()) return false;
  const ValueType type = node.key.type();
  if (value[0] == length_tag(any::kString)) {
    if (!take_header(value, length_tag(any::kString))) return false;
    same_type = type == ValueType::String;
    if (!same_type) return true;
    const auto id = batch_->strings.intern_if(as_text(value), codec::valid_utf8);
    if (!id) return false;
    slot = *id;
    return true;
  }
  if (value[0] == varint_tag(any::kInt) || value[0] == varint_tag(any::kBool)) {
    const ValueType found = value[0] == varint_tag(any::kInt) ? ValueType::Int : ValueType::Bool;
    const uint8_t* next = value.data() + 1;
    const uint8_t* end = value.data() + value.size();
    if (!codec::read_varint(next, end, slot) || next != end) return false;
    if (found == ValueType::Bool) slot = slot != 0 ? 1 : 0;
    same_type = type == found;
    return true;
  }
  return false;
}

bool AttributeLists::add_slow(Open& open, Bytes key_value) {
  Bytes key_text;
  WireValue value;
  const uint64_t references_before = faults_->string_table_references;
  ProtoReader reader(key_value);
  while (reader.next_tag()) {
    Bytes part;
    switch (reader.tag()) {
      case length_tag(kv::kKey):
        reader.read_bytes(key_text);
        break;
      case length_tag(kv::kValue):
        if (reader.read_bytes(part) && !read_any_value(part, value, *faults_)) return false;
        break;
      case varint_tag(kv::kKeyStrindex):
        ++faults_->string_table_references;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  if (reader.failed()) return faults_->framing(reader.position());

  KeyType key{};
  uint64_t slot = 0;
  bool good = false;
  if (!store(as_text(key_text), value, key, slot, good)) return false;
  const bool remember = good && references_before == faults_->string_table_references;
  follow(open, key, slot, key_value, remember);
  return true;
}

bool AttributeLists::add(Open& open, std::string_view key_text, const WireValue& value) {
  KeyType key{};
  uint64_t slot = 0;
  bool good = false;
  if (!store(key_text, value, key, slot, good)) return false;
  if (open.node != kOutside) {
    for (uint32_t at = nodes_[open.node].first_follower; at != kNone; at = nodes_[at].next_sibling) {
      if (!(nodes_[at].key == key)) continue;
      open.node = at;
      ++open.count;
      open.slots.push_back(slot);
      return true;
    }
  }
  follow(open, key, slot, {}, true);
  return true;
}

// What key and value become in the batch; `good` tells whether Clew can keep them.
bool AttributeLists::store(std::string_view key_text, const WireValue& value, KeyType& key, uint64_t& slot,
                           bool& good) {
  std::optional<Reason> earlier;
  std::swap(earlier, faults_->bad);  // so that a fault of this attribute is told from an earlier one
  key = KeyType::of(static_cast<StringId>(intern_text(as_bytes(key_text))), value.type);
  const bool sound = store_value(value, slot);
  good = !faults_->bad;
  if (earlier) faults_->bad = earlier;
  return sound;
}

uint64_t AttributeLists::intern_text(Bytes text) {
  const auto id = batch_->strings.intern_if(as_text(text), codec::valid_utf8);
  if (!id) faults_->reject(Reason::Utf8);
  return id.value_or(0);
}

bool AttributeLists::store_value(const WireValue& value, uint64_t& slot) {
  switch (value.type) {
    case ValueType::Empty:
      slot = 0;
      break;
    case ValueType::String:
      slot = intern_text(value.bytes);
      break;
    case ValueType::Bool:
    case ValueType::Int:
    case ValueType::Double:
      slot = value.number;
      break;
    case ValueType::Bytes:
      slot = batch_->blobs.intern(as_text(value.bytes));
      break;
    case ValueType::Array:
    case ValueType::KvList:
      canonical_.clear();
      if (!append_canonical(value, 1, canonical_, *faults_)) return false;
      slot = faults_->bad ? 0 : batch_->blobs.intern(canonical_);
      break;
  }
  return true;
}

// Adds the attribute to the list, and to the tree if it is sound and there is room.
void AttributeLists::follow(Open& open, KeyType key, uint64_t slot, Bytes key_value, bool remember) {
  if (open.node != kOutside) {
    Node& before = nodes_[open.node];
    if (remember && before.follower_count < kFollowersMax && nodes_.size() < kNodesMax) {
      const auto index = static_cast<uint32_t>(nodes_.size());
      const Node node = {key_value.data(),
                         static_cast<uint32_t>(key_value.size()),
                         usual_key_bytes(key_value),
                         slot,
                         key,
                         kNone,
                         open.node,
                         kNone,
                         before.first_follower,
                         0,
                         before.depth + 1};
      before.first_follower = index;
      ++before.follower_count;
      nodes_.push_back(node);
      open.node = index;
    } else {
      leave_tree(open);
    }
  }
  if (open.node == kOutside) open.keys.push_back(key);
  ++open.count;
  open.slots.push_back(slot);
}

void AttributeLists::leave_tree(Open& open) {
  open.keys.resize(nodes_[open.node].depth);
  for (uint32_t node = open.node; nodes_[node].depth > 0; node = nodes_[node].parent)
    open.keys[nodes_[node].depth - 1] = nodes_[node].key;
  open.node = kOutside;
}

model::ShapeId AttributeLists::shape_of(uint32_t node) {
  if (nodes_[node].shape != kNone) return nodes_[node].shape;
  keys_.resize(nodes_[node].depth);
  for (uint32_t at = node; nodes_[at].depth > 0; at = nodes_[at].parent) keys_[nodes_[at].depth - 1] = nodes_[at].key;
  return nodes_[node].shape = batch_->intern_shape(keys_);
}

AttributeSet AttributeLists::finish(Open& open) {
  if (open.count == 0) return {};
  const AttributeSet set = {open.node == kOutside ? batch_->intern_shape(open.keys) : shape_of(open.node),
                            static_cast<uint32_t>(batch_->slots.size())};
  const uint64_t* from = open.slots.data();
  batch_->slots.append_runs(open.slots.size(), [&](std::span<uint64_t> run) {
    std::memcpy(run.data(), from, run.size_bytes());
    from += run.size();
  });
  return set;
}

}  // namespace clew::decode::otlp
