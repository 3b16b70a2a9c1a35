// SPDX-License-Identifier: Apache-2.0
//
// store::HeadMemory is what all heads together hold of the memory budget's head share. Who is about to append reserves
// what that may need; when it is done, settle() makes the reservation what the heads really hold. Replay and the sealer
// come without reserving: what is on disk is loaded even if it is more than the share.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

#include "base/memory_budget.h"
#include "base/metrics.h"

namespace clew::store {

class HeadMemory {
 public:
  HeadMemory(MemoryBudget& budget, Metrics& metrics)
      : budget_(budget),
        byte_gauge_(metrics.gauge("clew_head_bytes", "Memory that the heads hold.")),
        memory_(budget, Share::Head) {}

  // False if the share is spent.
  bool reserve(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    return memory_.grow(bytes);
  }
  // A head holds so much more now, or less.
  void changed(uint64_t before, uint64_t after) {
    const std::lock_guard lock(mutex_);
    held_ += after - before;
    if (after < before) memory_.shrink_to(memory_.bytes() - std::min(memory_.bytes(), before - after));
  }
  // Nothing that was reserved is still to be appended.
  void settle() {
    const std::lock_guard lock(mutex_);
    byte_gauge_.set(static_cast<int64_t>(held_));
    memory_.shrink_to(held_);
    if (memory_.bytes() == held_) return;
    const uint64_t missing = held_ - memory_.bytes();
    if (memory_.grow(missing)) return;
    const uint64_t left = budget_.limit(Share::Head) - std::min(budget_.limit(Share::Head), memory_.bytes());
    memory_.grow(std::min(left, missing));
  }
  uint64_t held() const {
    const std::lock_guard lock(mutex_);
    return held_;
  }
  uint64_t limit() const { return budget_.limit(Share::Head); }

 private:
  MemoryBudget& budget_;
  Gauge& byte_gauge_;
  mutable std::mutex mutex_;
  Reservation memory_;  // guarded by mutex_
  uint64_t held_ = 0;   // guarded by mutex_
};

}  // namespace clew::store
