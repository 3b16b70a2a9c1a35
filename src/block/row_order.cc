// SPDX-License-Identifier: Apache-2.0
#include "block/row_order.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace clew::block {
namespace {

// Columns of a span, an event, a link in a SpanBatch.
constexpr uint64_t kRowBytes = 128;
constexpr uint64_t kEventBytes = sizeof(model::Event);
constexpr uint64_t kLinkBytes = sizeof(model::Link);
constexpr uint64_t kSlotBytes = 8;
// Texts below this count kShortTextBytes: many rows share them, and counting them in full would cut row groups short.
constexpr uint64_t kLongTextBytes = 64;
constexpr uint64_t kShortTextBytes = 8;

uint64_t text_bytes(uint64_t bytes) { return bytes < kLongTextBytes ? kShortTextBytes : bytes; }

uint64_t list_bytes(const model::SpanBatch& spans, const model::AttributeSet& set) {
  const std::span<const model::KeyType> keys = spans.keys(set);
  uint64_t bytes = keys.size() * kSlotBytes;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!is_text(keys[i].type())) continue;
    const auto id = static_cast<uint32_t>(spans.slots[set.first_slot + i]);
    const model::InternTable& table = keys[i].type() == model::ValueType::String ? spans.strings : spans.blobs;
    bytes += text_bytes(table.at(id).size());
  }
  return bytes;
}

// Their order where both have texts of one batch: equal ones are the same.
bool is_before(const TraceOrder& a, const TraceOrder& b) {
  if (a.slice != b.slice) return a.slice < b.slice;
  if (a.service.data() != b.service.data()) return a.service < b.service;
  if (a.name.data() != b.name.data()) return a.name < b.name;
  return std::tie(a.start, a.id) < std::tie(b.start, b.id);
}

// Takes those texts in that are new in the table.
void add_lengths(const model::InternTable& table, std::vector<uint8_t>& lengths) {
  for (auto id = static_cast<uint32_t>(lengths.size()); id < table.size(); ++id) {
    const size_t bytes = table.at(id).size();
    lengths.push_back(bytes < kLongTextBytes ? 0 : static_cast<uint8_t>(std::bit_width(bytes - 1)));
  }
}

}  // namespace

uint64_t content_bytes(const model::SpanBatch& spans, uint32_t row) {
  uint64_t bytes =
      kRowBytes + text_bytes(spans.strings.at(spans.name[row]).size()) + list_bytes(spans, spans.attributes(row));
  if (spans.rare[row] != 0) {
    const model::RareFields& rare = spans.rare_of(row);
    bytes += text_bytes(spans.strings.at(rare.trace_state).size());
    bytes += text_bytes(spans.strings.at(rare.status_message).size());
  }
  for (uint32_t i = spans.events_begin(row); i < spans.events_end[row]; ++i)
    bytes += kEventBytes + text_bytes(spans.strings.at(spans.events[i].name).size()) +
             list_bytes(spans, spans.events[i].attributes);
  for (uint32_t i = spans.links_begin(row); i < spans.links_end[row]; ++i)
    bytes += kLinkBytes + text_bytes(spans.strings.at(spans.links[i].trace_state).size()) +
             list_bytes(spans, spans.links[i].attributes);
  return bytes;
}

uint64_t content_bytes(const model::SpanBatch& spans, std::span<const uint32_t> rows) {
  uint64_t bytes = 0;
  for (const uint32_t row : rows) bytes += content_bytes(spans, row);
  return bytes;
}

TraceOrder order_of(const model::SpanBatch& spans, const model::TraceSummary& summary, uint32_t top,
                    uint64_t slice_nanos) {
  const model::Resource& resource = spans.resources[spans.resource[top]];
  return {.slice = summary.start / slice_nanos,
          .service = spans.strings.at(resource.service_name),
          .name = spans.strings.at(spans.name[top]),
          .start = summary.start,
          .id = summary.id};
}

Result<TraceOrder> order_of(const Block& block, RowGroup& group, const model::TraceSummary& summary, uint32_t top) {
  const std::shared_ptr<const Tables> tables = TRY(block.tables());
  const model::SpanBatch& batch = tables->batch;
  const Template& entry = tables->templates[TRY(group.rows(kTemplate))[top]];
  std::string_view name;
  if (entry.name != Template::kSpilled) {
    name = batch.strings.at(entry.name);
  } else {
    const uint32_t at = TRY(group.first_values(kName))[top];
    name = group.is_coded(kName) ? (*TRY(block.dictionary(kName)))[TRY(group.codes(kName))[at]]
                                 : (*TRY(group.texts(kName)))[at];
  }
  return TraceOrder{.slice = summary.start / kSliceNanos,
                    .service = batch.strings.at(batch.resources[TRY(group.rows(kResource))[top]].service_name),
                    .name = name,
                    .start = summary.start,
                    .id = summary.id};
}

