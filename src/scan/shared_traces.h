// SPDX-License-Identifier: Apache-2.0
//
// SharedTraces looks after the traces that have parts in several blocks and heads. The scans tell it what they saw of
// such a part; whether the whole trace matches is found out here, on the parts joined, or on the parts where they lie
// (giant_trace.h) if the trace has more than SearchOptions::join_rows_max. Giants that lie in one head come here, too.
//
//   shared.see(id, leaves, order_time);      // for each part: which leaves of the query have spans there
//   shared.settle();                         // now and then
//   shared.finish(range_prunes);             // when all parts that may count have been seen
//
// Threads: one.
#pragma once

#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "eval/evaluate.h"
#include "eval/trace_facts.h"
#include "scan/giant_trace.h"
#include "scan/join.h"
#include "scan/leaves.h"
#include "scan/newest.h"
#include "store/snapshot.h"

namespace clew::scan {

class SharedTraces {
 public:
  // All must outlive this.
  SharedTraces(const store::Snapshot& snapshot, const query::Query& query, const Leaves& leaves, Newest& newest,
               MemoryBudget& budget);

  // Does the snapshot have any?
  bool any() const { return any_; }
  bool is_shared(const model::TraceId& id) {
    if (!any_) return false;
    if (marks_.empty()) mark_all();
    const size_t bit = bit_of(id);
    return (marks_[bit / 64] >> (bit % 64) & 1) != 0 && snapshot_.is_shared(id);
  }

  void see(const model::TraceId& id, uint64_t leaves, UnixNanos order_time);
  // Evaluates traces that may match by what was seen, if enough of them wait.
  void settle();
  // However few they are.
  void settle_all() { evaluate(std::exchange(waiting_, {})); }
  // Evaluates all that may match. `range_prunes`: parts outside of the time range were not seen.
  void finish(bool range_prunes);
  // Describes found traces of Source::Shared, each with the one that it is about.
  void describe(std::span<const Found* const> found, const std::function<void(const Found&, FoundTrace)>& told,
                SearchAnswer& answer);

 private:
  struct Sight {
    uint64_t leaves = 0;
    UnixNanos order_time = UINT64_MAX;  // at least that of the whole trace
    bool waits_or_done = false;
  };

  void mark_all();
  size_t bit_of(const model::TraceId& id) const {
    return ((id.high ^ id.low) * 0x9E3779B97F4A7C15u >> 32) & (marks_.size() * 64 - 1);
  }
  void look_outside_range();
  bool may_lie_in_range(const model::TraceId& id, uint64_t& leaves_outside);
  void evaluate(std::vector<model::TraceId> ids);
  size_t evaluate_some(std::span<const model::TraceId> ids);
  void evaluate_giant(const model::TraceId& id, TraceParts parts);
  void show_giant(GiantTrace& giant, std::span<const uint32_t> positions);
  Result<void> describe_giant(const Found& found, TraceParts parts, SearchAnswer& answer, FoundTrace& trace);
  void choose(const eval::Traces& traces, std::span<const JoinedTrace> joined, const model::SpanBatch& batch,
              const eval::Matches& matches);

  const store::Snapshot& snapshot_;
  const query::Query& query_;
  const Leaves& leaves_;
  Newest& newest_;
  MemoryBudget& budget_;
  const bool any_;
  // A bit for each shared trace, by a hash: most traces are told apart without a look into the sets.
  std::vector<uint64_t> marks_;
  TraceJoiner joiner_;
  std::unordered_map<model::TraceId, Sight> sights_;
  std::vector<model::TraceId> waiting_;
  eval::Pace pace_;
};

}  // namespace clew::scan
