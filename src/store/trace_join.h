// SPDX-License-Identifier: Apache-2.0
//
// store::TraceJoin finds the traces that have parts in several inputs of a compaction and joins them, slice by slice as
// the merge goes on: as many of a slice as the memory has room for, the small ones first. It knows for each part of a
// trace what is to become of it, once the slice of the trace has been joined.
//
// Of two blocks that hold parts of a trace, the one that was written later says so (block.h, elsewhere()). So only the
// traces in the inputs' lists need a look, and the pages of the trace index are read once, in order.
//
// A part that is not joined belongs to a *lane*: the first part of a trace to lane 0, the second to lane 1 and so on.
// Blocks of one lane have each trace once.
//
// Memory: 40 bytes for each trace in the lists, 24 for each part of them. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "model/identity.h"
#include "store/compactor.h"
#include "store/trace_run.h"

namespace clew::store {

class TraceJoin {
 public:
  // `inputs` are the first of the job's. All must outlive the join.
  TraceJoin(std::span<const CompactionInput> inputs, const CompactionJob& job, const std::atomic<bool>& stop)
      : inputs_(inputs), job_(job), stop_(stop) {}

  Result<void> find();
  // Are there traces to join in the slice? Slices come in their order.
  bool has(uint64_t slice);
  // Fills `joined`, which is empty and then is one more input, with traces of the slice, as far as they fit into
  // `bytes_max`. Comes before anything of that slice is read.
  Result<void> join(uint64_t slice, uint64_t bytes_max, JoinedRun& joined);

  // Known after the last slice.
  uint32_t lane_count() const;
  // As SelectPart, for a part in input `input` while `lane` is written.
  std::optional<uint8_t> select(const block::TraceRows& part, uint32_t input, uint32_t lane) const;

  uint64_t duplicates() const { return duplicates_; }
  uint64_t traces_joined() const { return traces_joined_; }
  uint64_t traces_left_apart() const { return traces_left_apart_; }
  uint64_t memory_bytes() const;
  // The input that was being read when something failed.
  uint32_t reading() const { return reading_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Where a listed trace has spans among the inputs.
  struct Trace {
    uint8_t inputs = 0;  // a bit for each
    bool joined = false;
    bool has_giant = false;
    // Of all parts together, and the earliest slice in which one lies.
    UnixNanos sane_start = UINT64_MAX;
    UnixNanos first_arrival = UINT64_MAX;
    uint64_t first_slice = UINT64_MAX;

    uint64_t slice() const { return (sane_start == UINT64_MAX ? first_arrival : sane_start) / block::kSliceNanos; }
  };
  struct Part {
    uint32_t trace;
    uint32_t row_group;
    uint32_t first_row;
    uint32_t row_count;
    uint8_t input;
  };
  // The rows of an input's parts that are to be joined, and where each part begins in it.
  struct Gathered {
    model::SpanBatch batch;
    std::vector<uint32_t> traces;  // by part
    std::vector<model::TraceSummary> summaries;
    std::vector<uint32_t> first_rows;
  };

  uint32_t find(const model::TraceId& id) const;
  Result<void> list();
  Result<void> look_at(uint32_t input, uint32_t row_group);
  std::vector<uint32_t> candidates(std::span<const Part> parts, uint64_t bytes_max) const;
  Result<bool> gather(std::span<const Part> parts, uint64_t bytes_max, std::vector<Gathered>& gathered);
  Result<void> gather_group(uint32_t input, std::span<const Part> parts, block::RowCopier& copier, Gathered& into);
  Result<void> merge(uint64_t bytes_max, std::vector<Gathered>& gathered, JoinedRun& joined);
  bool is_outside(const model::TraceId& id) const;
  Result<void> check_stop() const;

  const std::span<const CompactionInput> inputs_;
  const CompactionJob& job_;
  const std::atomic<bool>& stop_;
  std::vector<model::TraceId> ids_;  // ascending
  std::vector<Trace> traces_;        // by number in ids_
  std::vector<Part> parts_;          // in the order of slices, inputs, row groups
  size_t next_part_ = 0;             // of the slices that come
  uint32_t reading_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t traces_joined_ = 0;
  uint64_t traces_left_apart_ = 0;
};

}  // namespace clew::store
