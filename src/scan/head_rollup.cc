// SPDX-License-Identifier: Apache-2.0
//
// Heads are counted in steps of some rows. After each step all is as if the snapshot ended there, so that a question
// which has to stop loses nothing.
//
// A trace whose only part lies in one head is counted where it lies, under the head's lock. One with several parts is
// joined first, in the order in which they came, so that a span that lies in two parts is counted once: blocks, what
// had been counted of the heads, and the rows of this step. The edges of the whole less those before the step are the
// step's.
#include "scan/head_rollup.h"

#include <algorithm>

#include "model/trace_summary.h"

namespace clew::scan {
namespace {

constexpr uint32_t kStepRows = 4096;
// Rows that are looked at under one hold of a head's lock.
constexpr size_t kSliceRows = 4096;
// Rows of joined traces that are kept, so that their tables are used again.
constexpr size_t kJoinedRows = 20'000;

template <class T>
bool is_same(const std::weak_ptr<T>& a, const std::weak_ptr<T>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

// Appends the spans of a block's part of a trace. Its first arrival; nothing if the block has no part.
Result<std::optional<UnixNanos>> append_part(const store::StoredBlock& stored, const model::TraceId& id,
                                             model::SpanBatch& into) {
  const std::shared_ptr<const block::Block>& block = stored.shared_block();
  if (!block->may_hold(id)) return std::optional<UnixNanos>();
  const std::optional<block::TracePlace> place = TRY(block->find(id));
  if (!place) return std::optional<UnixNanos>();
  block::RowCopier copier(block, into);
  std::vector<uint32_t> rows;
  UnixNanos first_arrival = UINT64_MAX;
  uint32_t from = place->first_row;
  uint32_t left = place->row_count;
  for (uint32_t index = place->row_group; left > 0; ++index) {
    block::RowGroup group = TRY(block->row_group(index));
    for (const block::TraceRows& trace : TRY(group.traces()))
      if (trace.summary.id == id) first_arrival = trace.summary.first_arrival;
    rows.clear();
    for (; left > 0 && from < group.row_count(); --left) rows.push_back(from++);
    TRY(copier.append(group, rows));
    from = 0;
  }
  return std::optional(first_arrival);
}

}  // namespace

Result<void> HeadRollup::use(const store::Snapshot& snapshot, const std::function<bool()>& stop, const Use& use) {
  const std::lock_guard lock(mutex_);
  if (!is_of(snapshot)) begin_anew();
  add_heads(snapshot);
  bool stopped = false;
  for (size_t head = 0; head < snapshot.heads.size() && !stopped; ++head) {
    const uint32_t rows = snapshot.heads[head].row_count();
    while (counted_[head].rows < rows && !stopped) {
      const uint32_t end = counted_[head].rows + std::min(kStepRows, rows - counted_[head].rows);
      count({snapshot, head, end});
      counted_[head].rows = end;
      TRY(account());
      stopped = stop && stop();
    }
  }
  use(rollup_, complete_ && !stopped && !rollup_.overflowed());
  return {};
}

// Are the heads that are counted still the oldest ones of the snapshot?
bool HeadRollup::is_of(const store::Snapshot& snapshot) const {
  if (counted_.size() > snapshot.heads.size()) return false;
  for (size_t i = 0; i < counted_.size(); ++i)
    if (!is_same(counted_[i].head, snapshot.heads[i].head())) return false;
  return true;
}

void HeadRollup::begin_anew() {
  counted_.clear();
  joined_.reset();
  rollup_ = rollup::Rollup();
  memory_.reset();
  complete_ = true;
}

void HeadRollup::add_heads(const store::Snapshot& snapshot) {
  for (size_t i = counted_.size(); i < snapshot.heads.size(); ++i) {
    // Used only while a snapshot keeps the head.
    const model::SpanBatch& spans = snapshot.heads[i].slice().spans();
    counted_.push_back({.head = snapshot.heads[i].head(),
                        .rows = 0,
                        .red = std::make_unique<rollup::RedWriter>(rollup_, spans),
                        .edges = std::make_unique<rollup::EdgeFinder>(spans)});
  }
}

void HeadRollup::count(const Step& step) {
  std::vector<model::TraceId> ids = touched(step);
  const auto shared =
      std::ranges::partition(ids, [&](const model::TraceId& id) { return !step.snapshot.is_shared(id); });
  count_lone(step, std::span(ids.begin(), shared.begin()));
  for (const model::TraceId& id : shared) count_shared(step, id);
}

std::vector<model::TraceId> HeadRollup::touched(const Step& step) const {
  std::vector<model::TraceId> ids;
  {
    const store::HeadSlice slice = step.snapshot.heads[step.head].slice();
    for (uint32_t row = counted_[step.head].rows; row < step.end; ++row) ids.push_back(slice.spans().trace_id[row]);
  }
  std::ranges::sort(ids);
  const auto rest = std::ranges::unique(ids);
  ids.erase(rest.begin(), rest.end());
  return ids;
}

void HeadRollup::count_lone(const Step& step, std::span<const model::TraceId> ids) {
  for (size_t next = 0; next < ids.size();) {
    const store::HeadSlice slice = step.snapshot.heads[step.head].slice();
    for (size_t looked_at = 0; next < ids.size() && looked_at < kSliceRows; ++next) {
      count_lone(step, slice, ids[next]);
      looked_at += rows_.size();
    }
  }
}

void HeadRollup::count_lone(const Step& step, const store::HeadSlice& slice, const model::TraceId& id) {
  const std::optional<uint32_t> trace = slice.find(id);
  rows_.clear();
  if (!trace) return;
  slice.append_rows(*trace, rows_);
  const Counted& counted = counted_[step.head];
  const auto position = [&](uint32_t row) {
    return static_cast<size_t>(std::ranges::lower_bound(rows_, row) - rows_.begin());
  };
  rows_.resize(position(step.end));
  const size_t before = position(counted.rows);
  const model::SpanBatch& spans = slice.spans();
  const UnixNanos first_arrival = slice.arrival(rows_.front());
  for (const uint32_t row : std::span(rows_).subspan(before)) {
    // Sane by the first arrival is sane by any later one.
    const bool sane = model::is_sane(spans.start[row], first_arrival);
    counted.red->add(row, row + 1, sane ? first_arrival : slice.arrival(row));
  }
  if (rows_.size() > kTraceRowsMax) {
    complete_ = false;
    return;
  }
  count_edges(*counted.edges, spans, std::span(rows_).first(before), first_arrival, rollup::Sign::Remove);
  count_edges(*counted.edges, spans, rows_, first_arrival, rollup::Sign::Add);
}

void HeadRollup::count_shared(const Step& step, const model::TraceId& id) {
  if (!joined_ || joined_->spans.span_count() > kJoinedRows) joined_ = std::make_unique<Joined>(rollup_);
  Joined& joined = *joined_;
  joined.merger.start(joined.spans);
  UnixNanos arrival_before = join_blocks(step.snapshot, id);
  for (size_t head = 0; head < step.snapshot.heads.size(); ++head)
    arrival_before = std::min(arrival_before, join_head(step, head, 0, counted_[head].rows, id, nullptr));
  const size_t before = joined.merger.rows().size();
  const UnixNanos arrival =
      std::min(arrival_before, join_head(step, step.head, counted_[step.head].rows, step.end, id, &joined.red));
  const std::vector<uint32_t> rows(joined.merger.rows().begin(), joined.merger.rows().end());
  if (rows.size() > kTraceRowsMax) {
    complete_ = false;
    return;
  }
  if (rows.size() == before) return;
  count_edges(joined.edges, joined.spans, std::span(rows).first(before), arrival_before, rollup::Sign::Remove);
  count_edges(joined.edges, joined.spans, rows, arrival, rollup::Sign::Add);
}

// The first arrival of all parts in blocks, UINT64_MAX without any.
UnixNanos HeadRollup::join_blocks(const store::Snapshot& snapshot, const model::TraceId& id) {
  UnixNanos first_arrival = UINT64_MAX;
  for (const std::shared_ptr<const store::StoredBlock>& stored : snapshot.blocks) {
    model::SpanBatch part;
    const Result<std::optional<UnixNanos>> arrival = append_part(*stored, id, part);
    if (!arrival.ok()) complete_ = false;
    if (!arrival.ok() || !*arrival) continue;
    rows_.resize(part.span_count());
    for (uint32_t row = 0; row < rows_.size(); ++row) rows_[row] = row;
    joined_->merger.add(part, rows_);
    first_arrival = std::min(first_arrival, **arrival);
  }
  return first_arrival;
}

// Joins the trace's rows [begin, end) of a head; what is new is counted by `red`, if that is given. The first arrival
// of them, UINT64_MAX without any.
UnixNanos HeadRollup::join_head(const Step& step, size_t head, uint32_t begin, uint32_t end, const model::TraceId& id,
                                rollup::RedWriter* red) {
  UnixNanos first_arrival = UINT64_MAX;
  rows_.clear();
  {
    const store::HeadSlice slice = step.snapshot.heads[head].slice();
    const std::optional<uint32_t> trace = slice.find(id);
    if (trace) slice.append_rows(*trace, rows_);
  }
  std::erase_if(rows_, [&](uint32_t row) { return row < begin || row >= end; });
  if (rows_.size() > kTraceRowsMax) {
    complete_ = false;
    rows_.resize(kTraceRowsMax);
  }
  model::TraceMerger& merger = joined_->merger;
  for (size_t at = 0; at < rows_.size();) {
    const store::HeadSlice slice = step.snapshot.heads[head].slice();
    for (size_t last = std::min(rows_.size(), at + kSliceRows); at < last; ++at) {
      const UnixNanos arrival = slice.arrival(rows_[at]);
      const size_t known = merger.rows().size();
      merger.add(slice.spans(), std::span(rows_).subspan(at, 1));
      if (merger.rows().size() == known) continue;
      first_arrival = std::min(first_arrival, arrival);
      if (red != nullptr) red->add(merger.rows().subspan(known), arrival);
    }
  }
  return first_arrival;
}

void HeadRollup::count_edges(rollup::EdgeFinder& finder, const model::SpanBatch& spans, std::span<const uint32_t> rows,
                             UnixNanos first_arrival, rollup::Sign sign) {
  if (rows.empty()) return;
  links_.clear();
  for (const uint32_t row : rows) links_.push_back(model::link_of(spans, row));
  parents_.resize(rows.size());
  resolver_.resolve(links_, parents_);
  finder.add_to(rollup_, {rows, parents_, resolver_.topdown(), first_arrival}, sign);
}

Result<void> HeadRollup::account() {
  uint64_t bytes = rollup_.memory_bytes() + (joined_ ? joined_->spans.memory_bytes() : 0);
  for (const Counted& counted : counted_) bytes += counted.red->memory_bytes();
  memory_.shrink_to(bytes);
  if (bytes <= memory_.bytes() || memory_.grow(bytes - memory_.bytes())) return {};
  begin_anew();
  return Error{Code::Unavailable, "the memory for queries is spent; try again later"};
}

}  // namespace clew::scan
