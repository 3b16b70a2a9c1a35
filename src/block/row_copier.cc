// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "block/block.h"
#include "block/filter.h"
#include "block/layout.h"

namespace clew::block {
namespace {

using model::ValueType;

constexpr uint32_t kUnknown = UINT32_MAX;

// A column of one row group, as far as values are taken from it.
struct Source {
  uint64_t loaded = 0;  // by the start() with this number
  std::span<const uint32_t> firsts;
  std::span<const uint64_t> ints;
  std::span<const uint32_t> codes;    // where coded
  const TextValues* texts = nullptr;  // where plain
  bool is_text = false;
  bool is_blob = false;
  bool is_unseen = false;  // all are different

  // Of the block.
  std::shared_ptr<const Dictionary> dictionary;
  std::vector<uint32_t> numbers;  // by code: number in the batch
};

// Where a value of a list is: the n-th of the owner's in a column. Without a source it lies in the rare columns.
struct Target {
  Source* source = nullptr;
  uint32_t nth = 0;
};

// A shape of the block as the batch has it.
struct OutShape {
  bool made = false;
  bool has_rare = false;  // then the batch's shape differs from row to row
  model::ShapeId shape = 0;
  std::vector<Target> targets;
  std::vector<model::KeyType> keys;
};

// Texts of a plain page that are looked at to tell whether they are all different: then of the whole page most are.
constexpr size_t kSampleTexts = 256;

bool are_all_different(const TextValues& texts) {
  if (texts.size() < kSampleTexts) return false;
  std::array<uint64_t, kSampleTexts> hashes;
  for (size_t i = 0; i < kSampleTexts; ++i) hashes[i] = filter_hash(texts[i * (texts.size() / kSampleTexts)]);
  std::ranges::sort(hashes);
  return std::ranges::adjacent_find(hashes) == hashes.end();
}

}  // namespace

// Everything that may have to be read is read by start(), so that a row costs look-ups in arrays and nothing else.
class RowCopier::Impl {
 public:
  Impl(std::shared_ptr<const Block> block, model::SpanBatch& out, Texts texts)
      : block_(std::move(block)), out_(out), texts_(texts), sources_(block_->column_count()) {}

  Result<void> start(RowGroup& group, std::span<const uint32_t> rows) {
    if (!tables_) TRY(open_block());
    ++number_;
    group_ = &group;
    trace_ = 0;
    TRY(open_columns());
    TRY(load_source(kTraceState));
    TRY(load_source(kStatusMessage));
    for (const uint32_t row : rows) {
      if (row >= group.row_count()) return Error(Code::OutOfRange, "a row beyond its row group");
      TRY(open_row(row));
    }
    return {};
  }

  Result<void> append(std::span<const uint32_t> rows) {
    for (const uint32_t row : rows) TRY(append_row(row));
    return {};
  }

  void forget() {
    for (Source& source : sources_) std::ranges::fill(source.numbers, kUnknown);
    for (OutShape& shape : shapes_) shape.made = false;
    for (std::vector<uint32_t>* memos : {&names_, &scopes_, &resources_, &keys_}) std::ranges::fill(*memos, kUnknown);
  }

  uint64_t memory_bytes() const {
    uint64_t bytes = sources_.capacity() * sizeof(Source) + shapes_.capacity() * sizeof(OutShape);
    for (const Source& source : sources_) bytes += source.numbers.capacity() * sizeof(uint32_t);
    for (const OutShape& shape : shapes_) bytes += shape.targets.capacity() * (sizeof(Target) + sizeof(model::KeyType));
    return bytes;
  }

 private:
  // The fixed columns of the row group.
  struct Columns {
    std::span<const uint32_t> templates, resources, flags, dropped_attributes, dropped_events, dropped_links;
    std::span<const uint64_t> starts, ends, ids, parent_ids;
    std::span<const uint32_t> first_events, event_shapes, event_dropped;
    std::span<const uint64_t> event_times;
    std::span<const uint32_t> first_links, link_shapes, link_dropped, link_flags;
    std::span<const uint64_t> link_high, link_low, link_ids;
    std::span<const TraceRows> traces;
    std::array<std::span<const uint32_t>, 3> rare_types;  // by level
  };

