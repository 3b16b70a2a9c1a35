// SPDX-License-Identifier: Apache-2.0
#include "block/row_group_writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "base/check.h"
#include "codec/crc32c.h"
#include "model/trace_tree.h"

namespace clew::block {
namespace {

using model::ValueType;

std::optional<Zone> zone_of_ints(std::span<const uint64_t> values) {
  int64_t low = std::numeric_limits<int64_t>::max();
  int64_t high = std::numeric_limits<int64_t>::min();
  for (const uint64_t value : values) {
    low = std::min(low, static_cast<int64_t>(value));
    high = std::max(high, static_cast<int64_t>(value));
  }
  return Zone{static_cast<uint64_t>(low), static_cast<uint64_t>(high)};
}

std::optional<Zone> zone_of_doubles(std::span<const uint64_t> values) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  bool any = false;
  for (const uint64_t bits : values) {
    const auto value = std::bit_cast<double>(bits);
    if (std::isnan(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
    any = true;
  }
  if (!any) return std::nullopt;
  return Zone{std::bit_cast<uint64_t>(low), std::bit_cast<uint64_t>(high)};
}

std::optional<Zone> zone_of_naturals(std::span<const uint64_t> values) {
  const auto [low, high] = std::ranges::minmax(values);
  return Zone{low, high};
}

bool is_blob(ValueType type) { return type >= ValueType::Bytes; }

}  // namespace

RowGroupWriter::RowGroupWriter(const WriterOptions& options)
    : encoder_({.zstd_level = options.zstd_level}),
      catalogue_(options),
      texts_(options, encoder_),
      columns_(kFirstAttribute) {
  for (ColumnId id = 0; id < kFirstAttribute; ++id) columns_[id].facts.text = fixed_info(id).kind == Kind::Text;
}

Result<Bytes> RowGroupWriter::write(const model::SpanBatch& spans, std::span<const TraceInput> traces,
                                    RowGroupEntry& entry) {
  start(spans, traces);
  if (events_.size() > kPageValuesMax || links_.size() > kPageValuesMax)
    return Error(Code::ResourceExhausted, "a row group with more events or links than a page takes");
  choose_columns();
  gather();
  write_traces(traces);
  write_parents(traces);
  write_rows();
  TRY(write_texts());
  write_events();
  write_links();
  TRY(write_rare());
  TRY(write_attributes());
  entry.facts.row_count = static_cast<uint32_t>(rows_.size());
  entry.facts.trace_count = static_cast<uint32_t>(traces.size());
  const std::string directory = encode_directory(directory_);
  entry.directory = {bytes_.size(), directory.size(), codec::crc32c(as_bytes(directory))};
  bytes_ += directory;
  entry.facts.bytes = bytes_.size();
  return as_bytes(bytes_);
}

void RowGroupWriter::start(const model::SpanBatch& spans, std::span<const TraceInput> traces) {
  spans_ = &spans;
  rows_.clear();
  events_.clear();
  links_.clear();
  trace_begins_.clear();
  bytes_.clear();
  directory_.pages.clear();
  spilled_names_.clear();
  for (auto& values : values_) values.clear();
  for (Rare& rare : rare_) {
    rare.keys.clear();
    rare.types.clear();
    rare.values.clear();
  }
  for (const TraceInput& trace : traces) {
    CHECK(!trace.rows.empty() && trace.rows.size() == trace.parents.size());
    trace_begins_.push_back(static_cast<uint32_t>(rows_.size()));
    rows_.insert(rows_.end(), trace.rows.begin(), trace.rows.end());
  }
  CHECK(rows_.size() <= kRowGroupRowsMax);
  for (const uint32_t row : rows_) {
    for (uint32_t i = spans.events_begin(row); i < spans.events_end[row]; ++i) events_.push_back(i);
    for (uint32_t i = spans.links_begin(row); i < spans.links_end[row]; ++i) links_.push_back(i);
  }
}

void RowGroupWriter::choose_columns() {
  catalogue_.start(*spans_);
  const auto count = [&](Level level, std::span<const uint32_t> owners, auto shape_of) {
    std::vector<uint32_t>& local = local_shapes_[static_cast<size_t>(level)];
    local.resize(owners.size());
    for (size_t i = 0; i < owners.size(); ++i) local[i] = catalogue_.local_shape(level, shape_of(owners[i]));
  };
  count(Level::Span, rows_, [&](uint32_t row) { return spans_->shape[row]; });
  count(Level::Event, events_, [&](uint32_t i) { return spans_->events[i].attributes.shape; });
  count(Level::Link, links_, [&](uint32_t i) { return spans_->links[i].attributes.shape; });
  catalogue_.choose_columns(std::array<uint64_t, 3>{rows_.size(), events_.size(), links_.size()});
  const std::vector<Column>& columns = catalogue_.columns();
  for (size_t i = columns_.size() - kFirstAttribute; i < columns.size(); ++i) {
    ColumnEntry& entry = columns_.emplace_back();
    entry.facts.column = columns[i];
    entry.facts.text = is_text(columns[i].type);
    entry.used = true;
  }
  values_.resize(columns.size());
}

void RowGroupWriter::add_rare(Level level, model::KeyType key, uint64_t slot) {
  Rare& rare = rare_[static_cast<size_t>(level)];
  rare.keys.push_back(key.key());
  rare.types.push_back(static_cast<uint32_t>(key.type()));
  if (key.type() == ValueType::Empty) {
    rare.values.push_back({});
  } else if (!is_text(key.type())) {
    rare.values.push_back({reinterpret_cast<const char*>(&slot), sizeof slot});
  } else {
    const model::InternTable& table = is_blob(key.type()) ? spans_->blobs : spans_->strings;
    rare.values.push_back(table.at(static_cast<uint32_t>(slot)));
  }
}

void RowGroupWriter::gather_list(Level level, const LocalShape& shape, uint32_t first_slot, bool all_rare) {
  for (const Target& target : catalogue_.targets(shape)) {
    const uint64_t slot = spans_->slots[first_slot + target.slot];
    if (target.column == kRareColumn || all_rare) [[unlikely]] {
      add_rare(level, spans_->shape_keys(shape.batch_shape)[target.slot], slot);
    } else {
      values_[target.column - kFirstAttribute].push_back(slot);
    }
  }
}

void RowGroupWriter::gather() {
  templates_.resize(rows_.size());
  for (size_t i = 0; i < rows_.size(); ++i) {
    const uint32_t row = rows_[i];
    const uint32_t local = local_shapes_[0][i];
    bool all_rare = false;
    templates_[i] = catalogue_.template_of(row, local, all_rare);
    if (catalogue_.tables().templates[templates_[i]].name == Template::kSpilled)
      spilled_names_.push_back(spans_->name[row]);
    gather_list(Level::Span, catalogue_.resolved(local), spans_->first_slot[row], all_rare);
  }
  for (size_t i = 0; i < events_.size(); ++i) {
    const uint32_t first_slot = spans_->events[events_[i]].attributes.first_slot;
    gather_list(Level::Event, catalogue_.resolved(local_shapes_[1][i]), first_slot, false);
  }
  for (size_t i = 0; i < links_.size(); ++i) {
    const uint32_t first_slot = spans_->links[links_[i]].attributes.first_slot;
    gather_list(Level::Link, catalogue_.resolved(local_shapes_[2][i]), first_slot, false);
  }
}

template <class Get>
void RowGroupWriter::narrow(ColumnId column, size_t count, Get get) {
  narrow_.resize(count);
  uint32_t any = 0;
  for (size_t i = 0; i < count; ++i) any |= narrow_[i] = get(i);
  if (any == 0) return;
  const size_t begin = bytes_.size();
  encoder_.ints(std::span<const uint32_t>(narrow_), bytes_);
  finish_page(column, count, begin, 0);
}

template <class Get>
void RowGroupWriter::wide(ColumnId column, size_t count, Get get) {
  wide_.resize(count);
  uint64_t any = 0;
  for (size_t i = 0; i < count; ++i) any |= wide_[i] = get(i);
  if (any != 0) numbers(column, wide_);
}

void RowGroupWriter::numbers(ColumnId column, std::span<const uint64_t> values) {
  std::optional<Zone> zone;
  const ValueType type = columns_[column].facts.column.type;
  if (type == ValueType::Int) zone = zone_of_ints(values);
  if (type == ValueType::Double) zone = zone_of_doubles(values);
  if (column == kDuration) zone = zone_of_naturals(values);
  const size_t begin = bytes_.size();
  encoder_.ints(values, bytes_);
  finish_page(column, values.size(), begin, zone ? kHasZone : 0, zone.value_or(Zone{}));
}

template <class Get>
Result<void> RowGroupWriter::text(ColumnId column, size_t count, Get get) {
  std::vector<uint32_t> ids(count);
  for (size_t i = 0; i < count; ++i) ids[i] = get(i);
  return text(column, spans_->strings, ids);
}

Result<void> RowGroupWriter::text(ColumnId column, const model::InternTable& table, std::span<const uint32_t> ids) {
  if (ids.empty()) return {};
  const size_t begin = bytes_.size();
  text_page(column, ids.size(), TRY(texts_.encode(column, table, ids, bytes_)), begin);
  return {};
}

void RowGroupWriter::text_page(ColumnId column, size_t count, const TextPages::Made& made, size_t begin) {
  finish_page(column, count, begin, made.coded ? kCoded : 0);
  if (!made.coded) columns_[column].facts.plain_value_count += count;
  if (made.filter.empty()) return;
  PageEntry& entry = directory_.pages.back();
  entry.flags |= kHasFilter;
  entry.filter = {bytes_.size(), made.filter.size(), codec::crc32c(as_bytes(made.filter))};
  bytes_ += made.filter;
  columns_[column].facts.page_bytes += made.filter.size();
}

void RowGroupWriter::finish_page(ColumnId column, size_t count, size_t begin, uint8_t flags, Zone zone) {
  PageEntry& entry = directory_.pages.emplace_back();
  entry.column = column;
  entry.flags = flags;
  entry.value_count = static_cast<uint32_t>(count);
  entry.page = {begin, bytes_.size() - begin, codec::crc32c(as_bytes(bytes_).subspan(begin))};
  entry.zone = zone;
  ColumnEntry& column_entry = columns_[column];
  column_entry.used = true;
  column_entry.facts.value_count += count;
  column_entry.facts.page_bytes += entry.page.bytes;
}

void RowGroupWriter::write_traces(std::span<const TraceInput> traces) {
  const size_t count = traces.size();
  const auto first_start = [&](size_t i) { return spans_->start[traces[i].rows[0]]; };
  const auto first_end = [&](size_t i) { return spans_->end[traces[i].rows[0]]; };
  const auto arrival = [&](size_t i) { return i == 0 ? 0 : traces[i - 1].summary.first_arrival; };
  wide(kTraceIdHigh, count, [&](size_t i) { return traces[i].summary.id.high; });
  wide(kTraceIdLow, count, [&](size_t i) { return traces[i].summary.id.low; });
  narrow(kTraceRows, count, [&](size_t i) { return static_cast<uint32_t>(traces[i].rows.size()); });
  narrow(kTraceFirstPosition, count, [&](size_t i) { return traces[i].first_position; });
  wide(kTraceStart, count, [&](size_t i) { return traces[i].summary.start - first_start(i); });
  wide(kTraceEnd, count, [&](size_t i) { return traces[i].summary.end - first_end(i); });
  wide(kTraceOrder, count, [&](size_t i) { return traces[i].summary.start - traces[i].summary.order_time; });
  wide(kTraceArrival, count, [&](size_t i) { return zigzag(traces[i].summary.first_arrival - arrival(i)); });
  narrow(kTraceFlags, count, [&](size_t i) -> uint32_t {
    return (traces[i].flags & ~kHasSaneSpan) | (traces[i].summary.has_sane_span ? kHasSaneSpan : 0);
  });
  narrow(kTraceMoreRows, count,
         [&](size_t i) { return traces[i].summary.span_count - static_cast<uint32_t>(traces[i].rows.size()); });
}

void RowGroupWriter::write_parents(std::span<const TraceInput> traces) {
  deltas_.resize(rows_.size());
  std::vector<uint32_t> raw(rows_.size());
  std::vector<uint64_t> ids;
  for (size_t t = 0; t < traces.size(); ++t) {
    const TraceInput& trace = traces[t];
    for (uint32_t i = 0; i < trace.rows.size(); ++i) {
      const uint32_t at = trace_begins_[t] + i;
      const uint32_t position = trace.first_position + i;
      const uint32_t parent = trace.parents[i];
      const uint64_t id = spans_->parent_span_id[trace.rows[i]].value;
      uint64_t implied = 0;
      bool here = true;
      if (model::is_top(parent)) {
        deltas_[at] = parent == model::kRoot ? 0 : 1;
        here = parent == model::kRoot;
      } else {
        CHECK(parent < position);
        deltas_[at] = 1 + position - parent;
        here = parent >= trace.first_position;
        if (here) implied = spans_->span_id[trace.rows[parent - trace.first_position]].value;
      }
      if (here && implied == id) continue;
      raw[at] = parent == model::kOrphan ? 0 : 1;
      ids.push_back(id);
    }
  }
  narrow(kParentDelta, rows_.size(), [&](size_t i) { return deltas_[i]; });
  narrow(kParentIsRaw, rows_.size(), [&](size_t i) { return raw[i]; });
  wide(kParentId, ids.size(), [&](size_t i) { return ids[i]; });
}

void RowGroupWriter::write_starts() {
  std::vector<uint64_t> starts(rows_.size());
  for (size_t i = 0; i < rows_.size(); ++i) starts[i] = spans_->start[rows_[i]];
  size_t trace = 0;
  wide(kStart, rows_.size(), [&](size_t i) {
    if (trace + 1 < trace_begins_.size() && trace_begins_[trace + 1] == i) ++trace;
    const size_t begin = trace_begins_[trace];
    uint64_t from = trace == 0 ? 0 : starts[trace_begins_[trace - 1]];
    if (i > begin) from = deltas_[i] > 1 && deltas_[i] - 1 <= i - begin ? starts[i - (deltas_[i] - 1)] : starts[begin];
    return zigzag(starts[i] - from);
  });
}

void RowGroupWriter::write_rows() {
  const model::SpanBatch& spans = *spans_;
  const size_t count = rows_.size();
  narrow(kTemplate, count, [&](size_t i) { return templates_[i]; });
  narrow(kResource, count, [&](size_t i) { return catalogue_.resource(spans.resource[rows_[i]]); });
  write_starts();
  wide(kDuration, count, [&](size_t i) { return spans.end[rows_[i]] - spans.start[rows_[i]]; });
  wide(kSpanId, count, [&](size_t i) { return spans.span_id[rows_[i]].value; });
  narrow(kFlags, count, [&](size_t i) { return spans.flags[rows_[i]]; });
  narrow(kDroppedAttributes, count, [&](size_t i) { return spans.rare_of(rows_[i]).dropped_attributes; });
  narrow(kDroppedEvents, count, [&](size_t i) { return spans.rare_of(rows_[i]).dropped_events; });
  narrow(kDroppedLinks, count, [&](size_t i) { return spans.rare_of(rows_[i]).dropped_links; });
  narrow(kEventCount, count, [&](size_t i) { return spans.events_end[rows_[i]] - spans.events_begin(rows_[i]); });
  narrow(kLinkCount, count, [&](size_t i) { return spans.links_end[rows_[i]] - spans.links_begin(rows_[i]); });
}

Result<void> RowGroupWriter::write_texts() {
  TRY(text(kName, spans_->strings, spilled_names_));
  TRY(text(kTraceState, rows_.size(), [&](size_t i) { return spans_->rare_of(rows_[i]).trace_state; }));
  TRY(text(kStatusMessage, rows_.size(), [&](size_t i) { return spans_->rare_of(rows_[i]).status_message; }));
  TRY(text(kEventName, events_.size(), [&](size_t i) { return spans_->events[events_[i]].name; }));
  return text(kLinkTraceState, links_.size(), [&](size_t i) { return spans_->links[links_[i]].trace_state; });
}

void RowGroupWriter::write_events() {
  if (events_.empty()) return;
  std::vector<UnixNanos> starts;
  for (const uint32_t row : rows_)
    starts.insert(starts.end(), spans_->events_end[row] - spans_->events_begin(row), spans_->start[row]);
  const size_t count = events_.size();
  wide(kEventTime, count, [&](size_t i) { return spans_->events[events_[i]].time - starts[i]; });
  narrow(kEventShape, count, [&](size_t i) { return catalogue_.resolved(local_shapes_[1][i]).block_shape; });
  narrow(kEventDropped, count, [&](size_t i) { return spans_->events[events_[i]].dropped_attributes; });
}

void RowGroupWriter::write_links() {
  if (links_.empty()) return;
  const size_t count = links_.size();
  const auto link = [&](size_t i) -> const model::Link& { return spans_->links[links_[i]]; };
  wide(kLinkTraceHigh, count, [&](size_t i) { return link(i).trace_id.high; });
  wide(kLinkTraceLow, count, [&](size_t i) { return link(i).trace_id.low; });
  wide(kLinkSpanId, count, [&](size_t i) { return link(i).span_id.value; });
  narrow(kLinkShape, count, [&](size_t i) { return catalogue_.resolved(local_shapes_[2][i]).block_shape; });
  narrow(kLinkDropped, count, [&](size_t i) { return link(i).dropped_attributes; });
  narrow(kLinkFlags, count, [&](size_t i) { return link(i).flags; });
}

Result<void> RowGroupWriter::write_rare() {
  for (const Level level : {Level::Span, Level::Event, Level::Link}) {
    const Rare& rare = rare_[static_cast<size_t>(level)];
    if (rare.keys.empty()) continue;
    if (rare.keys.size() > kPageValuesMax)
      return Error(Code::ResourceExhausted, "a row group with more rare attributes than a page takes");
    const ColumnId first = rare_columns(level);
    TRY(text(first, spans_->strings, rare.keys));
    narrow(first + 1, rare.types.size(), [&](size_t i) { return rare.types[i]; });
    const size_t begin = bytes_.size();
    text_page(first + 2, rare.values.size(), TRY(texts_.encode_plain(rare.values, bytes_)), begin);
  }
  return {};
}

Result<void> RowGroupWriter::write_attributes() {
  std::vector<uint32_t> ids;
  for (ColumnId i = 0; i < values_.size(); ++i) {
    const std::vector<uint64_t>& values = values_[i];
    if (values.empty()) continue;
    if (values.size() > kPageValuesMax)
      return Error(Code::ResourceExhausted, "a row group with more attributes of a key than a page takes");
    const ColumnId column = kFirstAttribute + i;
    const ValueType type = catalogue_.columns()[i].type;
    if (!is_text(type)) {
      numbers(column, values);
      continue;
    }
    ids.resize(values.size());
    for (size_t k = 0; k < values.size(); ++k) ids[k] = static_cast<uint32_t>(values[k]);
    TRY(text(column, is_blob(type) ? spans_->blobs : spans_->strings, ids));
  }
  return {};
}

uint64_t RowGroupWriter::memory_bytes() const {
  uint64_t bytes = catalogue_.memory_bytes() + texts_.memory_bytes() + bytes_.capacity() +
                   columns_.capacity() * sizeof(ColumnEntry) + kRowGroupRowsMax * 64;
  for (const auto& values : values_) bytes += values.capacity() * sizeof(uint64_t);
  for (const Rare& rare : rare_) bytes += rare.values.bytes.capacity() + rare.keys.capacity() * 12;
  return bytes;
}

}  // namespace clew::block
