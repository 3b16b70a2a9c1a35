// SPDX-License-Identifier: Apache-2.0
//
// read_trace() gives a whole trace, wherever its parts lie: duplicates left out, the spans in the order of their tree
// (model/trace_tree.h: every span followed by what is below it, siblings by start), so that the answer is the same
// whether the trace lies in a head, in a block, or in pieces.
//
//   std::optional<ReadTrace> trace = TRY(scan::read_trace(snapshot, id, budget));
#pragma once

#include <optional>

#include "base/memory_budget.h"
#include "base/result.h"
#include "model/span_batch.h"
#include "store/snapshot.h"

namespace clew::scan {

// One trace, and the memory that it holds.
struct ReadTrace {
  model::SpanBatch spans;
  Reservation memory;  // of the query share
};

// Nothing if the snapshot does not hold the trace. Unavailable if the query share has no room for it; DataLoss if a
// part of it is damaged.
Result<std::optional<ReadTrace>> read_trace(const store::Snapshot& snapshot, const model::TraceId& id,
                                            MemoryBudget& budget);

}  // namespace clew::scan
