// SPDX-License-Identifier: Apache-2.0
//
// A snapshot of blocks and heads, made by hand: some heads are written as blocks in memory, the others stay. What lies
// in several of them is marked as shared, as a store would. For tests and benchmarks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/memory_budget.h"
#include "block/cache.h"
#include "block/row_order.h"
#include "block/testing/memory_bytes.h"
#include "block/writer.h"
#include "store/snapshot.h"

namespace clew::scan::testing {

struct ScatterOptions {
  block::LayoutOptions layout;
  block::WriterOptions writer;
};

class ScatteredSnapshot {
 public:
  ScatteredSnapshot();
  // The first `blocks` of the heads become blocks.
  ScatteredSnapshot(const std::vector<std::shared_ptr<store::Head>>& parts, size_t blocks,
                    const ScatterOptions& options = {});

  // Blocks in the order in which they were sealed, then heads, the oldest first.
  void add_block(const store::Head& head, const ScatterOptions& options = {});
  void add_head(const store::Head& head);

  const store::Snapshot& snapshot() const { return snapshot_; }
  // The bytes of the block that was added as number `block`, to be damaged. What is in the cache stays whole.
  std::string& bytes_of(size_t block) { return sources_[block]->bytes; }

 private:
  MemoryBudget budget_;
  block::Cache cache_;
  std::vector<std::shared_ptr<block::testing::MemorySource>> sources_;
  store::TraceIdSet seen_;
  std::shared_ptr<store::TraceIdSet> in_blocks_;
  std::shared_ptr<store::TraceIdSet> in_heads_;
  store::Snapshot snapshot_;
};

}  // namespace clew::scan::testing
