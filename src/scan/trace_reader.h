// SPDX-License-Identifier: Apache-2.0
//
// TraceReader gives the spans of a trace batch by batch, wherever its parts lie: duplicates left out, in the order of
// their tree (model/trace_tree.h: every span followed by what is below it, siblings by start), so that the answer is
// the same whether the trace lies in a head, in a block, or in pieces. Where it reads from can be set, to page.
//
//   std::optional<TraceReader> reader = TRY(TraceReader::open(snapshot, id, budget));
//   reader->seek(offset);
//   while (reader->position() < reader->span_count()) {
//     TRY(reader->next(batch, UINT64_MAX));
//     render(batch);
//   }
//
// Memory, of the query share: one batch and one row group, twice the batch where the trace lies in a head or in pieces,
// and then 12 bytes a span (and while it is opened 56) for their order. A part in a block alone is in order already.
// A batch takes at most a sixteenth of the share, or one span. read_trace() is for who needs all spans in one batch.
//
// Threads: one. Lifetime: the snapshot must outlive the reader.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "model/span_batch.h"
#include "scan/trace_parts.h"
#include "scan/trace_skeleton.h"
#include "store/snapshot.h"

namespace clew::scan {

// Other than the product's only in tests.
struct ReaderOptions {
  // A batch ends when it has so many spans or bytes; one span may be more.
  uint32_t rows_max = 16'384;
  uint64_t bytes_max = 8 << 20;
};

class TraceReader {
 public:
  // Nothing if the snapshot does not hold the trace. Unavailable if the query share has no room for it; DataLoss if a
  // part of it is damaged.
  static Result<std::optional<TraceReader>> open(const store::Snapshot& snapshot, const model::TraceId& id,
                                                 MemoryBudget& budget, const ReaderOptions& options = {});

  uint64_t span_count() const { return span_count_; }
  // How many spans come before the next one.
  uint64_t position() const { return position_; }
  void seek(uint64_t position) { position_ = std::min(position, span_count_); }

  // Fills `out`, which is cleared first, with the next spans: at least one unless there is none, at most `count`.
  // Errors as of open(); the position stays.
  Result<void> next(model::SpanBatch& out, uint64_t count);

 private:
  TraceReader(std::unique_ptr<PlacedParts> parts, Reservation memory, const ReaderOptions& options)
      : parts_(std::move(parts)), options_(options), memory_(std::move(memory)) {}

  std::span<const uint32_t> first_rows(const model::SpanBatch& head, std::span<const uint32_t> rows,
                                       uint64_t bytes) const;
  bool is_full(const model::SpanBatch& batch) const {
    return batch.span_count() > 0 && batch.content_bytes() >= options_.bytes_max;
  }
  Result<size_t> gather(std::span<const uint32_t> places, model::SpanBatch& out);
  Result<size_t> next_in_order(model::SpanBatch& out, size_t count);
  Result<void> reserve(uint64_t bytes);

  std::unique_ptr<PlacedParts> parts_;
  ReaderOptions options_;
  Reservation memory_;
  uint64_t fixed_bytes_ = 0;     // of memory_: all but batches
  std::vector<uint32_t> order_;  // places in the order of the tree; empty: they are in order
  uint64_t span_count_ = 0;
  uint64_t position_ = 0;
  size_t window_ = 0;  // spans that were last put in order without taking too many bytes
};

// A trace, or the spans of it that were asked for, and the memory that they hold.
struct ReadTrace {
  model::SpanBatch spans;
  Reservation memory;  // of the query share
};

// The next `count` spans together; fewer at the end. Errors as of TraceReader::open().
Result<ReadTrace> read_spans(TraceReader& reader, uint64_t count, MemoryBudget& budget);

Result<std::optional<ReadTrace>> read_trace(const store::Snapshot& snapshot, const model::TraceId& id,
                                            MemoryBudget& budget, const ReaderOptions& options = {});

}  // namespace clew::scan
