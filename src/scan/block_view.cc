// SPDX-License-Identifier: Apache-2.0
//
// Where a key stands in a shape is worked out once per block. A row then costs: template, shape, place, first value,
// value. Rows with several values of a key, or with attributes in the rare columns, go through append_groups().
#include "scan/block_view.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "eval/array_value.h"
#include "eval/compare.h"

namespace clew::scan {
namespace {

using block::Level;
using eval::Value;
using eval::ValueColumn;
using eval::ValueKind;
using model::ValueType;
using query::Intrinsic;
using query::Scope;

ValueKind kind_of(ValueType type) {
  switch (type) {
    case ValueType::Bool:
      return ValueKind::Bool;
    case ValueType::Int:
      return ValueKind::Int;
    case ValueType::Double:
      return ValueKind::Float;
    default:
      return ValueKind::Opaque;
  }
}

uint64_t duration_of(UnixNanos start, uint64_t duration) {
  if (duration > UINT64_MAX - start) return 0;  // the end lies before the start
  return std::min<uint64_t>(duration, std::numeric_limits<int64_t>::max());
}

// event - start, at the ends of what an int64 holds where it is further; `since` is it modulo 2^64.
int64_t time_since(UnixNanos start, uint64_t since) {
  constexpr uint64_t kFurthest = std::numeric_limits<int64_t>::max();
  const UnixNanos event = start + since;
  if (event >= start) return static_cast<int64_t>(std::min(event - start, kFurthest));
  return -static_cast<int64_t>(std::min(start - event, kFurthest));
}

bool is_of_events(Intrinsic intrinsic) {
  return intrinsic == Intrinsic::EventName || intrinsic == Intrinsic::EventTimeSinceStart;
}
bool is_of_links(Intrinsic intrinsic) {
  return intrinsic == Intrinsic::LinkTraceId || intrinsic == Intrinsic::LinkSpanId;
}

block::FixedColumn rare_keys(Level level) {
  return level == Level::Span    ? block::kRareSpanKey
         : level == Level::Event ? block::kRareEventKey
                                 : block::kRareLinkKey;
}

}  // namespace

BlockView::BlockView(std::shared_ptr<const block::Block> block, std::shared_ptr<const block::Tables> tables)
    : block_(std::move(block)), tables_(std::move(tables)), owners_(tables_->batch) {
  for (const auto& shape : tables_->shapes) {
    rare_in_shape_.push_back(static_cast<uint32_t>(std::ranges::count(shape, block::kRareColumn)));
  }
}

void BlockView::move_to(block::RowGroup& group) {
  forget();
  Segment& segment = segments_.emplace_back();
  segment.row_count = group.row_count();
  segment.group = &group;
}

void BlockView::forget() {
  segments_.clear();
  held_.clear();
  held_before_.clear();
  swept_.reset();
  error_.reset();
}

void BlockView::move_to_giant(uint32_t first, uint32_t count) {
  forget();
  uint32_t row = 0;
  for (uint32_t i = first; i < first + count; ++i) {
    Segment& segment = segments_.emplace_back();
    segment.first_row = row;
    segment.row_count = block_->row_groups()[i].row_count;
    segment.index = i;
    row += segment.row_count;
  }
}

// False: they lie in more row groups than are held at a time.
bool BlockView::hold(std::span<const uint32_t> rows) {
  if (segments_.size() == 1) return true;
  std::vector<Segment*> wanted;
  bool few = true;
  for_each_run(rows, [&](const Run& run) {
    if (std::ranges::find(wanted, &run.segment) == wanted.end()) wanted.push_back(&run.segment);
    few = wanted.size() <= kSegmentsPerRead;
    return few;
  });
  if (!few) return false;
  const auto held = [](const std::vector<Segment*>& list) {
    return [&list](const Segment* segment) { return std::ranges::find(list, segment) != list.end(); };
  };
  if (std::ranges::all_of(wanted, held(held_))) return true;
  for (Segment* const segment : held_before_) {
    if (held(held_)(segment) || held(wanted)(segment)) continue;
    segment->pages.clear();
    segment->group = nullptr;
    segment->loaded.reset();
  }
  held_before_ = std::exchange(held_, std::move(wanted));
  return true;
}

block::RowGroup* BlockView::load(Segment& segment) {
  if (segment.group != nullptr) return segment.group;
  Result<block::RowGroup> group = block_->row_group(segment.index);
  if (!group.ok()) {
    if (!error_) error_ = group.error();
    return nullptr;
  }
  segment.loaded.emplace(std::move(*group));
  segment.group = &*segment.loaded;
  return segment.group;
}

// Goes through rows for numbers that the caller copies: nothing that is held is let go for it.
template <class Visit>
void BlockView::sweep(std::span<const uint32_t> rows, Visit visit) {
  for_each_run(rows, [&](const Run& run) {
    block::RowGroup* group = run.segment.group;
    if (group == nullptr) {
      if (!swept_ || swept_index_ != run.segment.index) {
        swept_.reset();
        Result<block::RowGroup> read = block_->row_group(run.segment.index);
        if (!read.ok()) {
          if (!error_) error_ = read.error();
          return false;
        }
        swept_.emplace(std::move(*read));
        swept_index_ = run.segment.index;
      }
      group = &*swept_;
    }
    visit(run, *group);
    return !error_;
  });
}

eval::FieldId BlockView::bind(const query::Attribute& attribute) {
  for (eval::FieldId id = 0; id < fields_.size(); ++id) {
    const Field& known = fields_[id];
    if (!known.intrinsic && known.scope == attribute.scope && known.key == attribute.name) return id;
  }
  Field field;
  field.scope = attribute.scope;
  field.key = attribute.name;
  switch (attribute.scope) {
    case Scope::Event:
      find_columns(field, Level::Event);
      break;
    case Scope::Link:
      find_columns(field, Level::Link);
      break;
    case Scope::Span:
    case Scope::Any:
      find_columns(field, Level::Span);
      break;
    default:
      break;
  }
  if (attribute.scope == Scope::Any || attribute.scope == Scope::Resource ||
      attribute.scope == Scope::Instrumentation) {
    const Scope scope = attribute.scope == Scope::Any ? Scope::Resource : attribute.scope;
    field.of_owner = owners_.bind(query::Attribute{scope, attribute.name});
    const eval::FieldFacts facts = owners_.facts(field.of_owner);
    field.owner_may_have_it = facts.may_exist;
    field.may_be_text |= facts.may_be_text;
  }
  fields_.push_back(std::move(field));
  return static_cast<eval::FieldId>(fields_.size() - 1);
}

eval::FieldId BlockView::bind(Intrinsic intrinsic) {
  CHECK(!eval::is_of_trace(intrinsic));
  for (eval::FieldId id = 0; id < fields_.size(); ++id) {
    if (fields_[id].intrinsic == intrinsic) return id;
  }
  Field field;
  field.intrinsic = intrinsic;
  field.may_be_text = true;
  fields_.push_back(std::move(field));
  return static_cast<eval::FieldId>(fields_.size() - 1);
}

void BlockView::find_columns(Field& field, Level level) {
  field.may_be_rare = block_->has_rare(level);
  field.may_be_text |= field.may_be_rare;
  for (const block::ColumnId id : block_->find_columns(level, field.key)) {
    const ValueType type = block_->column(id).column.type;
    if (type == ValueType::Empty) continue;
    field.columns.push_back({id, type, nullptr});
    field.may_be_text |= block::is_text(type);
  }
  field.shapes.resize(tables_->shapes.size());
  for (size_t i = 0; i < field.shapes.size(); ++i) {
    ShapePlace& at = field.shapes[i];
    for (const block::ColumnId id : tables_->shapes[i]) {
      const auto column = std::ranges::find(field.columns, id, &FieldColumn::id);
      if (column == field.columns.end()) continue;
      const bool plain = at.place == Place::Absent && column->type != ValueType::Array;
      at = {plain ? Place::Column : Place::Several, static_cast<uint8_t>(column - field.columns.begin())};
    }
    if (field.may_be_rare && rare_in_shape_[i] > 0) at.place = Place::Several;
  }
}

eval::FieldFacts BlockView::facts(eval::FieldId id) {
  const Field& field = fields_[id];
  if (field.intrinsic) return {true, field.may_be_text};
  return {!field.columns.empty() || field.may_be_rare || field.owner_may_have_it, field.may_be_text};
}

Level BlockView::level_of(const Field& field) const {
  if (field.scope == Scope::Event) return Level::Event;
  return field.scope == Scope::Link ? Level::Link : Level::Span;
}

const block::Dictionary* BlockView::dictionary(block::ColumnId id) {
  std::shared_ptr<const block::Dictionary>& known = dictionaries_[id];
  if (!known) known = checked(block_->dictionary(id));
  return known.get();
}

// The page of a column; nothing if it has no value here or cannot be read.
const PageValues* BlockView::values(Segment& segment, block::ColumnId id, bool text, Level level) {
  if (const auto known = segment.pages.find(id); known != segment.pages.end()) {
    return error_ ? nullptr : &known->second;
  }
  block::RowGroup* group = load(segment);
  if (group == nullptr || !group->has(id)) return nullptr;
  PageValues page;
  if (!text) {
    page.ints = checked(group->ints(id));
  } else if (group->is_coded(id)) {
    page.codes = checked(group->codes(id));
    page.dictionary = dictionary(id);
  } else {
    page.texts = checked(group->texts(id));
  }
  // Other fixed columns have a value for each row, event or link.
  if (level != Level::Span && (id >= block::kFirstAttribute || id == rare_keys(level))) {
    page.first = checked(group->first_child_values(id));
  } else if (id >= block::kFirstAttribute || id == block::kRareSpanKey || id == block::kName) {
    page.first = checked(group->first_values(id));
  }
  if (error_) return nullptr;
  return &segment.pages.emplace(id, page).first->second;
}

const PageValues* BlockView::values(Segment& segment, const Field& field, const FieldColumn& column) {
  return values(segment, column.id, block::is_text(column.type), level_of(field));
}

template <class Visit>
void BlockView::for_each_run(std::span<const uint32_t> rows, Visit visit) {
  for (size_t at = 0; at < rows.size();) {
    auto segment = segments_.begin();
    if (segments_.size() > 1) {
      segment = std::ranges::upper_bound(segments_, rows[at], {}, &Segment::first_row) - 1;
    }
    size_t end = rows.size();
    if (segments_.size() > 1) {
      const auto rest = rows.subspan(at);
      const uint32_t last = segment->first_row + segment->row_count;
      end = at + static_cast<size_t>(
                     std::ranges::find_if(rest, [&](uint32_t row) { return row < segment->first_row || row >= last; }) -
                     rest.begin());
    }
    if (!visit(Run{*segment, rows.subspan(at, end - at), at})) return;
    at = end;
  }
}

Value BlockView::value_of(const FieldColumn& column, const PageValues& page, uint32_t at, ValueColumn& out) const {
  switch (column.type) {
    case ValueType::String:
      return out.text(page.text(at));
    case ValueType::Bool:
    case ValueType::Int:
    case ValueType::Double:
      return {kind_of(column.type), page.ints[at]};
    default:
      return {ValueKind::Opaque, 0};
  }
}

void BlockView::append_rare(const Field& field, Segment& segment, uint32_t owner, uint32_t shape, ValueColumn& out) {
  const Level level = level_of(field);
  const block::FixedColumn key_column = rare_keys(level);
  const PageValues* keys = values(segment, key_column, true, level);
  const PageValues* texts = values(segment, key_column + 2, true, level);
  if (keys == nullptr || texts == nullptr) return;
  const auto types = checked(segment.group->rows(static_cast<block::FixedColumn>(key_column + 1)));
  if (types.empty()) return;
  const uint32_t first = keys->first[owner];
  for (uint32_t at = first; at < first + rare_in_shape_[shape]; ++at) {
    const auto type = static_cast<ValueType>(types[at]);
    if (type == ValueType::Empty || keys->text(at) != field.key) continue;
    const std::string_view text = texts->text(at);
    if (type == ValueType::Array) {
      eval::append_array(as_bytes(text), out);
    } else if (type == ValueType::String) {
      out.add_group(out.text(text));
    } else if (block::is_text(type)) {
      out.add_group({ValueKind::Opaque, 0});
    } else if (text.size() == sizeof(uint64_t)) {
      out.add_group({kind_of(type), clew::load<uint64_t>(text.data())});
    }
  }
}

// Groups of the list of `owner`: a row, event or link.
void BlockView::append_groups(const Field& field, Segment& segment, uint32_t owner, uint32_t shape, ValueColumn& out) {
  const std::span<const block::ColumnId> list = tables_->shapes[shape];
  for (const FieldColumn& column : field.columns) {
    if (std::ranges::find(list, column.id) == list.end()) continue;
    const PageValues* page = values(segment, field, column);
    if (page == nullptr) continue;
    for (uint32_t at = page->first[owner]; at < page->first[owner + 1]; ++at) {
      if (column.type == ValueType::Array) {
        eval::append_array(as_bytes(page->text(at)), out);
      } else {
        out.add_group(value_of(column, *page, at, out));
      }
    }
  }
  if (field.may_be_rare && rare_in_shape_[shape] > 0) append_rare(field, segment, owner, shape, out);
}

void BlockView::read_span(const Field& field, const Run& run, ValueColumn& out) {
  const auto templates = checked(run.segment.group->rows(block::kTemplate));
  std::array<const PageValues*, model::kValueTypeCount> pages{};
  for (size_t i = 0; i < field.columns.size(); ++i) pages[i] = values(run.segment, field, field.columns[i]);
  if (error_) return;
  for (size_t i = 0; i < run.rows.size() && !out.overflowed; ++i) {
    const uint32_t row = run.row(i);
    const uint32_t shape = tables_->templates[templates[row]].shape;
    const ShapePlace place = field.shapes[shape];
    if (place.place == Place::Column) {
      const PageValues& page = *pages[place.column];
      out.set(run.at + i, value_of(field.columns[place.column], page, page.first[row], out));
    } else if (place.place == Place::Several) {
      const size_t first = out.groups.size();
      append_groups(field, run.segment, row, shape, out);
      out.close_groups(run.at + i, first, ValueKind::Nil);
    }
  }
}

// The values of resources or scopes, each asked for once for a run of equal ones.
void BlockView::read_owned(const Field& field, const Run& run, ValueColumn& out) {
  if (!field.owner_may_have_it) return;
  const bool scopes = field.scope == Scope::Instrumentation;
  const auto numbers = checked(run.segment.group->rows(scopes ? block::kTemplate : block::kResource));
  if (error_) return;
  owners_asked_.clear();
  for (size_t i = 0; i < run.rows.size(); ++i) {
    const uint32_t number = numbers[run.row(i)];
    owners_asked_.push_back(scopes ? tables_->templates[number].scope : number);
  }
  owners_.read_of_owners(field.of_owner, owners_asked_, owner_values_);
  out.overflowed |= owner_values_.overflowed;
  for (size_t i = 0; i < run.rows.size(); ++i) {
    const Value value = owner_values_.get(i);
    const Value on_span = out.get(run.at + i);
    if (value.kind == ValueKind::Nil) continue;
    if (on_span.kind == ValueKind::Nil && value.kind < ValueKind::Text) {
      out.set(run.at + i, value);
      continue;
    }
    const size_t first = out.groups.size();
    if (on_span.kind == ValueKind::Many) {
      for (size_t k = 0; k < (on_span.bits & UINT32_MAX); ++k)
        out.groups.push_back(out.groups[(on_span.bits >> 32) + k]);
    } else if (on_span.kind != ValueKind::Nil) {
      out.add_group(on_span);
    }
    eval::any_group(owner_values_, value, [&](std::span<const Value> group) {
      out.open_group();
      for (Value element : group) {
        if (element.kind == ValueKind::Text) element = out.text(owner_values_.texts[element.bits]);
        out.add_element(element);
      }
      return out.overflowed;
    });
    out.close_groups(run.at + i, first, ValueKind::Nil);
  }
}

void BlockView::read_children(const Field& field, const Run& run, ValueColumn& out) {
  block::RowGroup& group = *run.segment.group;
  const bool events = field.scope == Scope::Event || (field.intrinsic && is_of_events(*field.intrinsic));
  const auto first_child = checked(events ? group.first_events() : group.first_links());
  if (error_) return;
  std::span<const uint32_t> shapes;
  std::span<const uint64_t> starts, times, high, low, ids;
  const PageValues* names = nullptr;
  if (!field.intrinsic) {
    shapes = checked(group.rows(events ? block::kEventShape : block::kLinkShape));
  } else if (*field.intrinsic == Intrinsic::EventName) {
    names = values(run.segment, block::kEventName, true, Level::Event);
  } else if (*field.intrinsic == Intrinsic::EventTimeSinceStart) {
    starts = checked(group.ints(block::kStart));
    times = checked(group.ints(block::kEventTime));
  } else if (*field.intrinsic == Intrinsic::LinkTraceId) {
    high = checked(group.ints(block::kLinkTraceHigh));
    low = checked(group.ints(block::kLinkTraceLow));
  } else {
    ids = checked(group.ints(block::kLinkSpanId));
  }
  if (error_) return;
  for (size_t i = 0; i < run.rows.size() && !out.overflowed; ++i) {
    const size_t first = out.groups.size();
    const uint32_t row = run.row(i);
    for (uint32_t at = first_child[row]; at < first_child[row + 1] && !out.overflowed; ++at) {
      if (!times.empty()) {
        out.add_group({ValueKind::Int, static_cast<uint64_t>(time_since(starts[row], times[at]))});
      } else if (names != nullptr) {
        out.add_group(out.text(names->text(at)));
      } else if (!high.empty()) {
        out.add_group(out.trace_id({high[at], low[at]}));
      } else if (!ids.empty()) {
        out.add_group({ValueKind::SpanId, ids[at]});
      } else if (!shapes.empty()) {
        const size_t before = out.groups.size();
        append_groups(field, run.segment, at, shapes[at], out);
        if (out.groups.size() == before) out.add_group({});
      }
    }
    out.close_groups(run.at + i, first, ValueKind::Ownerless);
  }
}

void BlockView::read_name(const Run& run, ValueColumn& out) {
  const auto templates = checked(run.segment.group->rows(block::kTemplate));
  const PageValues* spilled = values(run.segment, block::kName, true, Level::Span);
  if (error_) return;
  for (size_t i = 0; i < run.rows.size(); ++i) {
    const model::StringId name = tables_->templates[templates[run.row(i)]].name;
    if (name != block::Template::kSpilled) {
      out.set(run.at + i, {ValueKind::String, name});
    } else if (spilled != nullptr) {
      out.set(run.at + i, out.text(spilled->text(spilled->first[run.row(i)])));
    }
  }
}

void BlockView::read_trace_id(const Run& run, ValueColumn& out) {
  const auto traces = checked(run.segment.group->traces());
  if (error_) return;
  for (size_t i = 0; i < run.rows.size(); ++i) {
    const auto after = std::ranges::upper_bound(traces, run.row(i), {}, &block::TraceRows::first_row);
    out.set(run.at + i, out.trace_id((after - 1)->summary.id));
  }
}

void BlockView::read_intrinsic(Intrinsic intrinsic, const Run& run, ValueColumn& out) {
  block::RowGroup& group = *run.segment.group;
  const auto fill = [&](auto value_of_row) {
    for (size_t i = 0; !error_ && i < run.rows.size(); ++i) out.set(run.at + i, value_of_row(run.row(i)));
  };
  const auto of_template = [&](auto value_of_template) {
    const auto templates = checked(group.rows(block::kTemplate));
    fill([&](uint32_t row) { return value_of_template(tables_->templates[templates[row]]); });
  };
  switch (intrinsic) {
    case Intrinsic::SpanDuration: {
      const auto starts = checked(group.ints(block::kStart));
      const auto durations = checked(group.ints(block::kDuration));
      return fill([&](uint32_t row) { return Value{ValueKind::Int, duration_of(starts[row], durations[row])}; });
    }
    case Intrinsic::SpanName:
      return read_name(run, out);
    case Intrinsic::SpanKind:
      return of_template(
          [](const block::Template& of) { return Value{ValueKind::Kind, static_cast<uint32_t>(of.kind)}; });
    case Intrinsic::SpanStatus:
      return of_template(
          [](const block::Template& of) { return Value{ValueKind::Status, static_cast<uint32_t>(of.status_code)}; });
    case Intrinsic::SpanStatusMessage: {
      const PageValues* page = values(run.segment, block::kStatusMessage, true, Level::Span);
      return fill([&](uint32_t row) { return out.text(page == nullptr ? std::string_view() : page->text(row)); });
    }
    case Intrinsic::SpanId: {
      const auto ids = checked(group.ints(block::kSpanId));
      return fill([&](uint32_t row) { return Value{ValueKind::SpanId, ids[row]}; });
    }
    case Intrinsic::SpanParentId: {
      const auto ids = checked(group.parent_ids());
      return fill([&](uint32_t row) { return Value{ValueKind::SpanId, ids[row]}; });
    }
    case Intrinsic::TraceId:
      return read_trace_id(run, out);
    case Intrinsic::InstrumentationName:
      return of_template(
          [&](const block::Template& of) { return Value{ValueKind::String, tables_->batch.scopes[of.scope].name}; });
    case Intrinsic::InstrumentationVersion:
      return of_template(
          [&](const block::Template& of) { return Value{ValueKind::String, tables_->batch.scopes[of.scope].version}; });
    default:
      CHECK(false);  // bind() takes no other, and those of events and links are read elsewhere
  }
}

void BlockView::read(eval::FieldId id, std::span<const uint32_t> rows, ValueColumn& out) {
  out.reset(rows.size());
  std::fill_n(out.kinds.begin(), rows.size(), ValueKind::Nil);
  const Field& field = fields_[id];
  const bool children = field.intrinsic ? is_of_events(*field.intrinsic) || is_of_links(*field.intrinsic)
                                        : field.scope == Scope::Event || field.scope == Scope::Link;
  if (!hold(rows)) {
    out.overflowed = true;
    return;
  }
  for_each_run(rows, [&](const Run& run) {
    if (error_ || load(run.segment) == nullptr) return false;
    if (children) {
      read_children(field, run, out);
    } else if (field.intrinsic) {
      read_intrinsic(*field.intrinsic, run, out);
    } else {
      if (!field.columns.empty() || field.may_be_rare) read_span(field, run, out);
      read_owned(field, run, out);
    }
    return true;
  });
}

void BlockView::read_links(std::span<const uint32_t> rows, std::span<model::SpanLink> out) {
  read_starts(rows, out);
  sweep(rows, [&](const Run& run, block::RowGroup& group) {
    const auto parents = checked(group.parent_ids());
    for (size_t i = 0; !error_ && i < run.rows.size(); ++i) out[run.at + i].parent_id = parents[run.row(i)];
  });
}

void BlockView::read_starts(std::span<const uint32_t> rows, std::span<model::SpanLink> out) {
  std::ranges::fill(out, model::SpanLink{});
  sweep(rows, [&](const Run& run, block::RowGroup& group) {
    const auto ids = checked(group.ints(block::kSpanId));
    const auto starts = checked(group.ints(block::kStart));
    const auto templates = checked(group.rows(block::kTemplate));
    for (size_t i = 0; !error_ && i < run.rows.size(); ++i) {
      const uint32_t row = run.row(i);
      out[run.at + i] = {ids[row], 0, starts[row], model::is_server_half(tables_->templates[templates[row]].kind)};
    }
  });
}

void BlockView::read_tree(std::span<const uint32_t> rows, std::span<uint32_t> parents, std::span<uint32_t> preorder) {
  std::ranges::fill(parents, model::kRoot);
  std::iota(preorder.begin(), preorder.end(), 0);  // as a block has them
  sweep(rows, [&](const Run& run, block::RowGroup& group) {
    const auto here = checked(group.parents());
    for (size_t i = 0; !error_ && i < run.rows.size(); ++i) parents[run.at + i] = here[run.row(i)];
  });
}

}  // namespace clew::scan
