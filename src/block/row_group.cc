// SPDX-License-Identifier: Apache-2.0
//
// Pages are read and decoded when they are first asked for. Numbers that point somewhere (templates, resources, shapes,
// codes, parents, children) are checked as they are decoded, so that users need not look twice.
#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "block/block.h"
#include "block/filter.h"
#include "block/layout.h"
#include "block/opened.h"
#include "model/trace_tree.h"

namespace clew::block {
namespace {

constexpr uint32_t kNotCounted = UINT32_MAX;
constexpr uint32_t kFlagsMax = UINT8_MAX;

// A column's values, in the form that was asked for.
struct Values {
  bool read = false;
  bool coded = false;
  std::vector<uint32_t> narrow;
  std::vector<uint64_t> wide;
  TextValues texts;
  std::vector<uint32_t> firsts;  // empty: not asked for
  std::string filter;
};

}  // namespace

struct RowGroup::Pages {
  using Footer = Block::Footer;

  Pages(std::shared_ptr<const Block> of, uint32_t number, std::shared_ptr<const Directory> pages,
        std::shared_ptr<const Tables> parts)
      : block(std::move(of)),
        footer(*block->footer_),
        index(number),
        directory(std::move(pages)),
        tables(std::move(parts)),
        values(footer.content.columns.size()) {}

  const std::shared_ptr<const Block> block;
  Footer& footer;
  const uint32_t index;
  const std::shared_ptr<const Directory> directory;
  const std::shared_ptr<const Tables> tables;
  PageDecoder decoder;
  std::vector<std::unique_ptr<Values>> values;  // by column
  std::vector<TraceRows> traces;
  std::vector<uint32_t> trace_begins;  // row of each trace, and one more entry
  std::vector<uint64_t> ends;
  std::vector<uint64_t> parent_ids;
  std::vector<uint32_t> parents;

  uint32_t rows() const { return footer.groups[index].row_count; }
  Values& of(ColumnId id) {
    if (!values[id]) values[id] = std::make_unique<Values>();
    return *values[id];
  }
  Result<std::string> bytes(const Place& place, ColumnId id) {
    return footer.read(place, "column " + std::to_string(id) + " of row group " + std::to_string(index));
  }
  // The page and how many values it must have; no page: that many zeros.
  struct Wanted {
    const PageEntry* entry;
    size_t count;
  };
  Result<Wanted> wanted(ColumnId id);
  Result<uint64_t> count_of(Extent extent);
  uint64_t count_rare(const std::vector<uint32_t>& templates) const;