  Result<void> open_block() {
    tables_ = TRY(block_->tables());
    shapes_.resize(tables_->shapes.size());
    opened_templates_.resize(tables_->templates.size());
    for (std::vector<uint64_t>& opened : opened_shapes_) opened.resize(tables_->shapes.size());
    names_.assign(tables_->templates.size(), kUnknown);
    scopes_.assign(tables_->batch.scopes.size(), kUnknown);
    resources_.assign(tables_->batch.resources.size(), kUnknown);
    keys_.assign(block_->column_count(), kUnknown);
    return {};
  }

  Result<void> open_columns() {
    Columns& c = columns_ = {};
    RowGroup& group = *group_;
    c.templates = TRY(group.rows(kTemplate));
    c.resources = TRY(group.rows(kResource));
    c.flags = TRY(group.rows(kFlags));
    c.dropped_attributes = TRY(group.rows(kDroppedAttributes));
    c.dropped_events = TRY(group.rows(kDroppedEvents));
    c.dropped_links = TRY(group.rows(kDroppedLinks));
    c.starts = TRY(group.ints(kStart));
    c.ends = TRY(group.ends());
    c.ids = TRY(group.ints(kSpanId));
    c.parent_ids = TRY(group.parent_ids());
    c.traces = TRY(group.traces());
    c.first_events = TRY(group.first_events());
    c.first_links = TRY(group.first_links());
    if (c.first_events.back() > 0) {
      c.event_shapes = TRY(group.rows(kEventShape));
      c.event_dropped = TRY(group.rows(kEventDropped));
      c.event_times = TRY(group.ints(kEventTime));
      TRY(load_source(kEventName));
    }
    if (c.first_links.back() > 0) {
      c.link_shapes = TRY(group.rows(kLinkShape));
      c.link_dropped = TRY(group.rows(kLinkDropped));
      c.link_flags = TRY(group.rows(kLinkFlags));
      c.link_high = TRY(group.ints(kLinkTraceHigh));
      c.link_low = TRY(group.ints(kLinkTraceLow));
      c.link_ids = TRY(group.ints(kLinkSpanId));
      TRY(load_source(kLinkTraceState));
    }
    return {};
  }

  // Reads the columns that the row's template and shapes name.
  Result<void> open_row(uint32_t row) {
    const Columns& c = columns_;
    for (uint32_t i = c.first_events[row]; i < c.first_events[row + 1]; ++i)
      TRY(open_shape(Level::Event, c.event_shapes[i]));
    for (uint32_t i = c.first_links[row]; i < c.first_links[row + 1]; ++i)
      TRY(open_shape(Level::Link, c.link_shapes[i]));
    uint64_t& opened = opened_templates_[c.templates[row]];
    if (opened == number_) return {};
    opened = number_;
    const Template& entry = tables_->templates[c.templates[row]];
    if (entry.name == Template::kSpilled) TRY(load_source(kName));
    return open_shape(Level::Span, entry.shape);
  }

  Result<void> open_shape(Level level, uint32_t number) {
    uint64_t& opened = opened_shapes_[static_cast<size_t>(level)][number];
    if (opened == number_) return {};
    opened = number_;
    for (const ColumnId column : tables_->shapes[number]) {
      if (column != kRareColumn) {
        TRY(load_source(column));
        continue;
      }
      const ColumnId first = rare_columns(level);
      TRY(load_source(first));
      TRY(load_source(first + 2));
      columns_.rare_types[static_cast<size_t>(level)] = TRY(group_->rows(static_cast<FixedColumn>(first + 1)));
    }
    return {};
  }

  Result<void> append_row(uint32_t row) {
    const Columns& c = columns_;
    for (uint32_t i = c.first_events[row]; i < c.first_events[row + 1]; ++i) {
      model::Event event;
      event.time = c.starts[row] + c.event_times[i];
      event.name = text(sources_[kEventName], i);
      TRY(attributes(Level::Event, c.event_shapes[i], i, event.attributes));
      event.dropped_attributes = c.event_dropped[i];
      out_.events.push_back(event);
    }
    for (uint32_t i = c.first_links[row]; i < c.first_links[row + 1]; ++i) {
      model::Link link;
      link.trace_id = {c.link_high[i], c.link_low[i]};
      link.span_id = {c.link_ids[i]};
      link.trace_state = text(sources_[kLinkTraceState], i);
      TRY(attributes(Level::Link, c.link_shapes[i], i, link.attributes));
      link.dropped_attributes = c.link_dropped[i];
      link.flags = c.link_flags[i];
      out_.links.push_back(link);
    }
    const uint32_t number = c.templates[row];
    const Template& entry = tables_->templates[number];
    model::SpanRow span;
    span.trace_id = trace_of(row);
    span.span_id = {c.ids[row]};
    span.parent_span_id = {c.parent_ids[row]};
    span.start = c.starts[row];
    span.end = c.ends[row];
    span.name = name_of(number, row);
    span.kind = entry.kind;
    span.status_code = entry.status_code;
    span.flags = c.flags[row];
    span.resource =
        known(resources_[c.resources[row]], [&] { return out_.take_resource(tables_->batch, c.resources[row]); });
    span.scope = known(scopes_[entry.scope], [&] { return out_.take_scope(tables_->batch, entry.scope); });
    TRY(attributes(Level::Span, entry.shape, row, span.attributes));
    span.rare.trace_state = text(sources_[kTraceState], row);
    span.rare.status_message = text(sources_[kStatusMessage], row);
    span.rare.dropped_attributes = c.dropped_attributes[row];
    span.rare.dropped_events = c.dropped_events[row];
    span.rare.dropped_links = c.dropped_links[row];
    out_.add_span(span);
    return {};
  }

