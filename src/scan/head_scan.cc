// SPDX-License-Identifier: Apache-2.0
#include "scan/head_scan.h"

#include <algorithm>
#include <string>

namespace clew::scan {
namespace {

// Zones and traces that are passed over under one hold of the lock.
constexpr size_t kSkipsPerSlice = 16384;
// Of a row beside what the evaluator says: the row number, twice while a list grows.
constexpr uint64_t kBytesPerListedRow = 12;

}  // namespace

void HeadScan::Chunk::add(const store::HeadSlice& slice, uint32_t trace, const model::TraceSummary& summary) {
  traces.push_back(trace);
  summaries.push_back(summary);
  durations.push_back(summary.end - summary.start);
  slice.append_rows(trace, rows);
  ends.push_back(static_cast<uint32_t>(rows.size()));
}

void HeadScan::Chunk::clear() {
  traces.clear();
  summaries.clear();
  durations.clear();
  ends.clear();
  rows.clear();
}

HeadScan::HeadScan(const store::Snapshot& snapshot, uint32_t head, const Leaves& leaves, Newest& newest,
                   SharedTraces& shared)
    : head_(snapshot.heads[head]), index_(head), leaves_(leaves), newest_(newest), shared_(shared), pace_([this] {
        return renew_slice();
      }) {}

Result<void> HeadScan::bind(const query::Query& query, MemoryBudget& budget) {
  memory_ = Reservation(budget, Share::Query);
  slice_.emplace(head_.slice());
  view_.emplace(slice_->spans());
  evaluator_.emplace(TRY(eval::Evaluator::bind(query, *view_)));
  uint64_t fixed = evaluator_->fixed_bytes();
  bytes_per_row_ = evaluator_->bytes_per_row();
  if (shared_.any()) {
    for (uint32_t leaf = 0; leaf < leaves_.count(); ++leaf) {
      leaf_evaluators_.push_back(TRY(eval::Evaluator::bind(leaves_.local(leaf), *view_)));
      // Fields are the view's and counted already; patterns are each evaluator's own.
      fixed += leaf_evaluators_.back().fixed_bytes();
      bytes_per_row_ = std::max(bytes_per_row_, leaf_evaluators_.back().bytes_per_row());
    }
  }
  bytes_per_row_ = std::max(bytes_per_row_, eval::TraceFacts::kParentBytesPerRow) + kBytesPerListedRow;
  slice_.reset();
  if (!memory_.grow(fixed) || !reserve_rows(2 * kSliceRows)) {
    return Error(Code::Unavailable, "the memory for queries is spent; try again");
  }
  return {};
}

// Lets a waiting writer go first. The old lock has to be gone before a new one is asked for.
bool HeadScan::renew_slice() {
  slice_.reset();
  slice_.emplace(head_.slice());
  return !newest_.should_stop();
}

bool HeadScan::reserve_rows(uint64_t rows) {
  if (rows <= reserved_rows_) return true;
  if (!memory_.grow((rows - reserved_rows_) * bytes_per_row_)) return false;
  reserved_rows_ = rows;
  return true;
}

void HeadScan::run() {
  const auto never = [](const eval::Evaluator& evaluator) { return evaluator.finds_nothing(); };
  if (evaluator_->finds_nothing() && std::ranges::all_of(leaf_evaluators_, never)) return;
  size_t skips = 0;
  const uint32_t count = head_.trace_count();
  const uint32_t zones = (count + store::kZoneTraces - 1) / store::kZoneTraces;
  slice_.emplace(head_.slice());
  for (uint32_t zone = zones; zone-- > 0 && !newest_.stopped();) {
    if (skips >= kSkipsPerSlice) {
      skips = 0;
      if (!renew_slice()) break;
    }
    ++skips;
    if (newest_.is_late(slice_->newest_in_zone(zone))) continue;
    const uint32_t begin = zone * store::kZoneTraces;
    for (uint32_t trace = std::min(count, begin + store::kZoneTraces); trace-- > begin && !newest_.stopped();) {
      ++skips;
      consider(trace);
    }
  }
  evaluate_chunk();
  see_shared_chunk();
  slice_.reset();
}

void HeadScan::consider(uint32_t trace) {
  const model::TraceSummary summary = slice_->summary(trace);
  const model::OrderKey key = model::order_key(summary);
  if (newest_.is_late(key)) return;
  if (shared_.is_shared(summary.id)) return consider_shared(trace, summary);
  if (evaluator_->finds_nothing() || !newest_.in_range(summary) || !newest_.may_enter(key)) return;
  if (summary.span_count > newest_.options().join_rows_max) {  // wants less memory there
    return shared_.see(summary.id, leaves_.all(), summary.order_time);
  }
  if (summary.span_count > kSliceRows) {  // goes alone
    evaluate_chunk();
    if (newest_.stopped()) return;
    if (!reserve_rows(summary.span_count)) {
      newest_.note("the trace " + summary.id.hex() + " has " + std::to_string(summary.span_count) +
                   " spans, more than the memory for queries allows to look at");
      return;
    }
  }
  chunk_.add(*slice_, trace, summary);
  if (chunk_.rows.size() >= kSliceRows) evaluate_chunk();
}

void HeadScan::consider_shared(uint32_t trace, const model::TraceSummary& summary) {
  if (summary.span_count > kSliceRows) {  // too large to look at twice
    uint64_t leaves = 0;
    for (uint32_t leaf = 0; leaf < leaves_.count(); ++leaf) {
      leaves |= uint64_t{!leaf_evaluators_[leaf].finds_nothing()} << leaf;
    }
    return shared_.see(summary.id, leaves, summary.order_time);
  }
  shared_chunk_.add(*slice_, trace, summary);
  if (shared_chunk_.rows.size() >= kSliceRows) see_shared_chunk();
}

void HeadScan::see_shared_chunk() {
  if (shared_chunk_.traces.empty() || newest_.stopped()) return;
  std::vector<uint64_t> leaves(shared_chunk_.traces.size());
  for (uint32_t leaf = 0; leaf < leaves_.count(); ++leaf) {
    eval::Evaluator& evaluator = leaf_evaluators_[leaf];
    if (evaluator.finds_nothing()) continue;
    const bool done = evaluator.run(shared_chunk_.view(), matches_, &pace_);
    for (uint32_t i = 0; i < leaves.size(); ++i) {
      // A leaf that gave up on a span has said no, and nobody may.
      const bool there = !done || evaluator.gave_up() || !matches_.of(i).empty();
      leaves[i] |= uint64_t{there} << leaf;
    }
  }
  for (uint32_t i = 0; i < leaves.size(); ++i) {
    const model::TraceSummary& summary = shared_chunk_.summaries[i];
    if (leaves[i] != 0) shared_.see(summary.id, leaves[i], summary.order_time);
  }
  shared_chunk_.clear();
  slice_.reset();  // the joiner takes its own
  shared_.settle();
  renew_slice();
}

void HeadScan::evaluate_chunk() {
  if (chunk_.traces.empty()) return;
  const eval::Traces traces = chunk_.view();
  if (evaluator_->run(traces, matches_, &pace_)) {
    newest_.traces_inspected += traces.count();
    newest_.spans_inspected += traces.rows.size();
    if (newest_.visitor() != nullptr) show(matches_.positions);
    for (uint32_t i = 0; i < traces.count() && newest_.visitor() == nullptr; ++i) {
      const std::span<const uint32_t> positions = matches_.of(i);
      if (!positions.empty()) keep(i, positions);
    }
  }
  if (evaluator_->gave_up()) newest_.note(kTooManyValues);
  chunk_.clear();
  renew_slice();
}

// Some rows at a time, so that the head's lock is not held for long.
void HeadScan::show(std::span<const uint32_t> positions) {
  std::vector<uint32_t> rows;
  for (size_t at = 0; at < positions.size() && !newest_.stopped(); at += kSliceRows) {
    rows.clear();
    for (size_t i = at; i < std::min(at + kSliceRows, positions.size()); ++i) {
      rows.push_back(chunk_.rows[positions[i]]);
    }
    newest_.visitor()->in_batch(slice_->spans(), rows);
    renew_slice();
  }
}

void HeadScan::keep(uint32_t at, std::span<const uint32_t> positions) {
  Found found;
  found.key = model::order_key(chunk_.summaries[at]);
  if (!newest_.may_enter(found.key)) return;
  found.source = Source::Head;
  found.index = index_;
  found.trace = chunk_.traces[at];
  found.summary = chunk_.summaries[at];
  found.matched_count = static_cast<uint32_t>(positions.size());
  const model::SpanBatch& spans = slice_->spans();
  std::vector<uint32_t> rows;
  rows.reserve(positions.size());
  for (const uint32_t position : positions) rows.push_back(chunk_.rows[position]);
  found.shown = first_by_key(rows, newest_.options().spans_per_trace, [&](uint32_t row) {
    return ShownKey{spans.start[row], spans.span_id[row].value, model::is_server_half(spans.kind[row])};
  });
  newest_.enter(std::move(found));
}

// Runs also when the search has stopped: what was found is told in full.
FoundTrace HeadScan::describe(const Found& found, SearchAnswer& answer) {
  slice_.reset();
  slice_.emplace(head_.slice());
  FoundTrace trace = facts_of(found);
  append_shown(slice_->spans(), found.shown, newest_.options().spans_per_trace, answer, trace);

  chunk_.clear();
  slice_->append_rows(found.trace, chunk_.rows);
  ServiceCounts services;
  for (size_t i = 0; i < chunk_.rows.size(); ++i) {
    if (i % kSliceRows == kSliceRows - 1) {
      slice_.reset();
      slice_.emplace(head_.slice());
    }
    const model::SpanBatch& spans = slice_->spans();
    const uint32_t row = chunk_.rows[i];
    services.add(spans.resources[spans.resource[row]].service_name, spans.status_code[row]);
  }
  services.move_to(slice_->spans().strings, trace);
  read_root(*view_, chunk_.rows, &pace_, trace);
  slice_.reset();
  return trace;
}

}  // namespace clew::scan
