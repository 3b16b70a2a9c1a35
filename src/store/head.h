// SPDX-License-Identifier: Apache-2.0
//
// store::Head holds the spans of one tenant that are durable in the journal and not yet in a block, searchable the
// moment they are acknowledged: one large SpanBatch in arrival order beside an index from trace id to rows.
//
// A reader takes a HeadSnapshot (two numbers) and works through it in slices. A slice holds the read lock, so it must
// be short: a few thousand rows, well under a millisecond. What is appended between two slices has higher row and trace
// numbers than the snapshot's and is not seen by it. Row and trace numbers never change, so that a reader can go on
// where it stopped.
//
// Threads: one writer; any number of readers. The lock is fair: a waiting writer goes before new readers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "model/column.h"
#include "model/span_batch.h"

namespace clew::store {

constexpr uint32_t kNoRow = UINT32_MAX;
// Traces in a zone, the unit of order bounds: see HeadSlice::newest_in_zone.
constexpr uint32_t kZoneTraces = 256;

// A trace as its snapshot sees it.
struct TraceSummary {
  model::TraceId id;
  // The key of newest-first order: the earliest start over sane spans, at most the first arrival. A span is sane when
  // it starts from the year 2000 to one day after it arrived; a trace without sane spans has its first arrival here.
  UnixNanos order_time = 0;
  // The time that the trace covers, over sane spans; both the first arrival where there is none.
  UnixNanos start = 0;
  UnixNanos end = 0;
  uint32_t span_count = 0;
};

class Head;

// The order of answers is newest first: descending (order_time, id).
struct OrderKey {
  UnixNanos time = 0;
  model::TraceId id;
  friend auto operator<=>(const OrderKey&, const OrderKey&) = default;
};

// A held read lock over what a snapshot sees.
class HeadSlice {
 public:
  // Columns of the whole head; rows from the snapshot's row_count on must not be looked at.
  const model::SpanBatch& spans() const;
  // Appends the rows of trace number `trace` in arrival order.
  void append_rows(uint32_t trace, std::vector<uint32_t>& rows) const;
  TraceSummary summary(uint32_t trace) const;
  // The trace's number, if the snapshot holds a span of it.
  std::optional<uint32_t> find(const model::TraceId& id) const;
  // When the row arrived.
  UnixNanos arrival(uint32_t row) const;
  // No trace with a number in [zone * kZoneTraces, (zone + 1) * kZoneTraces) has an order_time above this.
  UnixNanos newest_in_zone(uint32_t zone) const;

 private:
  friend class HeadSnapshot;
  HeadSlice(const Head& head, uint32_t row_count, uint32_t trace_count);

  const Head& head_;
  uint32_t row_count_;
  uint32_t trace_count_;
  std::shared_lock<std::shared_mutex> lock_;
};

// What a query sees. Cheap to copy; keeps its head alive.
class HeadSnapshot {
 public:
  uint32_t row_count() const { return row_count_; }
  uint32_t trace_count() const { return trace_count_; }
  HeadSlice slice() const;

 private:
  friend class Head;
  HeadSnapshot(std::shared_ptr<const Head> head, uint32_t rows, uint32_t traces)
      : head_(std::move(head)), row_count_(rows), trace_count_(traces) {}

  std::shared_ptr<const Head> head_;
  uint32_t row_count_;
  uint32_t trace_count_;
};

}  // namespace clew::store
