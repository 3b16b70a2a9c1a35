// SPDX-License-Identifier: Apache-2.0
//
// A row is found from its trace by a chain: the trace knows its first and last row, and next_row_ leads from one to the
// next. That costs 4 bytes a span and one write per append, whatever the trace's size. The tree of a trace is not kept:
// a query that needs it builds it for the traces that it looks at (model/trace_tree.h), because keeping parents would
// cost every span a hash look-up at ingest, and most spans are never asked about
// (docs/decision/0003-one-head-one-writer.md).
#include "store/head.h"

#include <algorithm>

#include "base/check.h"

namespace clew::store {
namespace {

constexpr uint32_t kNoTrace = UINT32_MAX;
constexpr size_t kFirstTraceSlots = 1024;

// Rows and slots have numbers of 32 bits, and keys are texts with numbers of 29 bits. What is left above these limits
// is more than a group of requests can bring.
constexpr size_t kRowsMax = UINT32_MAX - (size_t{1} << 28);
constexpr size_t kTextsMax = model::KeyType::kKeyMax - (size_t{1} << 28);

}  // namespace

void Head::append(const model::SpanBatch& spans, UnixNanos received) {
  if (spans.span_count() == 0) return;
  const std::lock_guard turn(turnstile_);
  const std::unique_lock lock(mutex_);
  const auto first_row = static_cast<uint32_t>(spans_.span_count());
  CHECK(spans.span_count() < kNoRow - first_row);
  arrivals_.push_back({first_row, received});
  spans_.append(spans);
  for (size_t row = first_row; row < spans_.span_count(); ++row) index_row(static_cast<uint32_t>(row), received);
}

void Head::index_row(uint32_t row, UnixNanos received) {
  next_row_.push_back(kNoRow);
  const uint32_t number = trace_of(spans_.trace_id[row], received);
  Trace& trace = traces_[number];
  if (trace.first_row == kNoRow) {
    trace.first_row = row;
  } else {
    next_row_[trace.last_row] = row;
  }
  trace.last_row = row;
  add_span(trace.summary, spans_.start[row], spans_.end[row], received);

  UnixNanos& newest = zone_newest_[number / kZoneTraces];
  // A trace's order time only falls, so the highest that any snapshot sees is the one after its first span.
  if (trace.first_row == row) newest = std::max(newest, trace.summary.order_time);
}

// The trace's number; a new one if it is not here yet.
uint32_t Head::trace_of(const model::TraceId& id, UnixNanos received) {
  if (const std::optional<uint32_t> known = find_trace(id)) return *known;
  if ((traces_.size() + 1) * 2 > trace_slots_.size()) grow_trace_slots();
  const auto number = static_cast<uint32_t>(traces_.size());
  trace_slots_[free_slot(id)] = number;
  traces_.push_back({model::first_summary(id, received), kNoRow, kNoRow});
  if (number / kZoneTraces == zone_newest_.size()) zone_newest_.push_back(0);
  return number;
}

std::optional<uint32_t> Head::find_trace(const model::TraceId& id) const {
  if (trace_slots_.empty()) return std::nullopt;
  const size_t mask = trace_slots_.size() - 1;
  for (size_t slot = (std::hash<model::TraceId>()(id) >> 20) & mask;; slot = (slot + 1) & mask) {
    const uint32_t number = trace_slots_[slot];
    if (number == kNoTrace) return std::nullopt;
    if (traces_[number].summary.id == id) return number;
  }
}

size_t Head::free_slot(const model::TraceId& id) const {
  const size_t mask = trace_slots_.size() - 1;
  size_t slot = (std::hash<model::TraceId>()(id) >> 20) & mask;
  while (trace_slots_[slot] != kNoTrace) slot = (slot + 1) & mask;
  return slot;
}

void Head::grow_trace_slots() {
  trace_slots_.assign(std::max(kFirstTraceSlots, trace_slots_.size() * 2), kNoTrace);
  for (size_t number = 0; number < traces_.size(); ++number)
    trace_slots_[free_slot(traces_[number].summary.id)] = static_cast<uint32_t>(number);
}

HeadSnapshot Head::snapshot() const {
  const auto lock = lock_shared();
  return {shared_from_this(), static_cast<uint32_t>(spans_.span_count()), static_cast<uint32_t>(traces_.size())};
}

bool Head::is_full() const {
  return spans_.slots.size() > kRowsMax || spans_.span_count() > kRowsMax || spans_.events.size() > kRowsMax ||
         spans_.links.size() > kRowsMax || spans_.strings.size() > kTextsMax || spans_.blobs.size() > kTextsMax;
}

size_t Head::memory_bytes() const {
  return spans_.memory_bytes() + next_row_.memory_bytes() + arrivals_.memory_bytes() + traces_.memory_bytes() +
         zone_newest_.memory_bytes() + trace_slots_.capacity() * sizeof(uint32_t);
}

std::shared_lock<std::shared_mutex> Head::lock_shared() const {
  const std::lock_guard turn(turnstile_);
  return std::shared_lock(mutex_);
}

HeadSlice::HeadSlice(const Head& head, uint32_t row_count, uint32_t trace_count)
    : head_(head), row_count_(row_count), trace_count_(trace_count), lock_(head.lock_shared()) {}

const model::SpanBatch& HeadSlice::spans() const { return head_.spans_; }

void HeadSlice::append_rows(uint32_t trace, std::vector<uint32_t>& rows) const {
  for (uint32_t row = head_.traces_[trace].first_row; row < row_count_; row = head_.next_row_[row]) rows.push_back(row);
}

// What came after the snapshot is not in its summary, so a trace that grew since is summed up again.
TraceSummary HeadSlice::summary(uint32_t trace) const {
  const Head::Trace& entry = head_.traces_[trace];
  if (entry.last_row < row_count_) return entry.summary;
  TraceSummary summary = model::first_summary(entry.summary.id, arrival(entry.first_row));
  for (uint32_t row = entry.first_row; row < row_count_; row = head_.next_row_[row])
    add_span(summary, head_.spans_.start[row], head_.spans_.end[row], arrival(row));
  return summary;
}

std::optional<uint32_t> HeadSlice::find(const model::TraceId& id) const {
  const std::optional<uint32_t> number = head_.find_trace(id);
  if (!number || *number >= trace_count_) return std::nullopt;
  return number;
}

UnixNanos HeadSlice::arrival(uint32_t row) const {
  size_t low = 0;
  size_t high = head_.arrivals_.size();
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    (head_.arrivals_[middle].first_row <= row ? low : high) = middle;
  }
  return head_.arrivals_[low].received;
}

UnixNanos HeadSlice::newest_in_zone(uint32_t zone) const { return head_.zone_newest_[zone]; }

HeadSlice HeadSnapshot::slice() const { return {*head_, row_count_, trace_count_}; }

}  // namespace clew::store
