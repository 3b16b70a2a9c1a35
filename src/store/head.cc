// SPDX-License-Identifier: Apache-2.0
//
// A row is found from its trace by a chain: the trace knows its first and last row, and next_row_ leads from one to the
// next. That costs 4 bytes a span and one write per append, whatever the trace's size. The tree of a trace is not kept:
// a query that needs it builds it for the traces that it looks at (model/trace_tree.h), because keeping parents would
// cost every span a hash look-up at ingest, and most spans are never asked about
// (docs/decision/0003-one-head-one-writer.md).
//
// A duplicate is looked for before the append: by the trace's signature, which lets most new spans pass without a look
// at the rows; then by a walk along a short chain, or in a table that lists the rows of traces with a long one.
#include "store/head.h"

#include <algorithm>

#include "base/check.h"
#include "model/identity.h"

namespace clew::store {
namespace {

constexpr uint32_t kNoTrace = UINT32_MAX;
constexpr size_t kFirstTraceSlots = 1024;
// Rows of a trace that are looked through for a duplicate; those of larger traces are listed in a table.
constexpr uint32_t kChainMax = 16;

// Rows and slots have numbers of 32 bits, and keys are texts with numbers of 29 bits. What is left above these limits
// is more than a group of requests can bring.
constexpr size_t kRowsMax = UINT32_MAX - (size_t{1} << 28);
constexpr size_t kTextsMax = model::KeyType::kKeyMax - (size_t{1} << 28);

uint64_t signature_of(const model::SpanBatch& spans, uint32_t row) {
  const uint64_t half = model::is_server_half(spans.kind[row]) ? 1 : 0;
  const uint64_t hash = (spans.span_id[row].value ^ half) * 0x9E3779B97F4A7C15u;
  return (uint64_t{1} << (hash >> 58)) | (uint64_t{1} << ((hash >> 52) & 63));
}

}  // namespace

// Finding what is new reads only what this thread writes, so that readers wait for the appending alone.
uint32_t Head::append(const model::SpanBatch& spans, UnixNanos received, journal::Lsn lsn) {
  if (spans.span_count() == 0) return 0;
  CHECK(spans.span_count() < kNoRow - spans_.span_count());
  const bool all = find_new(spans);
  if (!new_.empty()) append_new(spans, all, {received, lsn});
  list_rows();
  return static_cast<uint32_t>(spans.span_count() - new_.size());
}

// Are all of them new? Fills new_ and traces_of_new_.
bool Head::find_new(const model::SpanBatch& spans) {
  const auto count = static_cast<uint32_t>(spans.span_count());
  new_.clear();
  traces_of_new_.clear();
  request_.reset(count);
  uint32_t trace = kNoTrace;
  for (uint32_t row = 0; row < count; ++row) {
    if (row == 0 || spans.trace_id[row] != spans.trace_id[row - 1])
      trace = find_trace(spans.trace_id[row]).value_or(kNoTrace);
    if (trace != kNoTrace && holds(traces_[trace], spans, row)) continue;
    if (!request_.insert(spans, row)) continue;
    new_.push_back(row);
    traces_of_new_.push_back(trace);
  }
  return new_.size() == count;
}

bool Head::holds(const Trace& trace, const model::SpanBatch& spans, uint32_t row) const {
  const uint64_t signature = signature_of(spans, row);
  if (trace.summary.span_count > kChainMax) return listed_.contains(spans_, spans, row);
  if ((trace.signature & signature) != signature) return false;
  for (uint32_t known = trace.first_row; known != kNoRow; known = next_row_[known]) {
    if (spans_.span_id[known] == spans.span_id[row] &&
        model::is_server_half(spans_.kind[known]) == model::is_server_half(spans.kind[row]) &&
        model::same_content(spans_, known, spans, row))
      return true;
  }
  return false;
}

void Head::append_new(const model::SpanBatch& spans, bool all, const Origin& origin) {
  const std::lock_guard turn(turnstile_);
  const std::unique_lock lock(mutex_);
  CHECK(!frozen_);
  auto row = static_cast<uint32_t>(spans_.span_count());
  arrivals_.push_back({row, origin});
  if (all) {
    spans_.append(spans);
  } else {
    spans_.append_rows(spans, new_);
  }
  for (uint32_t trace : traces_of_new_) {
    if (trace == kNoTrace) trace = trace_of(spans_.trace_id[row], origin.received);
    index_row(row++, trace, origin.received);
  }
}

void Head::index_row(uint32_t row, uint32_t number, UnixNanos received) {
  next_row_.push_back(kNoRow);
  Trace& trace = traces_[number];
  if (trace.first_row == kNoRow) {
    trace.first_row = row;
  } else {
    next_row_[trace.last_row] = row;
  }
  trace.last_row = row;
  trace.signature |= signature_of(spans_, row);
  add_span(trace.summary, spans_.start[row], spans_.end[row], received);
  if (trace.summary.span_count == kChainMax + 1) {
    for (uint32_t known = trace.first_row; known != kNoRow; known = next_row_[known]) to_list_.push_back(known);
  } else if (trace.summary.span_count > kChainMax) {
    to_list_.push_back(row);
  }

  UnixNanos& newest = zone_newest_[number / kZoneTraces];
  // A trace's order time only falls, so the highest that any snapshot sees is the one after its first span.
  if (trace.first_row == row) newest = std::max(newest, trace.summary.order_time);
}

void Head::list_rows() {
  for (const uint32_t row : to_list_) listed_.insert(spans_, row);
  to_list_.clear();
}

// Who copies has looked for duplicates already.
void TraceCopier::copy(std::span<const uint32_t> rows) {
  const std::lock_guard turn(to_.turnstile_);
  const std::unique_lock lock(to_.mutex_);
  auto row = static_cast<uint32_t>(to_.spans_.span_count());
  appender_.append(rows);
  const uint32_t trace = to_.trace_of(to_.spans_.trace_id[row], from_.arrival(rows.front()));
  for (const uint32_t source : rows) {
    const Origin& origin = from_.origin(source);
    if (to_.arrivals_.empty() || to_.arrivals_.back().origin != origin) to_.arrivals_.push_back({row, origin});
    to_.index_row(row++, trace, origin.received);
  }
  to_.to_list_.clear();
}

void Head::freeze() {
  const std::lock_guard turn(turnstile_);
  const std::unique_lock lock(mutex_);
  frozen_ = {static_cast<uint32_t>(spans_.span_count()), static_cast<uint32_t>(traces_.size())};
  listed_ = SpanTable();
  request_ = SpanTable();
}

// The trace's number; a new one if it is not here yet.
uint32_t Head::trace_of(const model::TraceId& id, UnixNanos received) {
  if (const std::optional<uint32_t> known = find_trace(id)) return *known;
  if ((traces_.size() + 1) * 2 > trace_slots_.size()) grow_trace_slots();
  const auto number = static_cast<uint32_t>(traces_.size());
  trace_slots_[free_slot(id)] = number;
  traces_.push_back({model::first_summary(id, received), kNoRow, kNoRow, 0});
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
  if (frozen_) return {shared_from_this(), frozen_->first, frozen_->second};
  return {shared_from_this(), static_cast<uint32_t>(spans_.span_count()), static_cast<uint32_t>(traces_.size())};
}

HeadSnapshot Head::everything() const {
  const auto lock = lock_shared();
  return {shared_from_this(), static_cast<uint32_t>(spans_.span_count()), static_cast<uint32_t>(traces_.size())};
}

bool Head::is_full() const {
  return spans_.slots.size() > kRowsMax || spans_.span_count() > kRowsMax || spans_.events.size() > kRowsMax ||
         spans_.links.size() > kRowsMax || spans_.strings.size() > kTextsMax || spans_.blobs.size() > kTextsMax;
}

size_t Head::memory_bytes() const {
  return spans_.memory_bytes() + next_row_.memory_bytes() + arrivals_.memory_bytes() + traces_.memory_bytes() +
         zone_newest_.memory_bytes() + trace_slots_.capacity() * sizeof(uint32_t) + listed_.memory_bytes();
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

const model::TraceId& HeadSlice::trace_id(uint32_t trace) const { return head_.traces_[trace].summary.id; }

std::optional<uint32_t> HeadSlice::find(const model::TraceId& id) const {
  const std::optional<uint32_t> number = head_.find_trace(id);
  if (!number || *number >= trace_count_) return std::nullopt;
  return number;
}

const Origin& HeadSlice::origin(uint32_t row) const {
  size_t low = 0;
  size_t high = head_.arrivals_.size();
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    (head_.arrivals_[middle].first_row <= row ? low : high) = middle;
  }
  return head_.arrivals_[low].origin;
}

UnixNanos HeadSlice::newest_in_zone(uint32_t zone) const { return head_.zone_newest_[zone]; }

HeadSlice HeadSnapshot::slice() const { return {*head_, row_count_, trace_count_}; }

}  // namespace clew::store
