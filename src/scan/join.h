// SPDX-License-Identifier: Apache-2.0
//
// TraceJoiner finds the parts of small traces in the blocks and heads of a snapshot and makes whole traces of them,
// without duplicates, in a batch. Of several traces at once it reads each row group once. A large trace does not belong
// in memory: giant_scan.h.
//
//   TraceJoiner joiner(snapshot);
//   size_t taken = TRY(joiner.join(ids, rows_max, memory, batch, traces));   // ids[0, taken)
//
// Threads: one.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "model/identity.h"
#include "model/span_batch.h"
#include "scan/trace_parts.h"
#include "store/snapshot.h"

namespace clew::scan {

// A whole trace in a batch: rows [first_row, first_row + summary.span_count).
struct JoinedTrace {
  model::TraceSummary summary;
  uint32_t first_row = 0;
};

class TraceJoiner {
 public:
  // `snapshot` must outlive the joiner.
  explicit TraceJoiner(const store::Snapshot& snapshot) : snapshot_(snapshot) {}

  // Joins the first of `ids`: at least one, and then as many as have `rows_max` rows together; how many it took. Their
  // memory, about twice that of the result, is reserved from `memory`. `out` and `traces` are cleared first. A trace
  // that is nowhere has no spans. Unavailable: no room. DataLoss: a part cannot be read.
  Result<size_t> join(std::span<const model::TraceId> ids, uint64_t rows_max, Reservation& memory,
                      model::SpanBatch& out, std::vector<JoinedTrace>& traces);

 private:
  // A part that was copied from a block: rows of the block's batch.
  struct CopiedPart {
    uint32_t trace = 0;  // in `ids`
    uint32_t first_row = 0;
    model::TraceSummary summary;
  };

  Result<void> copy_from_block(uint32_t block, std::span<const TraceParts> parts, model::SpanBatch& out,
                               std::vector<CopiedPart>& copied) const;
  void add_from_head(const HeadPart& part, std::optional<model::TraceSummary>& summary);

  const store::Snapshot& snapshot_;
  model::TraceMerger merger_;
  std::vector<uint32_t> rows_;
};

}  // namespace clew::scan
