// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "block/block.h"
#include "block/layout.h"

namespace clew::block {
namespace {

using model::ValueType;

constexpr uint32_t kUnknown = UINT32_MAX;

// A column of one row group, as far as values are taken from it.
struct Source {
  uint64_t loaded = 0;  // by the append() with this number
  std::span<const uint32_t> firsts;
  std::span<const uint64_t> ints;
  std::span<const uint32_t> codes;    // where coded
  const TextValues* texts = nullptr;  // where plain
  bool is_text = false;
  bool is_blob = false;

  // Of the block.
  std::shared_ptr<const Dictionary> dictionary;
  std::vector<uint32_t> numbers;  // by code: number in the batch
};

// Where a value of a list is: the n-th of the owner's in a column.
struct Target {
  ColumnId column = 0;
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

}  // namespace

class RowCopier::Impl {
 public:
  Impl(std::shared_ptr<const Block> block, model::SpanBatch& out)
      : block_(std::move(block)), out_(out), sources_(block_->column_count()) {}

  Result<void> append(RowGroup& group, std::span<const uint32_t> rows) {
    if (rows.empty()) return {};
    if (!tables_) TRY(start());
    ++number_;
    group_ = &group;
    TRY(open_columns());
    for (const uint32_t row : rows) {
      if (row >= group.row_count()) return Error(Code::OutOfRange, "a row beyond its row group");
      TRY(append_row(row));
    }
    return {};
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
  };

  Result<void> start() {
    tables_ = TRY(block_->tables());
    shapes_.resize(tables_->shapes.size());
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
    }
    if (c.first_links.back() > 0) {
      c.link_shapes = TRY(group.rows(kLinkShape));
      c.link_dropped = TRY(group.rows(kLinkDropped));
      c.link_flags = TRY(group.rows(kLinkFlags));
      c.link_high = TRY(group.ints(kLinkTraceHigh));
      c.link_low = TRY(group.ints(kLinkTraceLow));
      c.link_ids = TRY(group.ints(kLinkSpanId));
    }
    return {};
  }

