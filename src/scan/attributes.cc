// SPDX-License-Identifier: Apache-2.0
//
// A search without a limit shows what it finds, and a counter counts it. Rows of a block are gathered until those of
// another row group come, so that its pages are read once.
#include "scan/attributes.h"

#include <algorithm>
#include <optional>
#include <string>

#include "scan/name_counter.h"
#include "scan/value_counter.h"

namespace clew::scan {
namespace {

SearchOptions search_options(const AttributeOptions& options) {
  SearchOptions search;
  search.from = options.from;
  search.to = options.to;
  search.limit = 1;
  search.spans_per_trace = 0;
  search.join_rows_max = options.join_rows_max;
  search.cancelled = options.cancelled;
  search.clock = options.clock;
  search.deadline_nanos = options.deadline_nanos;
  return search;
}

template <class Counter>
class Gatherer {
 public:
  Gatherer(const store::Snapshot& snapshot, Counter& counter) : snapshot_(snapshot), counter_(counter) {}

  // Rows of `row_group` and, counted on, of those behind it.
  void add(uint32_t block, uint32_t row_group, std::span<const uint32_t> rows) {
    const std::span<const block::RowGroupFacts> groups = snapshot_.blocks[block]->block().row_groups();
    const auto is_here = [&](uint32_t row) { return row < groups[row_group].row_count; };
    if (std::ranges::all_of(rows, is_here)) return add_here(block, row_group, rows);
    uint32_t first = 0;
    std::vector<uint32_t> here;
    for (auto at = rows.begin(); at != rows.end() && row_group < groups.size(); ++row_group) {
      const uint32_t end = first + groups[row_group].row_count;
      here.clear();
      for (; at != rows.end() && *at < end; ++at) here.push_back(*at - first);  // they ascend
      if (!here.empty()) add_here(block, row_group, here);
      first = end;
    }
  }

  void flush() {
    if (rows_.empty()) return;
    const Result<void> done = count();
    if (!done.ok() && reason_.empty())
      reason_ = "block " + std::to_string(snapshot_.blocks[block_]->entry().id) + ": " + done.error().what();
    rows_.clear();
  }

  // Why something is missing; empty: nothing is.
  const std::string& reason() const { return reason_; }

 private:
  void add_here(uint32_t block, uint32_t row_group, std::span<const uint32_t> rows) {
    if (block != block_ || row_group != row_group_) flush();
    block_ = block;
    row_group_ = row_group;
    rows_.insert(rows_.end(), rows.begin(), rows.end());
  }

  Result<void> count() {
    const block::Block& block = snapshot_.blocks[block_]->block();
    const std::shared_ptr<const block::Tables> tables = TRY(block.tables());
    block::RowGroup group = TRY(block.row_group(row_group_));
    return counter_.add(BlockRows{block, *tables, group, rows_});
  }

  const store::Snapshot& snapshot_;
  Counter& counter_;
  uint32_t block_ = 0;
  uint32_t row_group_ = 0;
  std::vector<uint32_t> rows_;
  std::string reason_;
};

// What was looked at, and why something is missing.
template <class Counter>
Result<SearchAnswer> count_matches(const store::Snapshot& snapshot, const query::Query& query,
                                   const AttributeOptions& options, Counter& counter, MemoryBudget& budget) {
  Gatherer<Counter> gatherer(snapshot, counter);
  MatchVisitor visitor;
  visitor.in_block = [&](uint32_t block, uint32_t row_group, std::span<const uint32_t> rows) {
    if (!rows.empty()) gatherer.add(block, row_group, rows);
  };
  visitor.in_batch = [&](const model::SpanBatch& spans, std::span<const uint32_t> rows) { counter.add(spans, rows); };
  SearchAnswer work = TRY(visit_matches(snapshot, query, search_options(options), visitor, budget));
  gatherer.flush();
  if (work.partial_reason.empty()) work.partial_reason = gatherer.reason();
  if (work.partial_reason.empty() && counter.is_full())
    work.partial_reason = "there are more than an answer counts; what came last was left out";
  return work;
}

}  // namespace

Result<AttributeNames> attribute_names(const store::Snapshot& snapshot, const query::Query& query,
                                       const AttributeOptions& options, MemoryBudget& budget) {
  NameCounter counter(options, budget);
  SearchAnswer work = TRY(count_matches(snapshot, query, options, counter, budget));
  AttributeNames names;
  counter.move_to(names);
  names.work = std::move(work);
  return names;
}

Result<AttributeValues> attribute_values(const store::Snapshot& snapshot, const query::Query& query,
                                         const Wanted& wanted, const AttributeOptions& options, MemoryBudget& budget) {
  ValueCounter counter(wanted, options, budget);
  SearchAnswer work = TRY(count_matches(snapshot, query, options, counter, budget));
  AttributeValues values;
  counter.move_to(values);
  values.work = std::move(work);
  return values;
}

}  // namespace clew::scan
