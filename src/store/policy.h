// SPDX-License-Identifier: Apache-2.0
//
// store::Policy is when a store writes blocks and when it lets them go: what may be changed while it is open.
// CurrentPolicy is the one in force. Who works by it takes a copy for each round. Threads: any.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace clew::store {

struct Policy {
  // A tenant's head is sealed when it has so many spans, or its first span came so long ago.
  uint64_t seal_spans = 500'000;
  uint64_t seal_interval_nanos = 3600 * kNanosPerSecond;
  // A trace with a span within this time stays in memory, in the hope that it becomes whole.
  uint64_t carry_nanos = 2 * kNanosPerSecond;

  // Blocks go when their last span came so long ago. 0: never.
  uint64_t retention_age_nanos = uint64_t{7 * 86'400} * kNanosPerSecond;
  // And roll-ups. 0: never.
  uint64_t rollup_age_nanos = uint64_t{400 * 86'400} * kNanosPerSecond;
  // Blocks, roll-ups and journal together. 0: no limit.
  uint64_t retention_bytes = 0;
  // The same, in percent of what the disk has for them. 0: no limit.
  uint32_t retention_disk_percent = 80;
  // Off: blocks are compacted by command only.
  bool compacts = true;
};

class CurrentPolicy {
 public:
  explicit CurrentPolicy(const Policy& policy) : policy_(policy) {}

  Policy get() const {
    const std::lock_guard lock(mutex_);
    return policy_;
  }
  void set(const Policy& policy) {
    const std::lock_guard lock(mutex_);
    policy_ = policy;
  }

 private:
  mutable std::mutex mutex_;
  Policy policy_;
};

}  // namespace clew::store
