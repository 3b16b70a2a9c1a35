// SPDX-License-Identifier: Apache-2.0
#include "block/cache.h"

#include <utility>

namespace clew::block {

uint64_t Cache::new_owner() {
  const std::lock_guard lock(mutex_);
  return next_owner_++;
}

void Cache::drop(uint64_t owner) {
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->key.owner == owner) {
      by_key_.erase(entry->key);
      entry = entries_.erase(entry);
    } else {
      ++entry;
    }
  }
}

std::shared_ptr<const void> Cache::find(uint64_t owner, uint64_t part) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find({owner, part});
  if (found == by_key_.end()) {
    ++misses_;
    return nullptr;
  }
  ++hits_;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->value;
}

void Cache::keep(uint64_t owner, uint64_t part, std::shared_ptr<const void> value, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (by_key_.contains({owner, part})) return;
  Reservation memory(budget_, Share::Caches);
  while (!memory.grow(bytes)) {
    if (entries_.empty()) return;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({{owner, part}, std::move(value), std::move(memory)});
  by_key_[{owner, part}] = entries_.begin();
}

uint64_t Cache::hits() const {
  const std::lock_guard lock(mutex_);
  return hits_;
}

uint64_t Cache::misses() const {
  const std::lock_guard lock(mutex_);
  return misses_;
}

}  // namespace clew::block
