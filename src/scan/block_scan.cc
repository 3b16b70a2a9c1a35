// SPDX-License-Identifier: Apache-2.0
//
// A row group is read in the order of what its columns cost and tell: those that the leaves speak of, the tree, and
// only of traces that may match ids and times. A giant trace has row groups of its own; it is looked at when its first
// one comes up, all of them together.
#include "scan/block_scan.h"

#include <algorithm>
#include <numeric>

#include "scan/trace_parts.h"

namespace clew::scan {
namespace {

// Pages of a row group that are decoded at a time, and the view's own memory beside what the evaluator reckons.
constexpr uint64_t kPagesBytes = 3 << 20;
// The rows that may pass a leaf.
constexpr uint64_t kLeafBytes = block::kRowGroupRowsMax / 8;
// Row numbers and the like.
constexpr uint64_t kBytesPerListedRow = 12;
// What a span that is shown takes while its row group is copied from.
constexpr uint64_t kBytesPerShownSpan = 2048;

}  // namespace

BlockScan::BlockScan(const store::Snapshot& snapshot, uint32_t block, const Leaves& leaves, Newest& newest,
                     SharedTraces& shared)
    : snapshot_(snapshot),
      index_(block),
      block_(snapshot.blocks[block]->shared_block()),
      leaves_(leaves),
      newest_(newest),
      shared_(shared),
      pace_([this] { return !newest_.should_stop(); }) {}

Result<void> BlockScan::bind(const query::Query& query, MemoryBudget& budget) {
  memory_ = Reservation(budget, Share::Query);
  tables_ = TRY(block_->tables());
  view_.emplace(block_, tables_);
  for (uint32_t leaf = 0; leaf < leaves_.count(); ++leaf) {
    prefilters_.push_back(TRY(Prefilter::compile(leaves_.condition(leaf), *block_, tables_)));
    if (!prefilters_.back().is_never()) possible_ |= uint64_t{1} << leaf;
    if (prefilters_.back().is_always()) everywhere_ |= uint64_t{1} << leaf;
  }
  rows_.resize(leaves_.count());
  may_match_alone_ = leaves_.may_match(possible_);
  if (!may_match_alone_ && !shared_.any()) possible_ = 0;
  if (is_useless()) return {};
  joins_.emplace(query);
  evaluator_.emplace(TRY(eval::Evaluator::bind(query, *view_)));
  bytes_per_row_ =
      std::max(evaluator_->bytes_per_row(), eval::TraceFacts::parent_bytes_per_row(*view_)) + kBytesPerListedRow;
  const uint64_t sets_bytes = joins_->memory_bytes(block::kRowGroupRowsMax) + leaves_.count() * kLeafBytes;
  if (!memory_.grow(evaluator_->fixed_bytes() + kPagesBytes + sets_bytes) || !reserve_rows(2 * kSliceRows)) {
    return Error(Code::Unavailable, "the memory for queries is spent; try again");
  }
  return {};
}

bool BlockScan::reserve_rows(uint64_t rows) {
  if (rows <= reserved_rows_) return true;
  if (!memory_.grow((rows - reserved_rows_) * bytes_per_row_)) return false;
  reserved_rows_ = rows;
  return true;
}

void BlockScan::damaged(const Error& error) {
  newest_.note("block " + std::to_string(snapshot_.blocks[index_]->entry().id) + ": " + error.what());
}

void BlockScan::run(uint32_t row_group) {
  const Result<void> done = look_at(row_group);
  if (!done.ok()) damaged(done.error());
}

Result<void> BlockScan::look_at(uint32_t row_group) {
  block::RowGroup group = TRY(block_->row_group(row_group));
  if (group.facts().trace_count == 1) {
    const block::TraceRows& trace = TRY(group.traces())[0];
    if (newest_.is_late(model::order_key(trace.summary))) return {};
    const bool in_pieces = trace.summary.span_count > trace.row_count;
    if (in_pieces) return trace.first_position == 0 ? look_at_giant(row_group) : Result<void>();
  }
  if (!TRY(select(group, Holds::Traces))) return {};
  TRY(sort_out(group));
  return evaluate(row_group, group);
}

// Fills rows_. False: no trace here can have enough leaves.
Result<bool> BlockScan::select(block::RowGroup& group, Holds holds) {
  const bool all_are_whole = holds == Holds::Traces && !shared_.any();
  some_ = everywhere_;
  uint64_t hoped_for = possible_;
  for (uint32_t leaf = 0; leaf < leaves_.count(); ++leaf) {
    const uint64_t bit = uint64_t{1} << leaf;
    const bool known = (possible_ & bit) == 0 || (everywhere_ & bit) != 0;
    rows_[leaf].reset(group.row_count(), (everywhere_ & bit) != 0);
    if (known) continue;
    TRY(prefilters_[leaf].select(group, rows_[leaf]));
    if (rows_[leaf].any()) {
      some_ |= bit;
    } else {
      hoped_for &= ~bit;
      if (all_are_whole && !leaves_.may_match(hoped_for)) return false;
    }
  }
  return some_ != 0;
}

uint64_t BlockScan::leaves_in(uint32_t first_row, uint32_t row_count) const {
  uint64_t leaves = everywhere_;
  for (uint64_t left = some_ & ~everywhere_; left != 0; left &= left - 1) {
    const int leaf = std::countr_zero(left);
    if (rows_[static_cast<size_t>(leaf)].any_in(first_row, row_count)) leaves |= uint64_t{1} << leaf;
  }
  return leaves;
}

// The rows of traces and, if the query asks for it, their trees.
Result<TreeRows> BlockScan::tree_of(block::RowGroup& group) const {
  TreeRows rows{TRY(group.rows(block::kTraceRows)), {}};
  if (joins_->needs_tree()) rows.deltas = TRY(group.rows(block::kParentDelta));
  uint32_t left = group.row_count();
  for (const uint32_t count : rows.counts) {
    if (count > left) return Error(Code::DataLoss, "rows of a trace");
    left -= count;
  }
  return rows;
}

// Fills suspects_.
Result<void> BlockScan::find_suspects(block::RowGroup& group) {
  suspects_.clear();
  const TreeRows traces = TRY(tree_of(group));
  const RowBits* chosen = nullptr;
  if (may_match_alone_ && leaves_.may_match(some_)) chosen = &joins_->choose(traces, rows_);
  if (!shared_.any() && (chosen == nullptr || !chosen->any())) return {};
  uint32_t first_row = 0;
  for (uint32_t i = 0; i < traces.counts.size(); first_row += traces.counts[i++]) {
    const bool alone = chosen != nullptr && chosen->any_in(first_row, traces.counts[i]);
    const uint64_t leaves = shared_.any() ? leaves_in(first_row, traces.counts[i]) : 0;
    if (alone || leaves != 0) suspects_.push_back({i, alone, leaves});
  }
  return {};
}

// Fills candidates_, newest first. What is known of traces is read only if one may match; of those that lie in pieces
// the id is enough, as none has an order time above the row group's.
Result<void> BlockScan::sort_out(block::RowGroup& group) {
  candidates_.clear();
  TRY(find_suspects(group));
  if (suspects_.empty()) return {};
  if (shared_.any()) {
    const std::span<const uint64_t> high = TRY(group.ints(block::kTraceIdHigh));
    const std::span<const uint64_t> low = TRY(group.ints(block::kTraceIdLow));
    std::erase_if(suspects_, [&](const Suspect& suspect) {
      const model::TraceId id{high[suspect.trace], low[suspect.trace]};
      const bool is_shared = shared_.is_shared(id);
      if (is_shared) shared_.see(id, suspect.leaves, group.facts().newest_order_time);
      return is_shared || !suspect.alone;
    });
  }
  if (suspects_.empty()) return {};
  const std::span<const block::TraceRows> traces = TRY(group.traces());
  for (const Suspect& suspect : suspects_) {
    const block::TraceRows& trace = traces[suspect.trace];
    if (!newest_.in_range(trace.summary) || !newest_.may_enter(model::order_key(trace.summary))) continue;
    candidates_.push_back({trace.summary, trace.first_row, trace.row_count});
  }
  std::ranges::sort(candidates_, [](const Candidate& a, const Candidate& b) {
    return model::order_key(a.summary) > model::order_key(b.summary);
  });
  return {};
}

Result<void> BlockScan::evaluate(uint32_t row_group, block::RowGroup& group) {
  view_->move_to(group);
  for (size_t begin = 0; begin < candidates_.size() && !newest_.should_stop();) {
    if (newest_.is_late(model::order_key(candidates_[begin].summary))) return {};
    uint64_t rows = candidates_[begin].row_count;
    size_t end = begin + 1;
    while (end < candidates_.size() && rows + candidates_[end].row_count <= kSliceRows) {
      rows += candidates_[end++].row_count;
    }
    const auto some = std::span(candidates_).subspan(begin, end - begin);
    if (reserve_rows(rows)) {
      TRY(evaluate_some(row_group, some));
    } else {
      newest_.note("the trace " + some[0].summary.id.hex() + " has " + std::to_string(rows) +
                   " spans, more than the memory for queries allows to look at");
    }
    begin = end;
  }
  return {};
}

Result<void> BlockScan::evaluate_some(uint32_t row_group, std::span<const Candidate> some) {
  chunk_rows_.clear();
  chunk_ends_.clear();
  chunk_durations_.clear();
  for (const Candidate& each : some) {
    for (uint32_t i = 0; i < each.row_count; ++i) chunk_rows_.push_back(each.first_row + i);
    chunk_ends_.push_back(static_cast<uint32_t>(chunk_rows_.size()));
    chunk_durations_.push_back(each.summary.end - each.summary.start);
  }
  const eval::Traces traces{chunk_rows_, chunk_ends_, chunk_durations_};
  const bool done = evaluator_->run(traces, matches_, &pace_);
  if (view_->error()) return *view_->error();
  if (evaluator_->gave_up()) newest_.note(kTooManyValues);
  if (!done) return {};
  newest_.traces_inspected += traces.count();
  newest_.spans_inspected += traces.rows.size();
  if (newest_.visitor() != nullptr) {
    for (uint32_t& position : matches_.positions) position = chunk_rows_[position];
    newest_.visitor()->in_block(index_, row_group, matches_.positions);
    return {};
  }
  for (uint32_t i = 0; i < traces.count(); ++i) {
    if (!matches_.of(i).empty()) keep(row_group, some[i], matches_.of(i), traces.begin(i));
  }
  return view_->error() ? Result<void>(*view_->error()) : Result<void>();
}

void BlockScan::keep(uint32_t row_group, const Candidate& candidate, std::span<const uint32_t> positions,
                     uint32_t first_position) {
  Found found;
  found.key = model::order_key(candidate.summary);
  if (!newest_.may_enter(found.key)) return;
  found.source = Source::Block;
  found.index = index_;
  found.row_group = row_group;
  found.first_row = candidate.first_row;
  found.summary = candidate.summary;
  found.matched_count = static_cast<uint32_t>(positions.size());
  if (newest_.options().spans_per_trace > 0) {
    found.shown = first_shown(*view_, chunk_rows_, positions, newest_.options().spans_per_trace);
    for (uint32_t& position : found.shown) position -= first_position;
  }
  if (!view_->error()) newest_.enter(std::move(found));
}

// Row groups that hold the giant trace that begins with `row_group`.
Result<uint32_t> BlockScan::segments_of(uint32_t row_group, uint32_t row_count) const {
  uint64_t rows = 0;
  uint32_t count = 0;
  for (; rows < row_count; ++count) {
    if (row_group + count >= block_->row_groups().size()) return Error(Code::DataLoss, "a giant trace has no end");
    rows += block_->row_groups()[row_group + count].row_count;
  }
  return count;
}

Result<void> BlockScan::look_at_giant(uint32_t row_group) {
  model::TraceSummary summary;
  uint64_t leaves = 0;
  uint32_t segments = 1;
  for (uint32_t i = 0; i < segments; ++i) {
    if (newest_.should_stop()) return {};
    block::RowGroup group = TRY(block_->row_group(row_group + i));
    if (i == 0) {
      summary = TRY(group.traces())[0].summary;
      segments = TRY(segments_of(row_group, summary.span_count));
    }
    if (TRY(select(group, Holds::Segment))) leaves |= some_;
    if ((leaves & possible_) == possible_) break;
  }
  const model::OrderKey key = model::order_key(summary);
  if (leaves == 0) return {};
  if (shared_.is_shared(summary.id)) {
    shared_.see(summary.id, leaves, key.time);
    return {};
  }
  if (!leaves_.may_match(leaves) || !newest_.in_range(summary) || !newest_.may_enter(key)) return {};
  if (!reserve_rows(summary.span_count)) {
    newest_.note("the trace " + summary.id.hex() + " has " + std::to_string(summary.span_count) +
                 " spans, more than the memory for queries allows to look at");
    return {};
  }
  view_->move_to_giant(row_group, segments);
  const Candidate whole{summary, 0, summary.span_count};
  return evaluate_some(row_group, std::span(&whole, 1));
}

// Services and root, and whatever `visit` does.
Result<void> BlockScan::describe_one(const Found& found, const Visit& visit, FoundTrace& trace) {
  ServiceCounts services;
  const auto count = [&](block::RowGroup& group, std::span<const uint32_t> rows) -> Result<void> {
    const std::span<const uint32_t> templates = TRY(group.rows(block::kTemplate));
    const std::span<const uint32_t> resources = TRY(group.rows(block::kResource));
    for (const uint32_t row : rows) {
      services.add(tables_->batch.resources[resources[row]].service_name,
                   tables_->templates[templates[row]].status_code);
    }
    return visit(group, rows);
  };
  if (!reserve_rows(found.summary.span_count)) return Error(Code::Unavailable, "a trace is too large to be described");
  std::vector<uint32_t> rows(found.summary.span_count);
  std::iota(rows.begin(), rows.end(), found.first_row);
  const uint32_t segments = TRY(segments_of(found.row_group, found.first_row + found.summary.span_count));
  if (segments > 1) {
    TraceParts part;
    part.blocks.push_back({index_, {found.row_group, found.first_row, found.summary.span_count, 0}});
    part.rows = found.summary.span_count;
    PlacedParts placed(snapshot_, std::move(part));
    TRY(placed.for_each_run(rows, [&](const PlacedParts::Run& run) -> Result<bool> {
      TRY(count(*run.group, run.rows));
      return true;
    }));
    view_->move_to_giant(found.row_group, segments);
  } else {
    if (!group_ || group_index_ != found.row_group) group_.emplace(TRY(block_->row_group(found.row_group)));
    group_index_ = found.row_group;
    TRY(count(*group_, rows));
    view_->move_to(*group_);
  }
  services.move_to(tables_->batch.strings, trace);
  read_root(*view_, rows, nullptr, trace);
  return view_->error() ? Result<void>(*view_->error()) : Result<void>();
}

void BlockScan::describe(std::span<const Found* const> found, const std::function<void(const Found&, FoundTrace)>& told,
                         SearchAnswer& answer) {
  std::vector<const Found*> in_order(found.begin(), found.end());
  std::ranges::sort(in_order, {}, [](const Found* each) { return std::pair(each->row_group, each->first_row); });
  std::optional<model::SpanBatch> copies;  // of one copier, which keeps what it has translated
  std::optional<block::RowCopier> copier;
  Reservation memory(newest_.budget(), Share::Query);
  for (const Found* each : in_order) {
    if (!copies || copies->span_count() > kSliceRows) {
      copier.reset();
      copies.emplace();
      memory.reset();
      copier.emplace(block_, *copies);
    }
    FoundTrace trace = facts_of(*each);
    std::vector<uint32_t> places = each->shown;
    if (!memory.grow(places.size() * kBytesPerShownSpan)) {
      newest_.note("the spans to show take more than the memory for queries");
      places.clear();
    }
    std::ranges::sort(places);
    const auto first_copy = static_cast<uint32_t>(copies->span_count());
    uint32_t position = 0;
    size_t next = 0;
    const auto copy = [&](block::RowGroup& group, std::span<const uint32_t> rows) -> Result<void> {
      std::vector<uint32_t> wanted;
      const auto end = static_cast<uint32_t>(position + rows.size());
      for (; next < places.size() && places[next] < end; ++next) wanted.push_back(rows[places[next] - position]);
      position = end;
      return wanted.empty() ? Result<void>() : copier->append(group, wanted);
    };
    const Result<void> done = describe_one(*each, copy, trace);
    if (!done.ok()) {
      damaged(done.error());
      copies.reset();  // it may hold half a span
      continue;
    }
    std::vector<uint32_t> copied(copies->span_count() - first_copy);
    std::iota(copied.begin(), copied.end(), first_copy);
    append_shown(*copies, std::move(copied), newest_.options().spans_per_trace, answer, trace);
    told(*each, std::move(trace));
  }
  group_.reset();
}

}  // namespace clew::scan
