// SPDX-License-Identifier: Apache-2.0
//
// BlockScan looks for the newest matching traces in one block, a row group at a time. For each leaf of the query a
// prefilter says which rows may pass it, and RowJoins which the query may choose then; only traces with such rows are
// evaluated, newest first. Of traces with parts elsewhere it tells SharedTraces which leaves have spans here.
//
//   BlockScan scan(…);
//   TRY(scan.bind(query, budget));
//   if (!scan.is_useless()) scan.run(row_group);
//
// What cannot be read makes the answer partial. Threads: one.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "eval/evaluate.h"
#include "scan/block_view.h"
#include "scan/describe.h"
#include "scan/leaves.h"
#include "scan/newest.h"
#include "scan/prefilter.h"
#include "scan/row_joins.h"
#include "scan/shared_traces.h"
#include "store/snapshot.h"

namespace clew::scan {

class BlockScan {
 public:
  // All must outlive the scan.
  BlockScan(const store::Snapshot& snapshot, uint32_t block, const Leaves& leaves, Newest& newest,
            SharedTraces& shared);
  // Reads tables and dictionaries. Unavailable: no memory. DataLoss: they are damaged.
  Result<void> bind(const query::Query& query, MemoryBudget& budget);
  // No row group has anything to tell.
  bool is_useless() const { return possible_ == 0; }

  void run(uint32_t row_group);

  // Describes found traces of this block.
  void describe(std::span<const Found* const> found, const std::function<void(const Found&, FoundTrace)>& told,
                SearchAnswer& answer);

 private:
  // A trace of a row group that may match.
  struct Candidate {
    model::TraceSummary summary;
    uint32_t first_row;
    uint32_t row_count;
  };

  // A trace of a row group with leaves, by its number there.
  struct Suspect {
    uint32_t trace;
    bool alone;  // it may match by what lies here
    uint64_t leaves;
  };

  Result<void> look_at(uint32_t row_group);
  // What lies in a row group: traces, or a part of one.
  enum class Holds : uint8_t { Traces, Segment };
  Result<bool> select(block::RowGroup& group, Holds holds);
  Result<TreeRows> tree_of(block::RowGroup& group) const;
  Result<void> find_suspects(block::RowGroup& group);
  Result<void> sort_out(block::RowGroup& group);
  Result<void> look_at_giant(uint32_t row_group);
  Result<void> evaluate(uint32_t row_group, block::RowGroup& group);
  Result<void> evaluate_some(uint32_t row_group, std::span<const Candidate> some);
  void keep(uint32_t row_group, const Candidate& candidate, std::span<const uint32_t> positions,
            uint32_t first_position);
  uint64_t leaves_in(uint32_t first_row, uint32_t row_count) const;
  bool reserve_rows(uint64_t rows);
  Result<uint32_t> segments_of(uint32_t row_group, uint32_t row_count) const;
  void damaged(const Error& error);
  // The trace's row groups, given to `visit` with its rows in each.
  using Visit = std::function<Result<void>(block::RowGroup& group, std::span<const uint32_t> rows)>;
  Result<void> describe_one(const Found& found, const Visit& visit, FoundTrace& trace);

  const store::Snapshot& snapshot_;
  const uint32_t index_;
  const std::shared_ptr<const block::Block>& block_;
  const Leaves& leaves_;
  Newest& newest_;
  SharedTraces& shared_;
  eval::Pace pace_;
  Reservation memory_;
  uint64_t bytes_per_row_ = 0;
  uint64_t reserved_rows_ = 0;
  std::shared_ptr<const block::Tables> tables_;
  std::optional<BlockView> view_;
  std::optional<eval::Evaluator> evaluator_;
  std::vector<Prefilter> prefilters_;  // by leaf
  uint64_t possible_ = 0;              // leaves that rows of the block may pass
  std::optional<RowJoins> joins_;
  bool may_match_alone_ = false;  // a trace that lies here alone

  // Of the row group at hand.
  std::vector<RowBits> rows_;  // by leaf
  uint64_t everywhere_ = 0;    // leaves that all rows may pass
  uint64_t some_ = 0;          // leaves that some rows may pass
  std::vector<Suspect> suspects_;
  std::vector<Candidate> candidates_;
  eval::Matches matches_;
  std::vector<uint32_t> chunk_rows_;
  std::vector<uint32_t> chunk_ends_;
  std::vector<uint64_t> chunk_durations_;

  // While found traces are described: the row group of the last one.
  std::optional<block::RowGroup> group_;
  uint32_t group_index_ = 0;
};

}  // namespace clew::scan