  template <class Make>
  static uint32_t known(uint32_t& memo, Make make) {
    if (memo == kUnknown) memo = make();
    return memo;
  }

  // Rows mostly come one behind the other, so the trace is mostly that of the row before.
  model::TraceId trace_of(uint32_t row) {
    const std::span<const TraceRows> traces = columns_.traces;
    const auto holds = [&](size_t i) {
      return i < traces.size() && row >= traces[i].first_row && row - traces[i].first_row < traces[i].row_count;
    };
    if (!holds(trace_)) ++trace_;
    if (!holds(trace_)) {
      const auto after = std::ranges::upper_bound(traces, row, {}, &TraceRows::first_row);
      trace_ = static_cast<size_t>(after - traces.begin()) - 1;
    }
    return traces[trace_].summary.id;
  }

  model::StringId name_of(uint32_t number, uint32_t row) {
    const Template& entry = tables_->templates[number];
    if (entry.name != Template::kSpilled)
      return known(names_[number], [&] { return out_.strings.intern(tables_->batch.strings.at(entry.name)); });
    Source& source = sources_[kName];
    return text(source, source.firsts[row]);
  }

  Result<void> load_source(ColumnId id) {
    Source& source = sources_[id];
    if (source.loaded == number_) return {};
    const bool fixed = id < kFirstAttribute;
    const Column& column = block_->column(id).column;
    source.is_text = block_->column(id).text;
    source.is_blob = !fixed && column.type >= ValueType::Bytes;
    if (source.is_text && group_->is_coded(id)) {
      source.codes = TRY(group_->codes(id));
      source.texts = nullptr;
      if (!source.dictionary) {
        source.dictionary = TRY(block_->dictionary(id));
        source.numbers.assign(source.dictionary->size(), kUnknown);
      }
    } else if (source.is_text) {
      source.texts = TRY(group_->texts(id));
      source.is_unseen = texts_ == Texts::AsTheyCome && are_all_different(*source.texts);
    } else {
      source.ints = TRY(group_->ints(id));
    }
    const bool of_span = fixed ? id == kName || fixed_info(id).extent == Extent::RareSpan : column.level == Level::Span;
    const bool of_child = fixed ? fixed_info(id).extent >= Extent::RareEvent : column.level != Level::Span;
    if (of_span) source.firsts = TRY(group_->first_values(id));
    if (of_child) source.firsts = TRY(group_->first_child_values(id));
    source.loaded = number_;
    return {};
  }

  // The number in the batch of value `i` of a text column.
  uint32_t text(Source& source, uint32_t i) {
    model::InternTable& table = source.is_blob ? out_.blobs : out_.strings;
    if (source.texts != nullptr) {
      const std::string_view text = (*source.texts)[i];
      return source.is_unseen ? table.add_unseen(text) : table.intern(text);
    }
    const uint32_t code = source.codes[i];
    return known(source.numbers[code], [&] { return table.intern((*source.dictionary)[code]); });
  }

