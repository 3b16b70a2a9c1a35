// SPDX-License-Identifier: Apache-2.0
//
// store::Snapshot is what a query sees of a tenant: its blocks as of one version of the manifest, and its heads up to a
// row. Every durable span lies in exactly one of them, duplicates aside. It can be held as long as a query runs: an
// object of a block that compaction or retention has taken out is deleted only when no snapshot has it any more.
//
// A trace may have parts in several blocks and heads. Where it may, its id is in `shared`, or the summary of its part
// in a head says so; for every other trace the one part is the whole trace. So a query works on each block alone, and
// joins only the parts of shared traces:
//
//   is_shared(id)   parts in two blocks, or in a head and a block, or in two heads; may err on the side of yes
//
// Cheap to copy. Threads: any number may use copies of one.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "block/block.h"
#include "model/ids.h"
#include "store/head.h"
#include "store/manifest.h"

namespace clew::rollup {
class Rollup;
}

namespace clew::store {

// A block that counts, or did when the snapshot was taken. Its object goes with the last user once it was retired.
class StoredBlock {
 public:
  StoredBlock(BlockEntry entry, std::shared_ptr<const block::Block> block, std::function<void()> remove)
      : entry_(std::move(entry)), block_(std::move(block)), remove_(std::move(remove)) {}
  StoredBlock(const StoredBlock&) = delete;
  StoredBlock& operator=(const StoredBlock&) = delete;
  ~StoredBlock() {
    if (retired_.load(std::memory_order_acquire)) remove_();
  }

  const BlockEntry& entry() const { return entry_; }
  const block::Block& block() const { return *block_; }
  const std::shared_ptr<const block::Block>& shared_block() const { return block_; }
  // No new snapshot has it.
  void retire() const { retired_.store(true, std::memory_order_release); }

 private:
  BlockEntry entry_;
  std::shared_ptr<const block::Block> block_;
  std::function<void()> remove_;
  mutable std::atomic<bool> retired_ = false;
};

using TraceIdSet = std::unordered_set<model::TraceId>;

class Snapshot {
 public:
  Snapshot() = default;
  // Of a tenant that has one head and no block.
  explicit Snapshot(HeadSnapshot head) { heads.push_back(std::move(head)); }

  uint64_t manifest_version = 0;
  // By descending newest_order_time.
  std::vector<std::shared_ptr<const StoredBlock>> blocks;
  // Oldest first; the last one is still written to.
  std::vector<HeadSnapshot> heads;
  // Ids of traces with parts in several blocks.
  std::shared_ptr<const TraceIdSet> shared_in_blocks;
  // Ids of traces of the heads with parts in blocks or in another head as well.
  std::shared_ptr<const TraceIdSet> shared_in_heads;
  // What the sealed spans amount to; see rollup/rollup.h. Objects in no order, to be merged.
  std::vector<std::shared_ptr<const rollup::Rollup>> rollups;

  bool is_shared(const model::TraceId& id) const {
    return (shared_in_blocks && shared_in_blocks->contains(id)) || (shared_in_heads && shared_in_heads->contains(id));
  }
  // Duplicates among heads and blocks are counted twice.
  uint64_t span_count() const;
};

}  // namespace clew::store
