// SPDX-License-Identifier: Apache-2.0
//
// Spans in pieces are put in order window by window: what a window wants is read part by part and row group by row
// group, then copied in order. Parts lie in the order of their own trees, so a window wants few row groups as a rule.
#include "scan/trace_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "block/row_order.h"

namespace clew::scan {
namespace {

// What a span takes until its true size is known: above the mean of what instrumented programs send.
constexpr uint64_t kBytesPerSpanGuess = 1024;
// Rows that are copied between two looks at how much it is.
constexpr size_t kCopiedRows = 256;
// Pages of a row group that are decoded.
constexpr uint64_t kPagesBytes = 4 << 20;
// A batch takes at most this part of the query share.
constexpr uint64_t kShareDivisor = 16;

Error no_room() { return {Code::Unavailable, "the memory for queries is spent; try again later"}; }

}  // namespace

Result<std::optional<TraceReader>> TraceReader::open(const store::Snapshot& snapshot, const model::TraceId& id,
                                                     MemoryBudget& budget, const ReaderOptions& options) {
  TraceParts found = TRY(TraceParts::find(snapshot, id));
  if (found.empty()) return std::optional<TraceReader>();
  const bool in_order = found.heads.empty() && found.blocks.size() == 1;
  const uint64_t part_of_share = budget.limit(Share::Query) / kShareDivisor;
  const uint64_t pages =
      found.blocks.empty() ? 0 : std::min({kPagesBytes, part_of_share, found.rows * kBytesPerSpanGuess});
  TraceReader reader(std::make_unique<PlacedParts>(snapshot, std::move(found)), Reservation(budget, Share::Query),
                     options);
  reader.span_count_ = reader.parts_->row_count();
  if (!reader.memory_.grow(pages)) return no_room();
  if (!in_order) {
    TraceSkeleton skeleton = TRY(TraceSkeleton::build(*reader.parts_, reader.memory_, nullptr));
    reader.span_count_ = skeleton.places.size();
    reader.order_ = std::move(skeleton.preorder);
    for (uint32_t& each : reader.order_) each = skeleton.places[each];
    reader.memory_.shrink_to(pages + reader.order_.capacity() * sizeof(uint32_t));
  }
  reader.fixed_bytes_ = reader.memory_.bytes();
  reader.options_.bytes_max = std::min(options.bytes_max, part_of_share);
  reader.window_ = options.rows_max;
  return std::optional(std::move(reader));
}

// Beside what is fixed.
Result<void> TraceReader::reserve(uint64_t bytes) {
  const uint64_t wanted = fixed_bytes_ + bytes;
  if (wanted > memory_.bytes() && !memory_.grow(wanted - memory_.bytes())) return no_room();
  return {};
}

// Those of a head's rows that make a batch full which holds `bytes`.
std::span<const uint32_t> TraceReader::first_rows(const model::SpanBatch& head, std::span<const uint32_t> rows,
                                                  uint64_t bytes) const {
  size_t count = 0;
  for (; count < rows.size() && (count == 0 || bytes < options_.bytes_max); ++count)
    bytes += block::content_bytes(head, rows[count]);
  return rows.first(count);
}

// Appends the rows of ascending places until there are too many bytes; how many there are then.
Result<size_t> TraceReader::gather(std::span<const uint32_t> places, model::SpanBatch& out) {
  std::optional<block::RowCopier> copier;
  size_t part = SIZE_MAX;
  TRY(parts_->for_each_run(places, [&](const PlacedParts::Run& run) -> Result<bool> {
    if (run.head != nullptr) {
      if (is_full(out)) return false;
      const std::span<const uint32_t> some = first_rows(*run.head, run.rows, out.content_bytes());
      out.append_rows(*run.head, some);
      return some.size() == run.rows.size();
    }
    if (run.part != part) copier.emplace(parts_->block_of(parts_->parts()[run.part]).shared_block(), out);
    part = run.part;
    // A row group is bounded in bytes.
    for (size_t at = 0; at < run.rows.size(); at += kCopiedRows) {
      if (is_full(out)) return false;
      TRY(copier->append(*run.group, run.rows.subspan(at, std::min(kCopiedRows, run.rows.size() - at))));
    }
    return true;
  }));
  return out.span_count();
}

Result<size_t> TraceReader::next_in_order(model::SpanBatch& out, size_t count) {
  std::vector<uint32_t> places;
  std::vector<uint32_t> indices;
  window_ = std::min<size_t>(window_ * 2, options_.rows_max);
  while (true) {
    count = std::min(count, window_);
    const auto wanted = std::span(order_).subspan(position_, count);
    places.assign(wanted.begin(), wanted.end());
    std::ranges::sort(places);
    model::SpanBatch gathered;
    if (TRY(gather(places, gathered)) == count) {
      indices.clear();
      for (const uint32_t place : wanted)
        indices.push_back(static_cast<uint32_t>(std::ranges::lower_bound(places, place) - places.begin()));
      out.append_rows(gathered, indices);
      TRY(reserve(gathered.memory_bytes() + out.memory_bytes()));
      return count;
    }
    window_ = std::max<size_t>(count / 2, 1);
  }
}

Result<void> TraceReader::next(model::SpanBatch& out, uint64_t count) {
  out = model::SpanBatch();
  const auto wanted = static_cast<size_t>(std::min({count, span_count_ - position_, uint64_t{options_.rows_max}}));
  if (wanted == 0) return {};
  const uint64_t copies = order_.empty() ? 1 : 2;
  TRY(reserve(std::min(wanted * kBytesPerSpanGuess, options_.bytes_max) * copies));
  if (!order_.empty()) {
    position_ += TRY(next_in_order(out, wanted));
    return {};
  }
  std::vector<uint32_t> places(wanted);
  std::iota(places.begin(), places.end(), static_cast<uint32_t>(position_));
  const size_t taken = TRY(gather(places, out));
  TRY(reserve(out.memory_bytes()));
  position_ += taken;
  return {};
}

Result<ReadTrace> read_spans(TraceReader& reader, uint64_t count, MemoryBudget& budget) {
  ReadTrace read{{}, Reservation(budget, Share::Query)};
  model::SpanBatch more;
  while (true) {
    TRY(reader.next(more, count - read.spans.span_count()));
    if (more.span_count() == 0) return read;
    if (read.spans.span_count() == 0) {
      read.spans = std::exchange(more, {});
    } else {
      read.spans.append(more);
    }
    const uint64_t bytes = read.spans.memory_bytes();
    if (bytes > read.memory.bytes() && !read.memory.grow(bytes - read.memory.bytes())) return no_room();
  }
}

Result<std::optional<ReadTrace>> read_trace(const store::Snapshot& snapshot, const model::TraceId& id,
                                            MemoryBudget& budget, const ReaderOptions& options) {
  std::optional<TraceReader> reader = TRY(TraceReader::open(snapshot, id, budget, options));
  if (!reader) return std::optional<ReadTrace>();
  return std::optional(TRY(read_spans(*reader, UINT64_MAX, budget)));
}

}  // namespace clew::scan
