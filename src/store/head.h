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
// A span that equals one of the same trace that the head holds is left out (model/identity.h): a retry is neither kept
// nor counted.
//
// Once frozen, a head gets no more spans that anybody sees. Who seals it may still append rows for its own use.
//
// Threads: one writer; any number of readers. The lock is fair: a waiting writer goes before new readers.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <utility>
#include <vector>

#include "journal/journal.h"
#include "model/column.h"
#include "model/row_appender.h"
#include "model/span_batch.h"
#include "model/trace_summary.h"
#include "store/span_table.h"

namespace clew::store {

constexpr uint32_t kNoRow = UINT32_MAX;
// Traces in a zone, the unit of order bounds: see HeadSlice::newest_in_zone.
constexpr uint32_t kZoneTraces = 256;

using model::OrderKey;
using model::TraceSummary;

class HeadSlice;
class HeadSnapshot;

// How a request came: when, and as which record of the journal.
struct Origin {
  UnixNanos received = 0;
  journal::Lsn lsn = 0;
  friend bool operator==(const Origin&, const Origin&) = default;
};

class Head : public std::enable_shared_from_this<Head> {
 public:
  Head() = default;
  Head(const Head&) = delete;

  // Appends a request's spans; they are visible in the next snapshot, all at once. How many were left out, being here
  // already.
  uint32_t append(const model::SpanBatch& spans, UnixNanos received, journal::Lsn lsn = 0);
  // No snapshot will show more than one taken now. Not during an append().
  void freeze();
  HeadSnapshot snapshot() const;
  // Shows also what was copied here after freezing. For who seals.
  HeadSnapshot everything() const;
  // Bytes of memory held. Writer's thread only.
  size_t memory_bytes() const;
  // Is some number of the columns close to its width? With a budget of tens of gigabytes this may come before the
  // memory is spent. Writer's thread only.
  bool is_full() const;

 private:
  friend class HeadSlice;
  friend class TraceCopier;

  // A trace as of its last row; `next_row_` chains its rows in arrival order.
  struct Trace {
    TraceSummary summary;
    uint32_t first_row;
    uint32_t last_row;
    uint64_t signature;  // two bits for each span id: most new ones are told apart without a look at the rows
  };
  // A request's place: rows from first_row on came so.
  struct Arrival {
    uint32_t first_row;
    Origin origin;
  };

  std::shared_lock<std::shared_mutex> lock_shared() const;
  bool find_new(const model::SpanBatch& spans);
  bool holds(const Trace& trace, const model::SpanBatch& spans, uint32_t row) const;
  void append_new(const model::SpanBatch& spans, bool all, const Origin& origin);
  void index_row(uint32_t row, uint32_t trace, UnixNanos received);
  void list_rows();
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
  std::vector<uint32_t> trace_slots_;                    // open addressing over traces_; kNoTrace is free
  std::optional<std::pair<uint32_t, uint32_t>> frozen_;  // rows and traces then

  // The writer's own.
  SpanTable listed_;   // the rows of traces that are too large for a walk
  SpanTable request_;  // those of the request that is being appended
  std::vector<uint32_t> to_list_;
  std::vector<uint32_t> new_;            // its rows that are not here yet
  std::vector<uint32_t> traces_of_new_;  // by row of new_: its trace, or kNoTrace
};

// A held read lock over what a snapshot sees.
class HeadSlice {
 public:
  // Columns of the whole head; rows from the snapshot's row_count on must not be looked at.
  const model::SpanBatch& spans() const;
  // Appends the rows of trace number `trace` in arrival order.
  void append_rows(uint32_t trace, std::vector<uint32_t>& rows) const;
  TraceSummary summary(uint32_t trace) const;
  const model::TraceId& trace_id(uint32_t trace) const;
  // The trace's number, if the snapshot holds a span of it.
  std::optional<uint32_t> find(const model::TraceId& id) const;
  // How the row came.
  const Origin& origin(uint32_t row) const;
  UnixNanos arrival(uint32_t row) const { return origin(row).received; }
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

// Copies traces of one head to another. What was translated for one trace is kept for the next.
class TraceCopier {
 public:
  // Both must outlive the copier; `from` does not grow meanwhile.
  TraceCopier(Head& to, const HeadSlice& from) : to_(to), from_(from), appender_(to.spans_, from.spans()) {}
  // Appends the rows of one trace, each with its origin; nothing is left out.
  void copy(std::span<const uint32_t> rows);
  static uint64_t memory_bytes(const HeadSlice& from) { return model::RowAppender::memory_bytes(from.spans()); }

 private:
  Head& to_;
  const HeadSlice& from_;
  model::RowAppender appender_;
};

// What a query sees. Cheap to copy; keeps its head alive.
class HeadSnapshot {
 public:
  uint32_t row_count() const { return row_count_; }
  uint32_t trace_count() const { return trace_count_; }
  HeadSlice slice() const;
  // Which head it is, for who must not keep it alive.
  std::weak_ptr<const Head> head() const { return head_; }

 private:
  friend class Head;
  HeadSnapshot(std::shared_ptr<const Head> head, uint32_t rows, uint32_t traces)
      : head_(std::move(head)), row_count_(rows), trace_count_(traces) {}

  std::shared_ptr<const Head> head_;
  uint32_t row_count_;
  uint32_t trace_count_;
};

}  // namespace clew::store
