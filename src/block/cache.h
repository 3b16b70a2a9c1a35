// SPDX-License-Identifier: Apache-2.0
//
// block::Cache keeps decoded parts of blocks (tables, dictionaries, index pages, filters) for the next question, as
// many as the budget's share for caches holds; the one that was used longest ago goes first. What is in use stays alive
// with its user. When a part alone is larger than the share, it is handed out and not kept.
//
// Threads: any. Two that ask for the same missing part at once may both load it.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/memory_budget.h"
#include "base/result.h"

namespace clew::block {

class Cache {
 public:
  // `budget` must outlive the cache.
  explicit Cache(MemoryBudget& budget) : budget_(budget) {}

  // A number for a new block, so that its parts have keys of their own.
  uint64_t new_owner();
  // Forgets all parts of a block.
  void drop(uint64_t owner);

  template <class T>
  struct Loaded {
    std::shared_ptr<const T> value;
    uint64_t bytes = 0;  // of memory
  };

  // The part `part` of `owner`, from `load` if it is not here. Always the same T for the same key.
  template <class T>
  Result<std::shared_ptr<const T>> get(uint64_t owner, uint64_t part, const std::function<Result<Loaded<T>>()>& load) {
    if (std::shared_ptr<const void> found = find(owner, part)) return std::static_pointer_cast<const T>(found);
    Loaded<T> loaded = TRY(load());
    keep(owner, part, loaded.value, loaded.bytes);
    return std::move(loaded.value);
  }

  uint64_t hits() const;
  uint64_t misses() const;

 private:
  struct Key {
    uint64_t owner;
    uint64_t part;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return (key.owner * 0x9E3779B97F4A7C15u ^ key.part) * 0xD6E8FEB86659FD93u;
    }
  };
  struct Entry {
    Key key;
    std::shared_ptr<const void> value;
    Reservation memory;
  };

  std::shared_ptr<const void> find(uint64_t owner, uint64_t part);
  void keep(uint64_t owner, uint64_t part, std::shared_ptr<const void> value, uint64_t bytes);

  MemoryBudget& budget_;
  mutable std::mutex mutex_;  // guards everything below
  std::list<Entry> entries_;  // the one used last in front
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> by_key_;
  uint64_t next_owner_ = 1;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
};

}  // namespace clew::block
