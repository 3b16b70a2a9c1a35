// SPDX-License-Identifier: Apache-2.0
//
// A TraceRun is one input of a compaction's merge: traces in the order of blocks (block/row_order.h), one after the
// other, which it copies into the batch from which an output's row group is written. BlockRun reads a block, one row
// group at a time; JoinedRun has traces in memory that were joined beforehand.
//
//   while (!run.done()) {
//     if (!run.loaded()) { TRY(run.load()); continue; }   // reading may show that there is nothing more
//     if (run.current()…) TRY(run.append());
//     run.next();
//   }
//
// What current() shows lives until next() or load(). Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "block/block.h"
#include "block/row_order.h"
#include "model/row_appender.h"
#include "model/span_batch.h"
#include "store/compactor.h"

namespace clew::store {

// A trace, or a segment of a giant.
struct TraceView {
  block::TraceOrder order;
  model::TraceSummary summary;
  std::span<const uint32_t> rows;     // of the run's own, in pre-order
  std::span<const uint32_t> parents;  // by row: position in the whole part
  uint32_t first_position = 0;
  uint8_t flags = 0;

  bool is_segment() const { return rows.size() < summary.span_count; }
  bool is_last_segment() const { return first_position + rows.size() >= summary.span_count; }
};

class TraceRun {
 public:
  TraceRun() = default;
  TraceRun(const TraceRun&) = delete;
  TraceRun& operator=(const TraceRun&) = delete;
  virtual ~TraceRun() = default;

  virtual bool done() const = 0;
  virtual bool loaded() const = 0;
  // Of the next trace; at most that where it is not loaded.
  virtual uint64_t slice() const = 0;
  virtual Result<void> load() = 0;
  virtual const TraceView& current() const = 0;
  virtual void next() = 0;
  // Copies the spans of the current trace behind those of the batch.
  virtual Result<void> append() = 0;
  // The batch was replaced by an empty one.
  virtual void forget() = 0;
  virtual uint64_t memory_bytes() const = 0;
};

// The flags that a part gets in the output, or nothing: it is not wanted.
using SelectPart = std::function<std::optional<uint8_t>(const block::TraceRows& part)>;

class BlockRun final : public TraceRun {
 public:
  // Traces are appended to `out`, which must outlive the run.
  BlockRun(std::shared_ptr<const block::Block> block, SelectPart select, model::SpanBatch& out)
      : block_(std::move(block)),
        select_(std::move(select)),
        copier_(block_, out, block::RowCopier::Texts::AsTheyCome) {}

  bool done() const override { return at_ == traces_.size() && next_group_ == block_->row_groups().size(); }
  bool loaded() const override { return at_ < traces_.size(); }
  uint64_t slice() const override {
    return loaded() ? traces_[at_].order.slice : block_->row_groups()[next_group_].start / block::kSliceNanos;
  }
  Result<void> load() override;
  const TraceView& current() const override { return traces_[at_]; }
  void next() override;
  Result<void> append() override { return copier_.append_started(current().rows); }
  void forget() override { copier_.forget(); }
  uint64_t memory_bytes() const override;

 private:
  Result<void> read(std::span<const block::TraceRows> parts, std::span<const uint8_t> flags);

  const std::shared_ptr<const block::Block> block_;
  const SelectPart select_;
  block::RowCopier copier_;
  uint32_t next_group_ = 0;
  // The row group that is loaded.
  std::optional<block::RowGroup> group_;
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> parents_;
  std::vector<TraceView> traces_;
  size_t at_ = 0;
};

class JoinedRun final : public TraceRun {
 public:
  // Traces are appended to `out`, which must outlive the run.
  explicit JoinedRun(model::SpanBatch& out) : out_(out) {}

  // Where TraceMerger puts the spans of all traces.
  model::SpanBatch& batch() { return batch_; }
  void clear();
  // A trace whose spans are in batch(), in any order.
  void add(const model::TraceSummary& summary, std::span<const uint32_t> rows, uint8_t flags);
  // All are there.
  void sort();

  size_t trace_count() const { return traces_.size(); }
  bool done() const override { return at_ == traces_.size(); }
  bool loaded() const override { return !done(); }
  uint64_t slice() const override { return traces_[at_].order.slice; }
  Result<void> load() override { return {}; }
  const TraceView& current() const override { return traces_[at_]; }
  void next() override { ++at_; }
  Result<void> append() override;
  void forget() override { appender_.reset(); }
  uint64_t memory_bytes() const override;

 private:
  struct Numbers {
    std::vector<uint32_t> rows;
    std::vector<uint32_t> parents;
  };

  model::SpanBatch& out_;
  model::SpanBatch batch_;
  std::optional<model::RowAppender> appender_;  // to out_
  model::TraceTree tree_;
  std::vector<uint32_t> positions_;
  std::vector<std::unique_ptr<Numbers>> numbers_;  // what the views point to
  std::vector<TraceView> traces_;
  uint64_t number_bytes_ = 0;
  size_t at_ = 0;
};

// The row of the root or, where there is none, of the earliest orphan, of a trace in pre-order.
uint32_t top_of(std::span<const uint32_t> rows, std::span<const uint32_t> parents);

}  // namespace clew::store
