// SPDX-License-Identifier: Apache-2.0
//
// scan::HeadRollup is what the heads of one tenant amount to, beside the roll-ups of what is sealed: their spans, and
// the calls of each trace as it now is less those of its parts in blocks. It is kept from question to question, so that
// one costs what has come since the last one.
//
//   HeadRollup heads(budget);
//   TRY(heads.use(snapshot, stop, [&](const rollup::Rollup& rollup, bool complete) { … }));
//
// What it has counted stays valid as long as the heads stay the same or new ones are added; after a seal it begins
// anew, which costs little, because the heads are then small. It does not keep heads alive.
//
// Not complete: `stop` said so, a part in a block could not be read, or a trace has more than kTraceRowsMax rows, which
// would hold up the writer of its head for too long; its calls count from its seal on.
// Threads: any; one at a time is served.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "model/identity.h"
#include "model/trace_tree.h"
#include "rollup/edges.h"
#include "rollup/red_writer.h"
#include "rollup/rollup.h"
#include "store/snapshot.h"

namespace clew::scan {

class HeadRollup {
 public:
  // Rows of a trace in one head.
  static constexpr size_t kTraceRowsMax = 50'000;

  // Memory is of the query share of `budget`, which must outlive this.
  explicit HeadRollup(MemoryBudget& budget) : memory_(budget, Share::Query) {}

  using Use = std::function<void(const rollup::Rollup& rollup, bool complete)>;
  // Counts what `snapshot` has and this not yet, and calls use(). What came behind an older snapshot than the last may
  // be counted as well. Unavailable: the query share of the budget is spent.
  Result<void> use(const store::Snapshot& snapshot, const std::function<bool()>& stop, const Use& use);

 private:
  // A head, as far as it is counted.
  struct Counted {
    std::weak_ptr<const store::Head> head;
    uint32_t rows = 0;
    std::unique_ptr<rollup::RedWriter> red;
    std::unique_ptr<rollup::EdgeFinder> edges;
  };
  // Where traces are joined whose parts lie apart.
  struct Joined {
    explicit Joined(rollup::Rollup& rollup) : red(rollup, spans), edges(spans) {}
    model::SpanBatch spans;
    model::TraceMerger merger;
    rollup::RedWriter red;
    rollup::EdgeFinder edges;
  };
  // The rows that are counted with a step: of head `head` those before `end`, of all others as many as were before.
  struct Step {
    const store::Snapshot& snapshot;
    size_t head = 0;
    uint32_t end = 0;
  };

  bool is_of(const store::Snapshot& snapshot) const;
  void begin_anew();
  void add_heads(const store::Snapshot& snapshot);
  void count(const Step& step);
  std::vector<model::TraceId> touched(const Step& step) const;
  void count_lone(const Step& step, std::span<const model::TraceId> ids);
  void count_lone(const Step& step, const store::HeadSlice& slice, const model::TraceId& id);
  void count_shared(const Step& step, const model::TraceId& id);
  UnixNanos join_blocks(const store::Snapshot& snapshot, const model::TraceId& id);
  UnixNanos join_head(const Step& step, size_t head, uint32_t begin, uint32_t end, const model::TraceId& id,
                      rollup::RedWriter* red);
  void count_edges(rollup::EdgeFinder& finder, const model::SpanBatch& spans, std::span<const uint32_t> rows,
                   UnixNanos first_arrival, rollup::Sign sign);
  Result<void> account();

  std::mutex mutex_;  // guards everything below
  Reservation memory_;
  rollup::Rollup rollup_;
  std::vector<Counted> counted_;  // by head
  std::unique_ptr<Joined> joined_;
  bool complete_ = true;

  // Scratch.
  std::vector<uint32_t> rows_;
  std::vector<model::SpanLink> links_;
  std::vector<uint32_t> parents_;
  model::ParentResolver resolver_;
};

}  // namespace clew::scan