  Result<std::span<const uint32_t>> narrow(ColumnId id);
  Result<std::span<const uint64_t>> wide(ColumnId id);
  static Result<void> check_below(ColumnId id, std::span<const uint32_t> numbers, uint64_t limit);
  Result<void> check_narrow(ColumnId id, std::span<const uint32_t> numbers) const;
  Result<void> check_shapes(std::span<const uint32_t> shapes, Level level) const;
  Result<Values*> text(ColumnId id);
  Result<std::span<const uint32_t>> begins_of_traces();
  Result<void> restore_starts(std::vector<uint64_t>& starts);
  // Prefix sums of count(i), one more than `owners`, that end in `total`.
  template <class Count>
  Result<std::span<const uint32_t>> firsts(ColumnId id, size_t owners, uint64_t total, Count count);
  // Counts of `id` in the shapes that `shape_of` gives.
  template <class ShapeOf>
  Result<std::span<const uint32_t>> firsts_by_shape(ColumnId id, std::span<const uint32_t> owners, size_t kinds,
                                                    ShapeOf shape_of);
};

namespace {

// What stands in a shape for an attribute in this column.
ColumnId in_shape(ColumnId id) { return id < kFirstAttribute ? kRareColumn : id; }

uint32_t count_in(std::span<const ColumnId> shape, ColumnId column) {
  return static_cast<uint32_t>(std::ranges::count(shape, column));
}

}  // namespace

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
      return uint64_t{rows()};
    case Extent::Trace:
      return uint64_t{footer.groups[index].trace_count};
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

Result<RowGroup::Pages::Wanted> RowGroup::Pages::wanted(ColumnId id) {
  const PageEntry* entry = directory->find(id);
  if (id >= kFirstAttribute) return Wanted{entry, entry == nullptr ? 0 : entry->value_count};
  const uint64_t count = TRY(count_of(fixed_info(id).extent));
  if (count > kPageValuesMax || (entry != nullptr && entry->value_count != count))
    return damaged("number of values of column " + std::to_string(id));
  return Wanted{entry, count};
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
    TRY(decoder.ints(as_bytes(read), std::span(column.narrow)));
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
  const Wanted page = TRY(wanted(id));
  column.wide.assign(page.count, 0);
  if (page.entry != nullptr) {
    const std::string read = TRY(bytes(page.entry->page, id));
    TRY(decoder.ints(as_bytes(read), std::span(column.wide)));
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
      TRY(decoder.ints(as_bytes(read), std::span(column.narrow)));
      TRY(check_below(id, column.narrow, facts.dictionary_size));
    } else {
      TRY(decoder.texts(as_bytes(read), page.count, column.texts));
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
    if (count == 0 || row > rows()) return damaged("rows of a trace");
    begins.push_back(static_cast<uint32_t>(row));
  }
  if (row != rows()) return damaged("rows of the traces");
  trace_begins = std::move(begins);
  return std::span<const uint32_t>(trace_begins);
}

Result<void> RowGroup::Pages::restore_starts(std::vector<uint64_t>& starts) {
  const std::span<const uint32_t> begins = TRY(begins_of_traces());
  const std::span<const uint32_t> deltas = TRY(narrow(kParentDelta));
  uint64_t before = 0;
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

template <class Count>
Result<std::span<const uint32_t>> RowGroup::Pages::firsts(ColumnId id, size_t owners, uint64_t total, Count count) {
  std::vector<uint32_t> sums(owners + 1);
  uint64_t sum = 0;
  for (size_t i = 0; i < owners; ++i) {
    sums[i] = static_cast<uint32_t>(sum);
    sum += count(i);
    if (sum > total) break;
  }
  if (sum != total) return damaged("number of values of column " + std::to_string(id));
  sums[owners] = static_cast<uint32_t>(sum);
  Values& column = of(id);
  column.firsts = std::move(sums);
  return std::span<const uint32_t>(column.firsts);
}

template <class ShapeOf>
Result<std::span<const uint32_t>> RowGroup::Pages::firsts_by_shape(ColumnId id, std::span<const uint32_t> owners,
                                                                   size_t kinds, ShapeOf shape_of) {
  const PageEntry* entry = directory->find(id);
  std::vector<uint32_t> counts(kinds, kNotCounted);
  return firsts(id, owners.size(), entry == nullptr ? 0 : entry->value_count, [&](size_t i) {
    uint32_t& count = counts[owners[i]];
    if (count == kNotCounted) count = count_in(tables->shapes[shape_of(owners[i])], in_shape(id));
    return count;
  });
}

RowGroup::RowGroup(std::unique_ptr<Pages> pages) : pages_(std::move(pages)) {}
RowGroup::RowGroup(RowGroup&&) noexcept = default;
RowGroup& RowGroup::operator=(RowGroup&&) noexcept = default;
RowGroup::~RowGroup() = default;

Result<RowGroup> Block::row_group(uint32_t index) const {
  CHECK(index < row_groups().size());
  std::shared_ptr<const Directory> directory = TRY(footer_->directory(index));
  for (const PageEntry& entry : directory->pages)
    if (entry.column >= column_count()) return damaged("a column of a directory");
  return RowGroup(std::make_unique<RowGroup::Pages>(shared_from_this(), index, std::move(directory), TRY(tables())));
}

const RowGroupFacts& RowGroup::facts() const { return pages_->footer.groups[pages_->index]; }

bool RowGroup::has(ColumnId id) const { return value_count(id) > 0; }

uint64_t RowGroup::value_count(ColumnId id) const {
  const PageEntry* entry = pages_->directory->find(id);
  return entry == nullptr ? 0 : entry->value_count;
}

std::optional<Zone> RowGroup::zone(ColumnId id) const {
  const PageEntry* entry = pages_->directory->find(id);
  if (entry == nullptr || (entry->flags & kHasZone) == 0) return std::nullopt;
  return entry->zone;
}

bool RowGroup::is_coded(ColumnId id) const {
  const PageEntry* entry = pages_->directory->find(id);
  return entry != nullptr && (entry->flags & kCoded) != 0;
}

Result<bool> RowGroup::may_hold_plain(ColumnId id, uint64_t hash) {
  const PageEntry* entry = pages_->directory->find(id);
  if (entry == nullptr || (entry->flags & kCoded) != 0) return false;
  if ((entry->flags & kHasFilter) == 0) return true;
  Values& column = pages_->of(id);
  if (column.filter.empty()) column.filter = TRY(pages_->bytes(entry->filter, id));
  return may_hold(as_bytes(column.filter), hash);
}

Result<std::span<const uint32_t>> RowGroup::rows(FixedColumn column) { return pages_->narrow(column); }
Result<std::span<const uint64_t>> RowGroup::ints(ColumnId id) { return pages_->wide(id); }

Result<std::span<const uint32_t>> RowGroup::codes(ColumnId id) {
  const Values* column = TRY(pages_->text(id));
  return std::span<const uint32_t>(column->narrow);
}

Result<const TextValues*> RowGroup::texts(ColumnId id) {
  const Values* column = TRY(pages_->text(id));
  return &column->texts;
}

Result<std::span<const uint32_t>> RowGroup::first_values(ColumnId id) {
  if (!pages_->of(id).firsts.empty()) return std::span<const uint32_t>(pages_->of(id).firsts);
  const std::span<const uint32_t> templates = TRY(pages_->narrow(kTemplate));
  const Tables& tables = *pages_->tables;
  if (id == kName) {
    return pages_->firsts(id, row_count(), value_count(id), [&](size_t row) {
      return tables.templates[templates[row]].name == Template::kSpilled ? 1u : 0u;
    });
  }
  return pages_->firsts_by_shape(id, templates, tables.templates.size(),
                                 [&](uint32_t number) { return tables.templates[number].shape; });
}

Result<std::span<const uint32_t>> RowGroup::first_child_values(ColumnId id) {
  if (!pages_->of(id).firsts.empty()) return std::span<const uint32_t>(pages_->of(id).firsts);
  const bool event = id < kFirstAttribute ? fixed_info(id).extent == Extent::RareEvent
                                          : pages_->footer.content.columns[id].facts.column.level == Level::Event;
  const std::span<const uint32_t> shapes = TRY(pages_->narrow(event ? kEventShape : kLinkShape));
  return pages_->firsts_by_shape(id, shapes, pages_->tables->shapes.size(), [](uint32_t shape) { return shape; });
}

Result<std::span<const uint32_t>> RowGroup::first_events() {
  if (!pages_->of(kEventCount).firsts.empty()) return std::span<const uint32_t>(pages_->of(kEventCount).firsts);
  const std::span<const uint32_t> counts = TRY(pages_->narrow(kEventCount));
  const uint64_t total = TRY(pages_->count_of(Extent::Event));
  return pages_->firsts(kEventCount, row_count(), total, [&](size_t row) { return counts[row]; });
}

Result<std::span<const uint32_t>> RowGroup::first_links() {
  if (!pages_->of(kLinkCount).firsts.empty()) return std::span<const uint32_t>(pages_->of(kLinkCount).firsts);
  const std::span<const uint32_t> counts = TRY(pages_->narrow(kLinkCount));
  const uint64_t total = TRY(pages_->count_of(Extent::Link));
  return pages_->firsts(kLinkCount, row_count(), total, [&](size_t row) { return counts[row]; });
}

Result<std::span<const TraceRows>> RowGroup::traces() {
  if (!pages_->traces.empty()) return std::span<const TraceRows>(pages_->traces);
  const std::span<const uint32_t> begins = TRY(pages_->begins_of_traces());
  const std::span<const uint64_t> starts = TRY(ints(kStart));
  const std::span<const uint64_t> durations = TRY(ints(kDuration));
  const std::span<const uint64_t> high = TRY(ints(kTraceIdHigh));
  const std::span<const uint64_t> low = TRY(ints(kTraceIdLow));
  const std::span<const uint64_t> start = TRY(ints(kTraceStart));
  const std::span<const uint64_t> end = TRY(ints(kTraceEnd));
  const std::span<const uint64_t> order = TRY(ints(kTraceOrder));
  const std::span<const uint64_t> arrival = TRY(ints(kTraceArrival));
  const std::span<const uint32_t> position = TRY(rows(kTraceFirstPosition));
  const std::span<const uint32_t> flags = TRY(rows(kTraceFlags));
  const std::span<const uint32_t> more = TRY(rows(kTraceMoreRows));
  std::vector<TraceRows> traces(high.size());
  uint64_t arrived = 0;
  for (size_t i = 0; i < traces.size(); ++i) {
    const uint32_t first = begins[i];
    TraceRows& trace = traces[i];
    trace.first_row = first;
    trace.row_count = begins[i + 1] - first;
    trace.first_position = position[i];
    trace.flags = static_cast<uint8_t>(flags[i]);
    if ((position[i] > 0) != pages_->footer.content.row_groups[pages_->index].goes_on)
      return damaged("position of a trace");
    model::TraceSummary& summary = trace.summary;
    summary.id = {high[i], low[i]};
    summary.start = starts[first] + start[i];
    summary.end = starts[first] + durations[first] + end[i];
    summary.order_time = summary.start - order[i];
    summary.first_arrival = arrived += unzigzag(arrival[i]);
    summary.span_count = trace.row_count + more[i];
    summary.has_sane_span = (flags[i] & kHasSaneSpan) != 0;
  }
  pages_->traces = std::move(traces);
  return std::span<const TraceRows>(pages_->traces);
}

Result<std::span<const uint64_t>> RowGroup::ends() {
  if (!pages_->ends.empty()) return std::span<const uint64_t>(pages_->ends);
  const std::span<const uint64_t> starts = TRY(ints(kStart));
  const std::span<const uint64_t> durations = TRY(ints(kDuration));
  std::vector<uint64_t>& ends = pages_->ends;
  ends.resize(starts.size());
  for (size_t i = 0; i < ends.size(); ++i) ends[i] = starts[i] + durations[i];
  return std::span<const uint64_t>(ends);
}

Result<std::span<const uint32_t>> RowGroup::parents() {
  if (!pages_->parents.empty()) return std::span<const uint32_t>(pages_->parents);
  const std::span<const uint32_t> begins = TRY(pages_->begins_of_traces());
  const std::span<const uint32_t> positions = TRY(rows(kTraceFirstPosition));
  const std::span<const uint32_t> deltas = TRY(rows(kParentDelta));
  std::vector<uint32_t> parents(row_count());
  for (size_t t = 0; t + 1 < begins.size(); ++t) {
    for (uint32_t i = begins[t]; i < begins[t + 1]; ++i) {
      const uint64_t position = uint64_t{positions[t]} + i - begins[t];
      if (deltas[i] <= 1) {
        parents[i] = deltas[i] == 0 ? model::kRoot : model::kOrphan;
      } else if (deltas[i] - 1 <= position && position < model::kOrphan) {
        parents[i] = static_cast<uint32_t>(position - (deltas[i] - 1));
      } else {
        return damaged("a parent");
      }
    }
  }
  pages_->parents = std::move(parents);
  return std::span<const uint32_t>(pages_->parents);
}

Result<std::span<const uint64_t>> RowGroup::parent_ids() {
  if (!pages_->parent_ids.empty()) return std::span<const uint64_t>(pages_->parent_ids);
  const std::span<const uint32_t> begins = TRY(pages_->begins_of_traces());
  const std::span<const uint32_t> deltas = TRY(rows(kParentDelta));
  const std::span<const uint32_t> is_raw = TRY(rows(kParentIsRaw));
  const std::span<const uint64_t> raw = TRY(ints(kParentId));
  const std::span<const uint64_t> ids = TRY(ints(kSpanId));
  std::vector<uint64_t> parents(row_count());
  size_t next = 0;
  for (size_t t = 0; t + 1 < begins.size(); ++t) {
    for (uint32_t i = begins[t]; i < begins[t + 1]; ++i) {
      if (deltas[i] == 1 || is_raw[i] != 0) {
        parents[i] = raw[next++];  // as many as count_of() has found
      } else if (deltas[i] > 1) {
        if (deltas[i] - 1 > i - begins[t]) return damaged("a parent that lies elsewhere");
        parents[i] = ids[i - (deltas[i] - 1)];
      }
    }
  }
  pages_->parent_ids = std::move(parents);
  return std::span<const uint64_t>(pages_->parent_ids);
}

}  // namespace clew::block
