// SPDX-License-Identifier: Apache-2.0
//
// What is worked out from several columns: where each row's values begin, traces, parents, ends.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "block/block.h"
#include "block/filter.h"
#include "block/row_group_pages.h"
#include "model/trace_tree.h"

namespace clew::block {
namespace {

constexpr uint32_t kNotCounted = UINT32_MAX;

}  // namespace

// Of a whole row group what its page says, whatever the rows say: so a difference is found.
Result<uint64_t> RowGroup::Pages::total_of(ColumnId id) {
  if (is_part) return value_count(id);
  const PageEntry* entry = directory->find(id);
  return entry == nullptr ? 0 : entry->value_count;
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
  const auto known = std::ranges::find_if(different_firsts, [&](const auto& firsts) { return *firsts == sums; });
  Values& column = of(id);
  if (known != different_firsts.end()) {
    column.firsts = *known;
  } else {
    column.firsts = std::make_shared<const std::vector<uint32_t>>(std::move(sums));
    different_firsts.push_back(column.firsts);
  }
  return std::span<const uint32_t>(*column.firsts);
}

template <class ShapeOf>
Result<std::span<const uint32_t>> RowGroup::Pages::firsts_by_shape(ColumnId id, std::span<const uint32_t> owners,
                                                                   size_t kinds, ShapeOf shape_of) {
  std::vector<uint32_t> counts(kinds, kNotCounted);
  return firsts(id, owners.size(), TRY(total_of(id)), [&](size_t i) {
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
  return RowGroup(TRY(RowGroup::Pages::open(shared_from_this(), index)));
}

Result<RowGroup> Block::rows_of_trace(uint32_t row_group, uint32_t first_row) const {
  std::unique_ptr<RowGroup::Pages> pages = TRY(RowGroup::Pages::open(shared_from_this(), row_group));
  TRY(pages->restrict_to_trace(first_row));
  return RowGroup(std::move(pages));
}

const RowGroupFacts& RowGroup::facts() const { return pages_->footer.groups[pages_->index]; }

uint32_t RowGroup::row_count() const { return pages_->row_count; }

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
  if (const auto& firsts = pages_->of(id).firsts; firsts != nullptr) return std::span<const uint32_t>(*firsts);
  const std::span<const uint32_t> templates = TRY(pages_->narrow(kTemplate));
  const Tables& tables = *pages_->tables;
  if (id == kName) {
    return pages_->firsts(id, row_count(), TRY(pages_->total_of(id)), [&](size_t row) {
      return tables.templates[templates[row]].name == Template::kSpilled ? 1u : 0u;
    });
  }
  return pages_->firsts_by_shape(id, templates, tables.templates.size(),
                                 [&](uint32_t number) { return tables.templates[number].shape; });
}

Result<std::span<const uint32_t>> RowGroup::first_child_values(ColumnId id) {
  if (const auto& firsts = pages_->of(id).firsts; firsts != nullptr) return std::span<const uint32_t>(*firsts);
  const bool event = id < kFirstAttribute ? fixed_info(id).extent == Extent::RareEvent
                                          : pages_->footer.content.columns[id].facts.column.level == Level::Event;
  const std::span<const uint32_t> shapes = TRY(pages_->narrow(event ? kEventShape : kLinkShape));
  return pages_->firsts_by_shape(id, shapes, pages_->tables->shapes.size(), [](uint32_t shape) { return shape; });
}

Result<std::span<const uint32_t>> RowGroup::first_events() {
  if (const auto& firsts = pages_->of(kEventCount).firsts; firsts != nullptr) return std::span<const uint32_t>(*firsts);
  const std::span<const uint32_t> counts = TRY(pages_->narrow(kEventCount));
  const uint64_t total = TRY(pages_->count_of(Extent::Event));
  return pages_->firsts(kEventCount, row_count(), total, [&](size_t row) { return counts[row]; });
}

Result<std::span<const uint32_t>> RowGroup::first_links() {
  if (const auto& firsts = pages_->of(kLinkCount).firsts; firsts != nullptr) return std::span<const uint32_t>(*firsts);
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
  for (const uint64_t before : TRY(pages_->first_of<uint64_t>(kTraceArrival, pages_->first_trace)))
    arrived += unzigzag(before);
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

uint64_t RowGroup::memory_bytes() const {
  const auto of = [](const auto& values) { return values.capacity() * sizeof(values[0]); };
  const Pages& pages = *pages_;
  uint64_t bytes = of(pages.values) + of(pages.traces) + of(pages.trace_begins) + of(pages.ends) +
                   of(pages.parent_ids) + of(pages.parents);
  for (const auto& firsts : pages.different_firsts) bytes += of(*firsts);
  for (const std::unique_ptr<Values>& column : pages.values) {
    if (column == nullptr) continue;
    bytes += sizeof(Values) + of(column->narrow) + of(column->wide) + column->filter.capacity() +
             column->texts.bytes.capacity() + of(column->texts.ends);
  }
  return bytes;
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
