// SPDX-License-Identifier: Apache-2.0
//
// GiantTrace is a trace that is too large to be joined in memory, made ready to be searched where it lies: its parts,
// their skeleton, and a view for the evaluator.
//
//   Reservation memory(budget, Share::Query);
//   std::unique_ptr<GiantTrace> giant = TRY(GiantTrace::open(snapshot, id, memory, &pace));
//   evaluator.run(giant->traces(), matches, &pace);
//
// Memory: 16 bytes a span, and 56 while it is opened. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "eval/trace_facts.h"
#include "scan/describe.h"
#include "scan/trace_parts.h"
#include "scan/trace_skeleton.h"
#include "scan/trace_view.h"

namespace clew::scan {

class GiantTrace {
 public:
  // The snapshot must outlive it. Errors as of TraceSkeleton::build().
  static Result<std::unique_ptr<GiantTrace>> open(const store::Snapshot& snapshot, TraceParts parts,
                                                  Reservation& memory, const eval::Pace* pace);
  GiantTrace(const GiantTrace&) = delete;
  GiantTrace& operator=(const GiantTrace&) = delete;

  const model::TraceSummary& summary() const { return summary_; }
  TraceView& view() { return *view_; }
  size_t part_count() const { return parts_.parts().size(); }
  // Its rows, as the view counts them.
  std::span<const uint32_t> rows() const { return rows_; }
  eval::Traces traces() const { return {rows_, std::span(&end_, 1), std::span(&duration_, 1)}; }

  // Counts its spans and writes that into `trace`.
  Result<void> count_services(FoundTrace& trace);
  // Appends ascending rows to `out`.
  Result<void> copy(std::span<const uint32_t> rows, model::SpanBatch& out);

 private:
  GiantTrace(const store::Snapshot& snapshot, TraceParts parts) : parts_(snapshot, std::move(parts)) {}

  PlacedParts parts_;
  TraceSkeleton skeleton_;
  std::unique_ptr<TraceView> view_;
  model::TraceSummary summary_;
  std::vector<uint32_t> rows_;
  uint32_t end_ = 0;
  uint64_t duration_ = 0;
};

}  // namespace clew::scan
