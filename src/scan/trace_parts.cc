// SPDX-License-Identifier: Apache-2.0
#include "scan/trace_parts.h"

#include <algorithm>

namespace clew::scan {
namespace {

// Rows that are looked at under one hold of a head's lock.
constexpr size_t kHeadRows = 4096;
// Places of one trace: a number of 32 bits with room for special values.
constexpr uint64_t kPlacesMax = uint64_t{1} << 31;

}  // namespace

Result<TraceParts> TraceParts::find(const store::Snapshot& snapshot, const model::TraceId& id) {
  TraceParts parts;
  uint64_t places = 0;
  for (uint32_t i = 0; i < snapshot.blocks.size(); ++i) {
    const block::Block& block = snapshot.blocks[i]->block();
    if (!block.may_hold(id)) continue;
    const std::optional<block::TracePlace> place = TRY(block.find(id));
    if (!place) continue;
    parts.blocks.push_back({i, *place});
    parts.rows += place->row_count;
    places += place->row_count;
  }
  // Their order is that of arrival, so that equal questions have equal answers.
  std::ranges::sort(parts.blocks, {}, [&](const BlockPart& part) { return snapshot.blocks[part.block]->entry().id; });
  for (uint32_t i = 0; i < snapshot.heads.size(); ++i) {
    const store::HeadSlice slice = snapshot.heads[i].slice();
    const std::optional<uint32_t> trace = slice.find(id);
    if (!trace) continue;
    parts.heads.push_back({i, *trace});
    parts.rows += slice.summary(*trace).span_count;
    places += snapshot.heads[i].row_count();
  }
  if (places > kPlacesMax)
    return Error(Code::ResourceExhausted, "the trace " + id.hex() + " has more spans than can be put in order");
  return parts;
}

Result<model::TraceSummary> summary_at(block::RowGroup& group, uint32_t first_row) {
  const std::span<const block::TraceRows> traces = TRY(group.traces());
  const auto at = std::ranges::lower_bound(traces, first_row, {}, &block::TraceRows::first_row);
  if (at == traces.end() || at->first_row != first_row) return Error(Code::DataLoss, "the trace index is damaged");
  return at->summary;
}

PlacedParts::PlacedParts(const store::Snapshot& snapshot, TraceParts parts)
    : snapshot_(snapshot), parts_(std::move(parts)) {
  uint32_t place = 0;
  const auto add = [&](const BlockPart* block, const HeadPart* head, uint32_t rows) {
    placed_.push_back({.first_place = place, .end_place = place + rows, .block = block, .head = head});
    place += rows;
  };
  for (const BlockPart& part : parts_.blocks) add(&part, nullptr, part.place.row_count);
  for (const HeadPart& part : parts_.heads) add(nullptr, &part, snapshot.heads[part.head].row_count());
}

Result<model::TraceSummary> PlacedParts::summary() const {
  std::optional<model::TraceSummary> all;
  const auto add = [&](const model::TraceSummary& part) { all = all ? model::merge(*all, part) : part; };
  for (const BlockPart& part : parts_.blocks) {
    const block::Block& block = snapshot_.blocks[part.block]->block();
    block::RowGroup rows = TRY(block.rows_of_trace(part.place.row_group, part.place.first_row));
    add(TRY(rows.traces())[0].summary);
  }
  for (const HeadPart& part : parts_.heads) add(snapshot_.heads[part.head].slice().summary(part.trace));
  return all.value_or(model::TraceSummary());
}

std::vector<uint32_t> PlacedParts::places() const {
  std::vector<uint32_t> places;
  places.reserve(parts_.rows);
  for (const Part& part : placed_) {
    if (part.block != nullptr) {
      for (uint32_t place = part.first_place; place < part.end_place; ++place) places.push_back(place);
      continue;
    }
    const size_t first = places.size();
    head_of(part).slice().append_rows(part.head->trace, places);
    for (uint32_t& place : std::span(places).subspan(first)) place += part.first_place;
    std::ranges::sort(std::span(places).subspan(first));
  }
  return places;
}

Result<bool> PlacedParts::visit_block(size_t number, std::span<const uint32_t> places, size_t at, const Visit& visit) {
  const Part& part = placed_[number];
  const block::Block& block = block_of(part).block();
  const std::span<const block::RowGroupFacts> groups = block.row_groups();
  const uint64_t first_row = groups[part.block->place.row_group].first_row + part.block->place.first_row;
  const auto row_of = [&](uint32_t place) { return first_row + (place - part.first_place); };
  while (!places.empty()) {
    const auto after = std::ranges::upper_bound(groups, row_of(places[0]), {}, &block::RowGroupFacts::first_row);
    const auto index = static_cast<uint32_t>(after - groups.begin() - 1);
    const uint32_t first_in_group = index == part.block->place.row_group ? part.block->place.first_row : 0;
    if (!group_ || group_part_ != number || group_index_ != index) {
      group_.reset();
      group_.emplace(TRY(block.rows_of_trace(index, first_in_group)));
      group_part_ = number;
      group_index_ = index;
    }
    const uint64_t group_row = groups[index].first_row + first_in_group;
    rows_.clear();
    while (rows_.size() < places.size() && row_of(places[rows_.size()]) < group_row + group_->row_count())
      rows_.push_back(static_cast<uint32_t>(row_of(places[rows_.size()]) - group_row));
    if (rows_.empty()) return Error(Code::DataLoss, "the trace index is damaged");
    const bool more = TRY(visit({.part = number, .at = at, .rows = rows_, .group = &*group_, .head = nullptr}));
    if (!more) return false;
    at += rows_.size();
    places = places.subspan(rows_.size());
  }
  return true;
}

Result<bool> PlacedParts::visit_head(size_t number, std::span<const uint32_t> places, size_t at, const Visit& visit) {
  const Part& part = placed_[number];
  while (!places.empty()) {
    const auto some = places.first(std::min(kHeadRows, places.size()));
    rows_.clear();
    for (const uint32_t place : some) rows_.push_back(place - part.first_place);
    const store::HeadSlice slice = head_of(part).slice();
    const bool more = TRY(visit({.part = number, .at = at, .rows = rows_, .group = nullptr, .head = &slice.spans()}));
    if (!more) return false;
    at += some.size();
    places = places.subspan(some.size());
  }
  return true;
}

Result<void> PlacedParts::for_each_run(std::span<const uint32_t> places, const Visit& visit) {
  for (size_t at = 0; at < places.size();) {
    const auto part = std::ranges::upper_bound(placed_, places[at], {}, &Part::first_place) - 1;
    const auto rest = places.subspan(at);
    const auto end = std::ranges::lower_bound(rest, part->end_place);
    const auto here = rest.first(static_cast<size_t>(end - rest.begin()));
    const auto number = static_cast<size_t>(part - placed_.begin());
    const bool more =
        TRY(part->block != nullptr ? visit_block(number, here, at, visit) : visit_head(number, here, at, visit));
    if (!more) return {};
    at += here.size();
  }
  return {};
}

}  // namespace clew::scan
