// SPDX-License-Identifier: Apache-2.0
//
// AttributeLists turns wire KeyValues into shapes and slots of a SpanBatch, fast where senders repeat themselves, which
// they do: after a key comes the key that came there before, often with the value that it had before.
//
// It remembers lists as a tree of nodes. A node is "this key with this type, after the nodes above it"; it keeps the
// bytes of the KeyValue that was last read there and the slot that came of them. Reading an attribute is comparing its
// bytes with those of the few nodes that may follow: all equal, and the slot is known; only the key equal, and only the
// value is looked up; neither, and the key is looked up and a node added. The end of a list needs no look-up at all,
// because a node remembers the shape that ends there. The tree is bounded: beyond its limits lists are read without it.
//
//   AttributeLists lists(batch, faults);
//   AttributeLists::Open open;
//   lists.begin(open, AttributeLists::Level::Span);
//   if (!lists.add(open, key_value)) …          // framing is broken: the request is lost
//   const AttributeSet set = lists.finish(open);
//
// Several lists may be open at once, so that an event's attributes can be read between two of its span's.
// Lifetime: the bytes passed to add() must live until the next reset() or trim().
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "decode/otlp/wire_value.h"
#include "model/span_batch.h"

namespace clew::decode::otlp {

class AttributeLists {
 public:
  enum class Level : uint8_t { Resource, Scope, Span, Event, Link };
  static constexpr size_t kLevelCount = 5;

  // Nodes of 64 bytes; the demo shop needs 500. Beyond: hostile or very mixed, read without the tree.
  static constexpr size_t kNodesMax = 8192;
  // Nodes that follow one node: above this, comparing costs more than looking up.
  static constexpr uint32_t kFollowersMax = 12;

  struct Open {
    uint32_t node = 0;   // of the last attribute, or kOutside
    uint32_t count = 0;  // attributes so far
    std::vector<uint64_t> slots;
    std::vector<model::KeyType> keys;  // only outside the tree
  };

  AttributeLists() = default;
  // Starts reading into `batch`, forgetting what was known of another.
  void reset(model::SpanBatch& batch, Faults& faults);

  void begin(Open& open, Level level) {
    open.node = static_cast<uint32_t>(level);
    open.count = 0;
    open.slots.clear();
  }
  // Reads one KeyValue. A value that Clew cannot keep is reported to the faults and kept as empty.
  bool add(Open& open, Bytes key_value);
  // The same for an attribute that does not lie on the wire as a KeyValue: found by its key and type alone.
  bool add(Open& open, std::string_view key, const WireValue& value);
  // Moves the slots into the batch.
  model::AttributeSet finish(Open& open);

  // Forgets the lists and gives back what a request of unusual size made grow.
  void trim();

 private:
  static constexpr uint32_t kOutside = UINT32_MAX;
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Node {
    const uint8_t* last;  // the KeyValue last read here
    uint32_t last_bytes;
    uint32_t key_bytes;  // of its beginning up to the end of the key; 0 if it was not written in the usual order
    uint64_t slot;       // what came of it
    model::KeyType key;
    model::ShapeId shape;  // of a list that ends here, or kNone
    uint32_t parent;
    uint32_t first_follower;
    uint32_t next_sibling;
    uint32_t follower_count;
    uint32_t depth;  // keys from the root to here
  };

  bool add_slow(Open& open, Bytes key_value);
  bool store(std::string_view key, const WireValue& value, model::KeyType& key_type, uint64_t& slot, bool& good);
  bool store_value(const WireValue& value, uint64_t& slot);
  bool value_after_key(const Node& node, Bytes key_value, uint64_t& slot, bool& same_type);
  void follow(Open& open, model::KeyType key, uint64_t slot, Bytes key_value, bool remember);
  void leave_tree(Open& open);
  model::ShapeId shape_of(uint32_t node);
  uint64_t intern_text(Bytes text);

  model::SpanBatch* batch_ = nullptr;
  Faults* faults_ = nullptr;
  std::vector<Node> nodes_;  // the first kLevelCount are the roots
  std::vector<model::KeyType> keys_;
  std::string canonical_;
};

// What a decoding thread keeps from one request to the next: room, no content.
struct ListScratch {
  AttributeLists lists;
  AttributeLists::Open resource;
  AttributeLists::Open scope;
  AttributeLists::Open span;
  AttributeLists::Open child;  // of an event or link

  // Below 1 MiB remains.
  void trim();
};

}  // namespace clew::decode::otlp