// As the function above, but a row costs a look at its shape, and a byte for each of its texts: seals call it for every
// row, and the texts' own lengths lie all over the memory.
uint64_t TraceLayout::list_bytes(const model::AttributeSet& set) {
  ShapeBytes& shape = shape_bytes_[set.shape];
  if (shape.bytes == 0) {
    const std::span<const model::KeyType> keys = spans_.keys(set);
    shape = {1, static_cast<uint32_t>(text_slots_.size()), 0};
    for (uint32_t i = 0; i < keys.size(); ++i) {
      shape.bytes += kSlotBytes;
      if (!is_text(keys[i].type())) continue;
      shape.bytes += kShortTextBytes;
      ++shape.text_count;
      text_slots_.push_back({i, keys[i].type() != model::ValueType::String});
    }
  }
  uint64_t bytes = shape.bytes;
  for (uint32_t i = 0; i < shape.text_count; ++i) {
    const TextSlot text = text_slots_[shape.first_text + i];
    const uint64_t slot = spans_.slots[set.first_slot + text.slot];
    const uint8_t length = (text.blob ? long_blobs_ : long_strings_)[slot];
    if (length != 0) [[unlikely]]
      bytes += uint64_t{1} << length;
  }
  return bytes;
}

uint64_t TraceLayout::content_bytes(uint32_t row) {
  uint64_t bytes = kRowBytes + list_bytes(spans_.attributes(row));
  if (spans_.rare[row] != 0) {
    const model::RareFields& rare = spans_.rare_of(row);
    bytes += text_bytes(spans_.strings.at(rare.trace_state).size());
    bytes += text_bytes(spans_.strings.at(rare.status_message).size());
  }
  for (uint32_t i = spans_.events_begin(row); i < spans_.events_end[row]; ++i)
    bytes += kEventBytes + list_bytes(spans_.events[i].attributes);
  for (uint32_t i = spans_.links_begin(row); i < spans_.links_end[row]; ++i)
    bytes += kLinkBytes + list_bytes(spans_.links[i].attributes);
  return bytes;
}

uint64_t TraceLayout::content_bytes(const Trace& trace) {
  uint64_t bytes = 0;
  for (const uint32_t row : std::span(rows_).subspan(trace.first, trace.count)) bytes += content_bytes(row);
  return bytes;
}

void TraceLayout::add(const model::TraceSummary& summary, std::span<const uint32_t> rows, uint8_t flags) {
  if (rows.empty()) return;
  tree_.build(spans_, rows);
  const std::span<const uint32_t> preorder = tree_.preorder();
  new_positions_.resize(rows.size());
  for (uint32_t i = 0; i < preorder.size(); ++i) new_positions_[preorder[i]] = i;

  uint32_t top = model::kNoSpan;
  Trace trace = {.order = {},
                 .summary = summary,
                 .first = rows_.size(),
                 .count = static_cast<uint32_t>(rows.size()),
                 .flags = flags};
  for (const uint32_t position : preorder) {
    const uint32_t parent = tree_.parent(position);
    if (top == model::kNoSpan && parent == model::kRoot) top = rows[position];
    rows_.push_back(rows[position]);
    parents_.push_back(model::is_top(parent) ? parent : new_positions_[parent]);
  }
  // The tops stand in the order of their starts, so without a root the first row is the earliest orphan.
  if (top == model::kNoSpan) top = rows_[trace.first];
  trace.order = order_of(spans_, summary, top, options_.slice_nanos);
  traces_.push_back(trace);
}

TraceInput TraceLayout::input(const Trace& trace, uint32_t first, uint32_t count) const {
  return {.summary = trace.summary,
          .rows = std::span(rows_).subspan(trace.first + first, count),
          .parents = std::span(parents_).subspan(trace.first + first, count),
          .first_position = first,
          .flags = trace.flags};
}

Result<void> TraceLayout::write_group(Writer& writer, std::span<const Trace> traces) {
  group_.clear();
  for (const Trace& trace : traces) group_.push_back(input(trace, 0, trace.count));
  return writer.add_row_group(spans_, group_);
}

Result<void> TraceLayout::write_giant(Writer& writer, const Trace& trace) {
  uint32_t first = 0;
  while (first < trace.count) {
    uint32_t count = 0;
    uint64_t bytes = 0;
    while (first + count < trace.count && count < options_.rows_max) {
      bytes += content_bytes(rows_[trace.first + first + count]);
      if (count > 0 && bytes > options_.bytes_max) break;
      ++count;
    }
    const TraceInput segment = input(trace, first, count);
    TRY(writer.add_row_group(spans_, std::span(&segment, 1)));
    first += count;
  }
  return {};
}

Result<void> TraceLayout::write(Writer& writer) {
  tree_ = {};  // of the last trace, which may be a giant
  std::ranges::sort(traces_, is_before, &Trace::order);
  shape_bytes_.resize(spans_.shapes.size());
  add_lengths(spans_.strings, long_strings_);
  add_lengths(spans_.blobs, long_blobs_);
  size_t begin = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  const auto cut = [&](size_t end) -> Result<void> {
    rows = bytes = 0;
    return write_group(writer, std::span(traces_).subspan(begin, end - begin));
  };
  for (size_t i = 0; i < traces_.size(); ++i) {
    const Trace& trace = traces_[i];
    // Now, because the writer will soon look at the same values.
    const uint64_t content = content_bytes(trace);
    const bool giant = trace.count > options_.rows_max || content > options_.bytes_max;
    const bool fits = rows + trace.count <= options_.rows_max && bytes + content <= options_.bytes_max &&
                      (i == begin || trace.order.slice == traces_[begin].order.slice);
    if (giant || !fits) {
      TRY(cut(i));
      begin = i;
    }
    if (giant) {
      TRY(write_giant(writer, trace));
      begin = i + 1;
    } else {
      rows += trace.count;
      bytes += content;
    }
  }
  return cut(traces_.size());
}

}  // namespace clew::block
