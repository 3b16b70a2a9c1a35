// SPDX-License-Identifier: Apache-2.0
//
// store::Compactor makes few large blocks of many small ones: it merges the traces of up to eight blocks of one
// tenant in the order of blocks, joins the parts of a trace that lay in several of them, and leaves out the duplicates
// that come to light by that. What it is given is read only and what it writes counts only when its caller puts it into
// the manifest.
//
//   Compactor compactor(budget, stop);
//   CompactionJob job;
//   job.inputs = …; job.level = 1; job.new_output = …; job.is_outside = …;
//   const CompactionResult result = TRY(compactor.run(job));
//   delta.added_blocks = result.outputs; delta.removed_blocks = result.inputs; delta.removal = Removal::Compacted;
//
// Memory, all from Share::Compaction: about one decoded row group an input (inputs whose next slice lies later hold
// none), one that is being written, the writer's tables, and the traces that are joined. Where that is too much, fewer
// inputs are taken, fewer traces joined, outputs end earlier.
//
// What is not joined stays apart, each part whole and with kIsElsewhere, and lies in another output than the other
// parts: a trace larger than a row group, and what the memory has no room for. A giant passes through segment by
// segment.
//
// After an error, Cancelled among them, nothing was written. DataLoss names the block; damaged() is its id.
// Threads: one at a time; `stop` may be set by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "block/block.h"
#include "object/object_store.h"
#include "store/manifest.h"

namespace clew::store {

constexpr size_t kCompactionInputsMax = 8;
constexpr int kCompactionZstdLevel = 3;
// Traces of a slice that are joined; what joining holds for a moment, before inputs are decoded, is twice that.
constexpr uint64_t kJoinBytesMax = 48 << 20;

struct CompactionInput {
  ObjectId id = 0;
  std::shared_ptr<const block::Block> block;
};

// Where a block goes to. It is committed when all of them are complete.
struct CompactionOutput {
  ObjectId id = 0;
  std::unique_ptr<object::Upload> upload;
};

struct CompactionJob {
  // Oldest first; at least one, at most kCompactionInputsMax.
  std::vector<CompactionInput> inputs;
  uint32_t level = 0;  // of the outputs
  // An output that reaches one of these is followed by another one.
  uint64_t output_spans_max = block::kBlockSpansMax;
  uint64_t output_bytes_max = UINT64_MAX;
  std::function<Result<CompactionOutput>()> new_output;
  // Does a block that counts, other than those of the job, hold spans of the trace? Who cannot tell says yes. Asked for
  // traces with kIsElsewhere. (Inputs that are left out for want of memory are looked at besides.)
  std::function<bool(const model::TraceId&)> is_outside;
};

struct CompactionResult {
  std::vector<ObjectId> inputs;  // those of the job, or the first of them where the memory was short
  std::vector<BlockEntry> outputs;
  uint64_t spans_in = 0;
  uint64_t spans_out = 0;
  uint64_t duplicates = 0;  // spans_in - spans_out
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t traces_joined = 0;
  uint64_t traces_left_apart = 0;  // although several of the inputs held parts
};

class Compactor {
 public:
  // Both must outlive the compactor.
  Compactor(MemoryBudget& budget, const std::atomic<bool>& stop) : budget_(budget), stop_(stop) {}

  // ResourceExhausted: even two inputs are too much for the share.
  Result<CompactionResult> run(const CompactionJob& job);
  // After DataLoss: the block that is damaged.
  std::optional<ObjectId> damaged() const { return damaged_; }

 private:
  size_t inputs_that_fit(const CompactionJob& job) const;

  MemoryBudget& budget_;
  const std::atomic<bool>& stop_;
  std::optional<ObjectId> damaged_;
};

}  // namespace clew::store
