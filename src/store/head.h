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

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "model/column.h"
#include "model/span_batch.h"
#include "model/trace_summary.h"

namespace clew::store {

constexpr uint32_t kNoRow = UINT32_MAX;
// Traces in a zone, the unit of order bounds: see HeadSlice::newest_in_zone.
constexpr uint32_t kZoneTraces = 256;

using model::OrderKey;
using model::TraceSummary;

class HeadSlice;
class HeadSnapshot;

class Head : public std::enable_shared_from_this<Head> {
 public:
  Head() = default;
  Head(const Head&) = delete;

  // Appends a request's spans, which arrived at `received`; they are visible in the next snapshot, all at once.
  void append(const model::SpanBatch& spans, UnixNanos received);
  HeadSnapshot snapshot() const;
  // Bytes of memory held. Writer's thread only.
  size_t memory_bytes() const;
  // Is some number of the columns close to its width? With a budget of tens of gigabytes this may come before the
  // memory is spent. Writer's thread only.
  bool is_full() const;

 private:
  friend class HeadSlice;

  // A trace as of its last row; `next_row_` chains its rows in arrival order.
  struct Trace {
    TraceSummary summary;
    uint32_t first_row;
    uint32_t last_row;
  };
  // A request's place: rows from first_row on arrived at `received`.
  struct Arrival {
    uint32_t first_row;
    UnixNanos received;
  };

  std::shared_lock<std::shared_mutex> lock_shared() const;
  void index_row(uint32_t row, UnixNanos received);
  uint32_t trace_of(const model::TraceId& id, UnixNanos received);
  std::optional<uint32_t> find_trace(const model::TraceId& id) const;
  size_t free_slot(const model::TraceId& id) const;
  void grow_trace_slots();

  // A writer that waits holds turnstile_, so that readers who come later queue behind it.
  mutable std::mutex turnstile_;
  mutable std::shared_mutex mutex_;  // guards everything below
  model::SpanBatch spans_;
  model::Column<uint32_t> next_row_;
  model::Column<Arrival> arrivals_;
  model::Column<Trace> traces_;
  model::Column<UnixNanos> zone_newest_;
  std::vector<uint32_t> trace_slots_;  // open addressing over traces_; kNoTrace is free
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
