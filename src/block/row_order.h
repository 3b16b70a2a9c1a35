// SPDX-License-Identifier: Apache-2.0
//
// The order of traces in a block: by slice (ten minutes of trace start, so that a question about the last minutes reads
// few row groups and the newest come first by leaving early), then by service and name of the root, or of the earliest
// orphan where there is no root (alike spans beside each other compress), then by start, then by id.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "block/block.h"
#include "block/schema.h"
#include "block/writer.h"
#include "model/span_batch.h"
#include "model/trace_tree.h"

namespace clew::block {

// Texts live as long as the batch they were taken from.
struct TraceOrder {
  uint64_t slice = 0;
  std::string_view service;
  std::string_view name;
  UnixNanos start = 0;
  model::TraceId id;
  friend auto operator<=>(const TraceOrder&, const TraceOrder&) = default;
};

// `top` is the row of the root or earliest orphan.
TraceOrder order_of(const model::SpanBatch& spans, const model::TraceSummary& summary, uint32_t top,
                    uint64_t slice_nanos = kSliceNanos);

// As above, of a trace that lies in a row group; texts live as long as both do.
Result<TraceOrder> order_of(const Block& block, RowGroup& group, const model::TraceSummary& summary, uint32_t top);

// What rows of the batch take of kRowGroupBytesMax: short texts, which rows share, by a round number.
uint64_t content_bytes(const model::SpanBatch& spans, uint32_t row);
uint64_t content_bytes(const model::SpanBatch& spans, std::span<const uint32_t> rows);

// Other than the product's only in tests and measurements.
struct LayoutOptions {
  uint64_t slice_nanos = kSliceNanos;
  uint32_t rows_max = kRowGroupRowsMax;
  uint64_t bytes_max = kRowGroupBytesMax;
};

// Puts whole traces of one batch into the writer: takes them in any order, sorts them, lays each in its tree's
// pre-order, and cuts row groups (rows, bytes, slice, giants). For a seal, and for what compaction has joined.
// Memory: 8 bytes a row and about 170 a trace.
// Threads: one.
class TraceLayout {
 public:
  // The batch must outlive the layout; rows may be added to it.
  explicit TraceLayout(const model::SpanBatch& spans, const LayoutOptions& options = {})
      : spans_(spans), options_(options) {}
  // `rows` hold the trace in any order and are copied.
  void add(const model::TraceSummary& summary, std::span<const uint32_t> rows, uint8_t flags);
  // Of the rows that were added last, by position in them.
  const model::TraceTree& tree() const { return tree_; }
  Result<void> write(Writer& writer);

 private:
  struct Trace {
    TraceOrder order;
    model::TraceSummary summary;
    size_t first;  // in rows_ and parents_
    uint32_t count;
    uint8_t flags;
  };

  Result<void> write_group(Writer& writer, std::span<const Trace> traces);
  Result<void> write_giant(Writer& writer, const Trace& trace);
  TraceInput input(const Trace& trace, uint32_t first, uint32_t count) const;
  uint64_t content_bytes(uint32_t row);
  uint64_t content_bytes(const Trace& trace);
  uint64_t list_bytes(const model::AttributeSet& set);

  const model::SpanBatch& spans_;
  const LayoutOptions options_;
  model::TraceTree tree_;
  std::vector<Trace> traces_;
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> parents_;
  std::vector<uint32_t> new_positions_;
  // What an attribute list takes: by shape, and by text where it is a long one.
  struct ShapeBytes {
    uint32_t bytes;  // 0: not known yet
    uint32_t first_text;
    uint32_t text_count;
  };
  struct TextSlot {
    uint32_t slot;
    bool blob;
  };
  std::vector<ShapeBytes> shape_bytes_;
  std::vector<TextSlot> text_slots_;
  std::vector<uint8_t> long_strings_;  // by number: 0, or the binary logarithm, rounded up, of a long text's length
  std::vector<uint8_t> long_blobs_;
  std::vector<TraceInput> group_;
};

}  // namespace clew::block
