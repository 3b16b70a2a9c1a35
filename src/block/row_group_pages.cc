// SPDX-License-Identifier: Apache-2.0
//
// Pages are read and decoded when they are first asked for. Numbers that point somewhere (templates, resources, shapes,
// codes, parents, children) are checked as they are decoded, so that users need not look twice.
#include "block/row_group_pages.h"

#include <type_traits>
#include <utility>

#include "base/check.h"

namespace clew::block {
namespace {

constexpr uint32_t kFlagsMax = UINT8_MAX;

}  // namespace

Result<std::unique_ptr<RowGroup::Pages>> RowGroup::Pages::open(std::shared_ptr<const Block> block, uint32_t index) {
  CHECK(index < block->row_groups().size());
  std::shared_ptr<const Directory> directory = TRY(block->footer_->directory(index));
  for (const PageEntry& entry : directory->pages)
    if (entry.column >= block->column_count()) return damaged("a column of a directory");
  std::shared_ptr<const Tables> tables = TRY(block->tables());
  return std::unique_ptr<Pages>(new Pages(std::move(block), index, std::move(directory), std::move(tables)));
}

Result<uint64_t> RowGroup::Pages::count_of(Extent extent) {
  const auto sum = [&](ColumnId counts) -> Result<uint64_t> {
    uint64_t total = 0;
    for (const uint32_t count : TRY(narrow(counts))) total += count;
    return total <= kPageValuesMax ? Result<uint64_t>(total) : damaged("number of events or links");
  };
  const auto in_shapes = [&](std::span<const uint32_t> shapes) {
    uint64_t total = 0;
    for (const uint32_t shape : shapes) total += count_in(tables->shapes[shape], kRareColumn);
    return total;
  };
  uint64_t total = 0;
  switch (extent) {
    case Extent::None:
      return uint64_t{0};
    case Extent::Row:
      return uint64_t{row_count};
    case Extent::Trace:
      return uint64_t{is_part ? 1 : footer.groups[index].trace_count};
    case Extent::Event:
      return sum(kEventCount);
    case Extent::Link:
      return sum(kLinkCount);
    case Extent::SpilledName:
      for (const uint32_t number : TRY(narrow(kTemplate)))
        total += tables->templates[number].name == Template::kSpilled ? 1 : 0;
      return total;
    case Extent::RawParent: {
      const std::span<const uint32_t> deltas = TRY(narrow(kParentDelta));
      const std::span<const uint32_t> raw = TRY(narrow(kParentIsRaw));
      for (size_t i = 0; i < deltas.size(); ++i) total += deltas[i] == 1 || raw[i] != 0 ? 1 : 0;
      return total;
    }
    case Extent::RareSpan:
      for (const uint32_t number : TRY(narrow(kTemplate)))
        total += count_in(tables->shapes[tables->templates[number].shape], kRareColumn);
      return total;
    case Extent::RareEvent:
      return in_shapes(TRY(narrow(kEventShape)));
    case Extent::RareLink:
      return in_shapes(TRY(narrow(kLinkShape)));
  }
  return uint64_t{0};
}

Result<uint64_t> RowGroup::Pages::value_count(ColumnId id) {
  if (id < kFirstAttribute) return count_of(fixed_info(id).extent);
  const PageEntry* entry = directory->find(id);
  if (entry == nullptr) return uint64_t{0};
  if (!is_part) return uint64_t{entry->value_count};
  const Level level = footer.content.columns[id].facts.column.level;
  uint64_t count = 0;
  for (const Use& use : TRY(uses(level))) count += use.here * count_in(shape_of(level, use.kind), id);
  return count;
}

Result<RowGroup::Pages::Wanted> RowGroup::Pages::wanted(ColumnId id) {
  const PageEntry* entry = directory->find(id);
  const uint64_t count = TRY(value_count(id));
  const uint64_t before = is_part ? TRY(count_before(id)) : 0;
  const uint64_t all = entry == nullptr ? before + count : entry->value_count;
  if (count > kPageValuesMax || (is_part ? before + count > all : count != all))
    return damaged("number of values of column " + std::to_string(id));
  return Wanted{entry, {all, before}, count};
}

template <class T>
Result<std::vector<T>> RowGroup::Pages::first_of(ColumnId id, size_t count) {
  const PageEntry* entry = directory->find(id);
  if (count > (entry == nullptr ? kPageValuesMax : entry->value_count))
    return damaged("number of values of column " + std::to_string(id));
  std::vector<T> found(count);
  if (entry == nullptr || count == 0) return found;
  const std::string read = TRY(bytes(entry->page, id));
  TRY(decoder.ints(as_bytes(read), {entry->value_count, 0}, std::span(found)));
  if constexpr (std::is_same_v<T, uint32_t>) TRY(check_narrow(id, found));
  return found;
}
template Result<std::vector<uint64_t>> RowGroup::Pages::first_of(ColumnId id, size_t count);

Result<void> RowGroup::Pages::restrict_to_trace(uint32_t row) {
  uint64_t begin = 0;
  for (const uint32_t count : TRY(first_of<uint32_t>(kTraceRows, footer.groups[index].trace_count))) {
    if (count == 0 || begin + count > row_count) return damaged("rows of a trace");
    if (begin == row) {
      is_part = true;
      first_row = row;
      row_count = count;
      first_trace = static_cast<uint32_t>(begins_before.size());
      return {};
    }
    begins_before.push_back(static_cast<uint32_t>(begin));
    begin += count;
  }
  return damaged("no trace begins at row " + std::to_string(row));
}

Result<uint64_t> RowGroup::Pages::children_before(Level level) {
  std::optional<uint64_t>& known = level == Level::Event ? events_before : links_before;
  if (!known) {
    uint64_t sum = 0;
    for (const uint32_t count : TRY(first_of<uint32_t>(level == Level::Event ? kEventCount : kLinkCount, first_row)))
      sum += count;
    if (sum > kPageValuesMax) return damaged("number of events or links");
    known = sum;
  }
  return *known;
}

Result<uint64_t> RowGroup::Pages::raw_parents_before() {
  if (directory->find(kParentId) == nullptr) return uint64_t{0};
  const std::vector<uint32_t> deltas = TRY(first_of<uint32_t>(kParentDelta, first_row));
  const std::vector<uint32_t> raw = TRY(first_of<uint32_t>(kParentIsRaw, first_row));
  uint64_t count = 0;
  for (size_t i = 0; i < deltas.size(); ++i) count += deltas[i] == 1 || raw[i] != 0 ? 1 : 0;
  return count;
}

Result<std::span<const Use>> RowGroup::Pages::uses(Level level) {
  std::optional<std::vector<Use>>& known = level == Level::Span    ? template_uses
                                           : level == Level::Event ? event_shape_uses
                                                                   : link_shape_uses;
  if (known) return std::span<const Use>(*known);
  const ColumnId column = level == Level::Span ? kTemplate : level == Level::Event ? kEventShape : kLinkShape;
  const uint64_t before = level == Level::Span ? first_row : TRY(children_before(level));
  std::vector<Use> all(level == Level::Span ? tables->templates.size() : tables->shapes.size());
  for (const uint32_t kind : TRY(first_of<uint32_t>(column, before))) ++all[kind].before;
  for (const uint32_t kind : TRY(narrow(column))) ++all[kind].here;
  for (uint32_t kind = 0; kind < all.size(); ++kind) all[kind].kind = kind;
  std::erase_if(all, [](const Use& use) { return use.before + use.here == 0; });
  known = std::move(all);
  return std::span<const Use>(*known);
}

Result<uint64_t> RowGroup::Pages::count_before(ColumnId id) {
  const auto in_shapes = [&](Level level) -> Result<uint64_t> {
    uint64_t count = 0;
    for (const Use& use : TRY(uses(level))) count += use.before * count_in(shape_of(level, use.kind), in_shape(id));
    return count;
  };
  if (id >= kFirstAttribute) return in_shapes(footer.content.columns[id].facts.column.level);
  uint64_t count = 0;
  switch (fixed_info(id).extent) {
    case Extent::None:
      return uint64_t{0};
    case Extent::Row:
      return uint64_t{first_row};
    case Extent::Trace:
      return uint64_t{first_trace};
    case Extent::Event:
      return children_before(Level::Event);
    case Extent::Link:
      return children_before(Level::Link);
    case Extent::SpilledName:
      for (const Use& use : TRY(uses(Level::Span)))
        count += tables->templates[use.kind].name == Template::kSpilled ? use.before : 0;
      return count;
    case Extent::RawParent:
      return raw_parents_before();
    case Extent::RareSpan:
      return in_shapes(Level::Span);
    case Extent::RareEvent:
      return in_shapes(Level::Event);
    case Extent::RareLink:
      return in_shapes(Level::Link);
  }
  return uint64_t{0};
}

Result<void> RowGroup::Pages::check_shapes(std::span<const uint32_t> shapes, Level level) const {
  for (const uint32_t shape : shapes) {
    if (shape >= tables->shapes.size()) return damaged("number of a shape");
    for (const ColumnId column : tables->shapes[shape]) {
      if (column == kRareColumn) continue;
      if (footer.content.columns[column].facts.column.level != level) return damaged("level of a shape");
      break;
    }
  }
  return {};
}

// Without a branch for each number.
Result<void> RowGroup::Pages::check_below(ColumnId id, std::span<const uint32_t> numbers, uint64_t limit) {
  uint32_t largest = 0;
  for (const uint32_t number : numbers) largest = std::max(largest, number);
  if (numbers.empty() || largest < limit) return {};
  return damaged("a number of column " + std::to_string(id));
}

Result<void> RowGroup::Pages::check_narrow(ColumnId id, std::span<const uint32_t> numbers) const {
  const auto below = [&](uint64_t limit) { return check_below(id, numbers, limit); };
  switch (id) {
    case kTemplate:
      return below(tables->templates.size());
    case kResource:
      return below(tables->batch.resources.size());
    case kEventShape:
      return check_shapes(numbers, Level::Event);
    case kLinkShape:
      return check_shapes(numbers, Level::Link);
    case kRareSpanType:
    case kRareEventType:
    case kRareLinkType:
      return below(model::kValueTypeCount);
    case kTraceFlags:
      return below(kFlagsMax + 1);
    default:
      return {};
  }
}

Result<std::span<const uint32_t>> RowGroup::Pages::narrow(ColumnId id) {
  CHECK(fixed_info(id).kind == Kind::Narrow);
  Values& column = of(id);
  if (column.read) return std::span<const uint32_t>(column.narrow);
  const Wanted page = TRY(wanted(id));
  column.narrow.assign(page.count, 0);
  if (page.entry != nullptr) {
    const std::string read = TRY(bytes(page.entry->page, id));
    TRY(decoder.ints(as_bytes(read), page.range, std::span(column.narrow)));
  }
  TRY(check_narrow(id, column.narrow));
  column.read = true;
  return std::span<const uint32_t>(column.narrow);
}

Result<std::span<const uint64_t>> RowGroup::Pages::wide(ColumnId id) {
  Values& column = of(id);
  if (id < kFirstAttribute && fixed_info(id).kind == Kind::Narrow) {
    const std::span<const uint32_t> numbers = TRY(narrow(id));
    if (column.wide.size() != numbers.size()) column.wide.assign(numbers.begin(), numbers.end());
    return std::span<const uint64_t>(column.wide);
  }
  if (column.read) return std::span<const uint64_t>(column.wide);
  CHECK(!footer.content.columns[id].facts.text);
  Wanted page = TRY(wanted(id));
  if (id == kStart)
    page = {page.entry, {page.range.of, 0}, page.range.first + page.count};  // differences to those before
  column.wide.assign(page.count, 0);
  if (page.entry != nullptr) {
    const std::string read = TRY(bytes(page.entry->page, id));
    TRY(decoder.ints(as_bytes(read), page.range, std::span(column.wide)));
  }
  if (id == kStart) TRY(restore_starts(column.wide));
  const bool is_bool = footer.content.columns[id].facts.column.type == model::ValueType::Bool;
  if (is_bool && std::ranges::any_of(column.wide, [](uint64_t value) { return value > 1; }))
    return damaged("a bool above 1");
  column.read = true;
  return std::span<const uint64_t>(column.wide);
}

Result<Values*> RowGroup::Pages::text(ColumnId id) {
  const ColumnFacts& facts = footer.content.columns[id].facts;
  CHECK(facts.text);
  Values& column = of(id);
  if (column.read) return &column;
  const Wanted page = TRY(wanted(id));
  if (page.entry == nullptr && page.count > 0) return damaged("no page of column " + std::to_string(id));
  if (page.count > 0) {
    const std::string read = TRY(bytes(page.entry->page, id));
    column.coded = (page.entry->flags & kCoded) != 0;
    if (column.coded) {
      column.narrow.resize(page.count);
      TRY(decoder.ints(as_bytes(read), page.range, std::span(column.narrow)));
      TRY(check_below(id, column.narrow, facts.dictionary_size));
    } else {
      TRY(decoder.texts(as_bytes(read), page.range, page.count, column.texts));
      if (!is_valid_text(facts.column.type, id, column.texts)) return damaged("a text of column " + std::to_string(id));
    }
  }
  column.read = true;
  return &column;
}

Result<std::span<const uint32_t>> RowGroup::Pages::begins_of_traces() {
  if (!trace_begins.empty()) return std::span<const uint32_t>(trace_begins);
  std::vector<uint32_t> begins = {0};
  uint64_t row = 0;
  for (const uint32_t count : TRY(narrow(kTraceRows))) {
    row += count;
    if (count == 0 || row > row_count) return damaged("rows of a trace");
    begins.push_back(static_cast<uint32_t>(row));
  }
  if (row != row_count) return damaged("rows of the traces");
  trace_begins = std::move(begins);
  return std::span<const uint32_t>(trace_begins);
}

// `starts` are those before a part, too.
Result<void> RowGroup::Pages::restore_starts(std::vector<uint64_t>& starts) {
  const std::span<const uint32_t> begins = TRY(begins_of_traces());
  const std::span<const uint32_t> deltas = TRY(narrow(kParentDelta));
  uint64_t before = 0;
  for (const uint32_t begin : begins_before) before += unzigzag(starts[begin]);
  starts.erase(starts.begin(), starts.begin() + first_row);
  for (size_t t = 0; t + 1 < begins.size(); ++t) {
    const uint32_t first = begins[t];
    starts[first] = before += unzigzag(starts[first]);
    for (uint32_t i = first + 1; i < begins[t + 1]; ++i) {
      const uint32_t distance = deltas[i] - 1;  // wraps for a root
      starts[i] = unzigzag(starts[i]) + (distance - 1 < i - first ? starts[i - distance] : starts[first]);
    }
  }
  return {};
}

}  // namespace clew::block
