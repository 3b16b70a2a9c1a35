// SPDX-License-Identifier: Apache-2.0
//
// Where the spans of one trace lie in a snapshot: in parts, each in a block or a head.
//
// TraceParts::find() looks them up. PlacedParts counts their rows through all parts, so that a row of a trace is one
// number, its *place*: first the blocks' in the order of arrival, then the heads'. A place says where to read; places
// that ascend are read with each row group opened once.
//
//   PlacedParts placed(snapshot, TRY(TraceParts::find(snapshot, id)));
//   TRY(placed.for_each_run(placed.places(), [&](const PlacedParts::Run& run) -> Result<bool> { … }));
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "block/block.h"
#include "store/snapshot.h"

namespace clew::scan {

// Where a block has a part of a trace.
struct BlockPart {
  uint32_t block = 0;  // in the snapshot
  block::TracePlace place;
};
// Where a head has one.
struct HeadPart {
  uint32_t head = 0;
  uint32_t trace = 0;
};

struct TraceParts {
  std::vector<BlockPart> blocks;
  std::vector<HeadPart> heads;
  uint64_t rows = 0;  // of all parts, duplicates among them

  static Result<TraceParts> find(const store::Snapshot& snapshot, const model::TraceId& id);
  bool empty() const { return blocks.empty() && heads.empty(); }
  size_t count() const { return blocks.size() + heads.size(); }
};

// The summary of the trace whose part begins at that row.
Result<model::TraceSummary> summary_at(block::RowGroup& group, uint32_t first_row);

class PlacedParts {
 public:
  struct Part {
    uint32_t first_place = 0;
    uint32_t end_place = 0;  // a head's has gaps before it
    const BlockPart* block = nullptr;
    const HeadPart* head = nullptr;
  };
  // Rows of a part in one row group, or some of a head's under one hold of its lock.
  struct Run {
    size_t part = 0;
    size_t at = 0;                     // of the first in what was asked for
    std::span<const uint32_t> rows;    // of `group` or `head`
    block::RowGroup* group = nullptr;  // of a block's part: Block::rows_of_trace()
    const model::SpanBatch* head = nullptr;
  };
  using Visit = std::function<Result<bool>(const Run& run)>;  // false: that is enough

  // `snapshot` must outlive this.
  PlacedParts(const store::Snapshot& snapshot, TraceParts parts);
  PlacedParts(const PlacedParts&) = delete;
  PlacedParts& operator=(const PlacedParts&) = delete;

  const std::vector<Part>& parts() const { return placed_; }
  const store::StoredBlock& block_of(const Part& part) const { return *snapshot_.blocks[part.block->block]; }
  const store::HeadSnapshot& head_of(const Part& part) const { return snapshot_.heads[part.head->head]; }
  uint64_t row_count() const { return parts_.rows; }
  // Of all parts together; span_count counts duplicates.
  Result<model::TraceSummary> summary() const;
  // All that are rows of the trace, ascending.
  std::vector<uint32_t> places() const;

  // `places` ascend. The row group that was opened last stays open for the next call.
  Result<void> for_each_run(std::span<const uint32_t> places, const Visit& visit);

 private:
  Result<bool> visit_block(size_t part, std::span<const uint32_t> places, size_t at, const Visit& visit);
  Result<bool> visit_head(size_t part, std::span<const uint32_t> places, size_t at, const Visit& visit);

  const store::Snapshot& snapshot_;
  const TraceParts parts_;
  std::vector<Part> placed_;
  std::vector<uint32_t> rows_;
  std::optional<block::RowGroup> group_;
  size_t group_part_ = 0;
  uint32_t group_index_ = 0;
};

}  // namespace clew::scan
