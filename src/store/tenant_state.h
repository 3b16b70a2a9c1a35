// SPDX-License-Identifier: Apache-2.0
//
// store::TenantState is what counts of a tenant at one moment: its blocks and roll-ups as of a version of the manifest,
// and its heads. It never changes; a step (a seal, a compaction, retention) puts a new one in its place. So a reader
// sees the state before a step or after it, and each durable span in exactly one head or block, duplicates aside.
//
// Threads: any, through a shared_ptr to const.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "store/head.h"
#include "store/snapshot.h"

namespace clew::store {

struct TenantBlock {
  std::shared_ptr<const StoredBlock> stored;
  // Ids of its traces that other blocks held parts of when it was written.
  std::shared_ptr<const std::vector<model::TraceId>> elsewhere;
};

struct TenantRollup {
  RollupEntry entry;
  std::shared_ptr<const rollup::Rollup> rollup;
};

struct TenantState {
  uint64_t manifest_version = 0;
  std::vector<TenantBlock> blocks;  // by descending newest_order_time
  std::shared_ptr<const TraceIdSet> shared_in_blocks;
  std::vector<TenantRollup> rollups;
  std::vector<std::shared_ptr<Head>> heads;  // oldest first; the last one is written to
};

// Objects that no state names any more, to be removed when no reader holds them. Whoever publishes a state says what it
// has retired; the last reader hands the object over.
// Threads: any.
class RetiredObjects {
 public:
  struct Object {
    std::string name;
    uint64_t bytes = 0;
  };
  void expect(uint64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void hand_over(Object object) {
    const std::lock_guard lock(mutex_);
    objects_.push_back(std::move(object));
  }
  std::vector<Object> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(objects_, {});
  }
  void removed(uint64_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  // That will be free.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> bytes_ = 0;
  std::mutex mutex_;
  std::vector<Object> objects_;  // guarded by mutex_
};

}  // namespace clew::store