  const OutShape& shape_of(uint32_t number) {
    OutShape& shape = shapes_[number];
    if (shape.made) [[likely]]
      return shape;
    shape.targets.clear();
    shape.keys.clear();
    const std::vector<ColumnId>& columns = tables_->shapes[number];
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto nth = static_cast<uint32_t>(std::ranges::count(std::span(columns).first(i), columns[i]));
      if (columns[i] == kRareColumn) {
        shape.has_rare = true;
        shape.targets.push_back({nullptr, nth});
        shape.keys.push_back({0});
        continue;
      }
      shape.targets.push_back({&sources_[columns[i]], nth});
      const Column& column = block_->column(columns[i]).column;
      const uint32_t key = known(keys_[columns[i]], [&] { return out_.strings.intern(column.key); });
      shape.keys.push_back(model::KeyType::of(key, column.type));
    }
    if (!shape.has_rare) shape.shape = out_.intern_shape(shape.keys);
    shape.made = true;
    return shape;
  }

  Result<void> attributes(Level level, uint32_t number, uint32_t owner, model::AttributeSet& set) {
    const OutShape& shape = shape_of(number);
    if (shape.targets.empty()) return {};
    set = {shape.shape, static_cast<uint32_t>(out_.slots.size())};
    if (shape.has_rare) [[unlikely]]
      return rare_attributes(level, number, owner, set);
    for (const Target& target : shape.targets) out_.slots.push_back(value(target, owner));
    return {};
  }

  uint64_t value(const Target& target, uint32_t owner) {
    Source& source = *target.source;
    const uint32_t at = source.firsts[owner] + target.nth;
    return source.is_text ? text(source, at) : source.ints[at];
  }

  Result<void> rare_attributes(Level level, uint32_t number, uint32_t owner, model::AttributeSet& set) {
    OutShape& shape = shapes_[number];
    for (size_t i = 0; i < shape.targets.size(); ++i) {
      const Target& target = shape.targets[i];
      out_.slots.push_back(target.source == nullptr ? TRY(rare(level, owner, target.nth, shape.keys[i]))
                                                    : value(target, owner));
    }
    set.shape = out_.intern_shape(shape.keys);
    return {};
  }

  // The slot of the owner's n-th rare attribute; sets its key.
  Result<uint64_t> rare(Level level, uint32_t owner, uint32_t nth, model::KeyType& key) {
    const ColumnId first = rare_columns(level);
    Source& keys = sources_[first];
    Source& values = sources_[first + 2];
    const uint32_t at = keys.firsts[owner] + nth;
    const auto type = static_cast<ValueType>(columns_.rare_types[static_cast<size_t>(level)][at]);
    key = model::KeyType::of(text(keys, at), type);
    const std::string_view value =
        values.texts != nullptr ? (*values.texts)[at] : (*values.dictionary)[values.codes[at]];
    if (type == ValueType::Empty) return uint64_t{0};
    if (is_text(type)) return uint64_t{(type == ValueType::String ? out_.strings : out_.blobs).intern(value)};
    if (value.size() != sizeof(uint64_t)) return damaged("a rare number");
    const auto slot = load<uint64_t>(value.data());
    if (type == ValueType::Bool && slot > 1) return damaged("a rare bool above 1");
    return slot;
  }

  const std::shared_ptr<const Block> block_;
  model::SpanBatch& out_;
  const Texts texts_;
  std::shared_ptr<const Tables> tables_;
  std::vector<Source> sources_;   // by column
  std::vector<OutShape> shapes_;  // by shape
  std::vector<uint32_t> names_;   // by template
  std::vector<uint32_t> scopes_;  // by scope, resource of the tables
  std::vector<uint32_t> resources_;
  std::vector<uint32_t> keys_;  // by column

  // Of the row group that was started.
  uint64_t number_ = 0;
  std::vector<uint64_t> opened_templates_;  // by the start with this number
  // By level: those whose attributes are all rare may be of several.
  std::array<std::vector<uint64_t>, 3> opened_shapes_;
  RowGroup* group_ = nullptr;
  Columns columns_;
  size_t trace_ = 0;
};

RowCopier::RowCopier(std::shared_ptr<const Block> block, model::SpanBatch& out, Texts texts)
    : impl_(std::make_unique<Impl>(std::move(block), out, texts)) {}
RowCopier::~RowCopier() = default;

Result<void> RowCopier::append(RowGroup& group, std::span<const uint32_t> rows) {
  if (rows.empty()) return {};
  TRY(impl_->start(group, rows));
  return impl_->append(rows);
}

Result<void> RowCopier::start(RowGroup& group, std::span<const uint32_t> rows) { return impl_->start(group, rows); }
Result<void> RowCopier::append_started(std::span<const uint32_t> rows) { return impl_->append(rows); }
void RowCopier::forget() { impl_->forget(); }
uint64_t RowCopier::memory_bytes() const { return impl_->memory_bytes(); }

}  // namespace clew::block