  Result<void> append_row(uint32_t row) {
    const Columns& c = columns_;
    for (uint32_t i = c.first_events[row]; i < c.first_events[row + 1]; ++i) {
      model::Event event;
      event.time = c.starts[row] + c.event_times[i];
      if (!text_at(kEventName, i, event.name) || !attributes(Level::Event, c.event_shapes[i], i, event.attributes))
        return *error_;
      event.dropped_attributes = c.event_dropped[i];
      out_.events.push_back(event);
    }
    for (uint32_t i = c.first_links[row]; i < c.first_links[row + 1]; ++i) {
      model::Link link;
      link.trace_id = {c.link_high[i], c.link_low[i]};
      link.span_id = {c.link_ids[i]};
      if (!text_at(kLinkTraceState, i, link.trace_state) ||
          !attributes(Level::Link, c.link_shapes[i], i, link.attributes))
        return *error_;
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
    span.kind = entry.kind;
    span.status_code = entry.status_code;
    span.flags = c.flags[row];
    span.resource =
        known(resources_[c.resources[row]], [&] { return out_.take_resource(tables_->batch, c.resources[row]); });
    span.scope = known(scopes_[entry.scope], [&] { return out_.take_scope(tables_->batch, entry.scope); });
    if (!name_of(number, row, span.name) || !attributes(Level::Span, entry.shape, row, span.attributes) ||
        !text_at(kTraceState, row, span.rare.trace_state) || !text_at(kStatusMessage, row, span.rare.status_message))
      return *error_;
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

  bool name_of(uint32_t number, uint32_t row, model::StringId& into) {
    const Template& entry = tables_->templates[number];
    if (entry.name != Template::kSpilled) {
      into = known(names_[number], [&] { return out_.strings.intern(tables_->batch.strings.at(entry.name)); });
      return true;
    }
    Source* source = source_of(kName);
    if (source == nullptr) return false;
    into = text(*source, source->firsts[row]);
    return true;
  }

  // The column, with its values of this row group at hand; null after an error, which is then in error_.
  Source* source_of(ColumnId id) {
    Source& source = sources_[id];
    if (source.loaded == number_) [[likely]]
      return &source;
    Result<void> loaded = load_source(id);
    if (loaded.ok()) return &source;
    error_ = std::move(loaded).error();
    return nullptr;
  }

  Result<void> load_source(ColumnId id) {
    Source& source = sources_[id];
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
    if (source.texts != nullptr) return table.intern((*source.texts)[i]);
    const uint32_t code = source.codes[i];
    return known(source.numbers[code], [&] { return table.intern((*source.dictionary)[code]); });
  }

  // False after an error.
  bool text_at(ColumnId id, uint32_t i, model::StringId& into) {
    Source* source = source_of(id);
    if (source == nullptr) return false;
    into = text(*source, i);
    return true;
  }

  OutShape& shape_of(uint32_t number) {
    OutShape& shape = shapes_[number];
    if (shape.made) return shape;
    const std::vector<ColumnId>& columns = tables_->shapes[number];
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto before = std::span(columns).first(i);
      shape.targets.push_back({columns[i], static_cast<uint32_t>(std::ranges::count(before, columns[i]))});
      if (columns[i] == kRareColumn) {
        shape.has_rare = true;
        shape.keys.push_back({0});
        continue;
      }
      const Column& column = block_->column(columns[i]).column;
      const uint32_t key = known(keys_[columns[i]], [&] { return out_.strings.intern(column.key); });
      shape.keys.push_back(model::KeyType::of(key, column.type));
    }
    if (!shape.has_rare) shape.shape = out_.intern_shape(shape.keys);
    shape.made = true;
    return shape;
  }

  bool attributes(Level level, uint32_t number, uint32_t owner, model::AttributeSet& set) {
    OutShape& shape = shape_of(number);
    if (shape.targets.empty()) return true;
    set = {shape.shape, static_cast<uint32_t>(out_.slots.size())};
    for (size_t i = 0; i < shape.targets.size(); ++i) {
      const Target& target = shape.targets[i];
      if (target.column == kRareColumn) [[unlikely]] {
        const Result<uint64_t> slot = rare(level, owner, target.nth, shape.keys[i]);
        if (!slot.ok()) {
          error_ = slot.error();
          return false;
        }
        out_.slots.push_back(*slot);
        continue;
      }
      Source* source = source_of(target.column);
      if (source == nullptr) return false;
      const uint32_t at = source->firsts[owner] + target.nth;
      out_.slots.push_back(source->is_text ? text(*source, at) : source->ints[at]);
    }
    if (shape.has_rare) set.shape = out_.intern_shape(shape.keys);
    return true;
  }

  // The slot of the owner's n-th rare attribute; sets its key.
  Result<uint64_t> rare(Level level, uint32_t owner, uint32_t nth, model::KeyType& key) {
    const ColumnId first = rare_columns(level);
    if (source_of(first) == nullptr || source_of(first + 2) == nullptr) return *error_;
    Source& keys = sources_[first];
    Source& values = sources_[first + 2];
    const std::span<const uint32_t> types = TRY(group_->rows(static_cast<FixedColumn>(first + 1)));
    const uint32_t at = keys.firsts[owner] + nth;
    const auto type = static_cast<ValueType>(types[at]);
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
  std::shared_ptr<const Tables> tables_;
  std::vector<Source> sources_;   // by column
  std::vector<OutShape> shapes_;  // by shape
  std::vector<uint32_t> names_;   // by template
  std::vector<uint32_t> scopes_;  // by scope, resource of the tables
  std::vector<uint32_t> resources_;
  std::vector<uint32_t> keys_;  // by column

  // Of the append at hand.
  uint64_t number_ = 0;
  RowGroup* group_ = nullptr;
  Columns columns_;
  size_t trace_ = 0;
  std::optional<Error> error_;
};

RowCopier::RowCopier(std::shared_ptr<const Block> block, model::SpanBatch& out)
    : impl_(std::make_unique<Impl>(std::move(block), out)) {}
RowCopier::~RowCopier() = default;

Result<void> RowCopier::append(RowGroup& group, std::span<const uint32_t> rows) { return impl_->append(group, rows); }

}  // namespace clew::block
