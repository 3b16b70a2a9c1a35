// SPDX-License-Identifier: Apache-2.0
//
// HeadScan looks for the newest matching traces in one head. Traces that lie in this head alone are evaluated here; of
// those with parts elsewhere it is found out which leaves have spans here.
//
// It goes through the traces from the newest arrival backwards in slices of a few thousand rows, releasing the head's
// lock between them, and passes over zones of traces that are all older than what was found. It holds memory for one
// slice, or for the largest single trace.
//
// Threads: one.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "eval/batch_view.h"
#include "eval/evaluate.h"
#include "scan/describe.h"
#include "scan/leaves.h"
#include "scan/newest.h"
#include "scan/shared_traces.h"
#include "store/snapshot.h"

namespace clew::scan {

class HeadScan {
 public:
  // All must outlive the scan. Unavailable: no memory.
  HeadScan(const store::Snapshot& snapshot, uint32_t head, const Leaves& leaves, Newest& newest, SharedTraces& shared);
  Result<void> bind(const query::Query& query, MemoryBudget& budget);
  void run();

  // Describes a found trace of this head.
  FoundTrace describe(const Found& found, SearchAnswer& answer);

 private:
  // Traces whose rows are evaluated together.
  struct Chunk {
    std::vector<uint32_t> traces;
    std::vector<model::TraceSummary> summaries;
    std::vector<uint64_t> durations;
    std::vector<uint32_t> ends;
    std::vector<uint32_t> rows;

    eval::Traces view() const { return {rows, ends, durations}; }
    void add(const store::HeadSlice& slice, uint32_t trace, const model::TraceSummary& summary);
    void clear();
  };

  bool renew_slice();
  bool reserve_rows(uint64_t rows);
  void consider(uint32_t trace);
  void consider_shared(uint32_t trace, const model::TraceSummary& summary);
  void evaluate_chunk();
  void see_shared_chunk();
  void show(std::span<const uint32_t> positions);
  void keep(uint32_t at, std::span<const uint32_t> positions);

  const store::HeadSnapshot& head_;
  const uint32_t index_;
  const Leaves& leaves_;
  Newest& newest_;
  SharedTraces& shared_;
  eval::Pace pace_;
  Reservation memory_;
  uint64_t bytes_per_row_ = 0;
  uint64_t reserved_rows_ = 0;
  std::optional<store::HeadSlice> slice_;
  std::optional<eval::BatchView> view_;
  std::optional<eval::Evaluator> evaluator_;
  std::vector<eval::Evaluator> leaf_evaluators_;  // where there are shared traces
  eval::Matches matches_;
  Chunk chunk_;
  Chunk shared_chunk_;
};

}  // namespace clew::scan
