// SPDX-License-Identifier: Apache-2.0
#include "scan/join.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace clew::scan {
namespace {

// What a span takes until its true size is known: above the mean of what instrumented programs send.
constexpr uint64_t kBytesPerSpanGuess = 1024;
// Rows that are copied under one hold of a head's lock.
constexpr size_t kSliceRows = 4096;

Result<model::TraceSummary> summary_at(block::RowGroup& group, uint32_t first_row) {
  const std::span<const block::TraceRows> traces = TRY(group.traces());
  const auto at = std::ranges::lower_bound(traces, first_row, {}, &block::TraceRows::first_row);
  if (at == traces.end() || at->first_row != first_row) return Error(Code::DataLoss, "the trace index is damaged");
  return at->summary;
}

}  // namespace

Result<TraceParts> find_parts(const store::Snapshot& snapshot, const model::TraceId& id) {
  TraceParts parts;
  for (uint32_t i = 0; i < snapshot.blocks.size(); ++i) {
    const block::Block& block = snapshot.blocks[i]->block();
    if (!block.may_hold(id)) continue;
    const std::optional<block::TracePlace> place = TRY(block.find(id));
    if (!place) continue;
    parts.blocks.push_back({i, *place});
    parts.rows += place->row_count;
  }
  // Their order is that of arrival, so that equal questions have equal answers.
  std::ranges::sort(parts.blocks, {}, [&](const BlockPart& part) { return snapshot.blocks[part.block]->entry().id; });
  for (uint32_t i = 0; i < snapshot.heads.size(); ++i) {
    const store::HeadSlice slice = snapshot.heads[i].slice();
    const std::optional<uint32_t> trace = slice.find(id);
    if (!trace) continue;
    parts.heads.push_back({i, *trace});
    parts.rows += slice.summary(*trace).span_count;
  }
  return parts;
}

Result<model::TraceSummary> for_each_run(
    const block::Block& block, const block::TracePlace& place,
    const std::function<Result<void>(block::RowGroup& group, std::span<const uint32_t> rows)>& visit) {
  model::TraceSummary summary;
  std::vector<uint32_t> rows;
  uint32_t first = place.first_row;
  uint32_t left = place.row_count;
  for (uint32_t index = place.row_group; left > 0; ++index, first = 0) {
    if (index >= block.row_groups().size()) return Error(Code::DataLoss, "the trace index is damaged");
    block::RowGroup group = TRY(block.row_group(index));
    if (index == place.row_group) summary = TRY(summary_at(group, first));
    rows.resize(std::min(left, group.row_count() - first));
    std::iota(rows.begin(), rows.end(), first);
    TRY(visit(group, rows));
    left -= static_cast<uint32_t>(rows.size());
  }
  return summary;
}

Result<void> TraceJoiner::copy_from_block(uint32_t block, std::span<const TraceParts> parts, model::SpanBatch& out,
                                          std::vector<CopiedPart>& copied) const {
  struct Wanted {
    block::TracePlace place;
    uint32_t trace;
  };
  std::vector<Wanted> wanted;
  for (uint32_t trace = 0; trace < parts.size(); ++trace) {
    for (const BlockPart& part : parts[trace].blocks) {
      if (part.block == block) wanted.push_back({part.place, trace});
    }
  }
  std::ranges::sort(wanted, {},
                    [](const Wanted& each) { return std::pair(each.place.row_group, each.place.first_row); });
  const std::shared_ptr<const block::Block>& source = snapshot_.blocks[block]->shared_block();
  block::RowCopier copier(source, out);
  std::optional<block::RowGroup> group;
  uint32_t index = 0;
  std::vector<uint32_t> rows;
  for (const Wanted& each : wanted) {
    CopiedPart part{each.trace, static_cast<uint32_t>(out.span_count()), {}};
    uint32_t first = each.place.first_row;
    uint32_t left = each.place.row_count;
    for (uint32_t at = each.place.row_group; left > 0; ++at, first = 0) {
      if (at >= source->row_groups().size()) return Error(Code::DataLoss, "the trace index is damaged");
      if (!group || index != at) group.emplace(TRY(source->row_group(at)));
      index = at;
      if (at == each.place.row_group) part.summary = TRY(summary_at(*group, first));
      rows.resize(std::min(left, group->row_count() - first));
      std::iota(rows.begin(), rows.end(), first);
      TRY(copier.append(*group, rows));
      left -= static_cast<uint32_t>(rows.size());
    }
    copied.push_back(part);
  }
  return {};
}

void TraceJoiner::add_from_head(const HeadPart& part, std::optional<model::TraceSummary>& summary) {
  const store::HeadSnapshot& head = snapshot_.heads[part.head];
  rows_.clear();
  {
    const store::HeadSlice slice = head.slice();
    slice.append_rows(part.trace, rows_);
    const model::TraceSummary here = slice.summary(part.trace);
    summary = summary ? model::merge(*summary, here) : here;
  }
  for (size_t begin = 0; begin < rows_.size(); begin += kSliceRows) {
    const size_t count = std::min(kSliceRows, rows_.size() - begin);
    merger_.add(head.slice().spans(), std::span(rows_).subspan(begin, count));
  }
}

Result<size_t> TraceJoiner::join(std::span<const model::TraceId> ids, uint64_t rows_max, Reservation& memory,
                                 model::SpanBatch& out, std::vector<JoinedTrace>& traces) {
  out = model::SpanBatch();
  traces.clear();
  std::vector<TraceParts> parts;
  std::vector<uint32_t> blocks;
  uint64_t rows = 0;
  for (const model::TraceId& id : ids) {
    TraceParts found = TRY(find_parts(snapshot_, id));
    if (!parts.empty() && rows + found.rows > rows_max) break;
    rows += found.rows;
    for (const BlockPart& part : found.blocks) {
      if (std::ranges::find(blocks, part.block) == blocks.end()) blocks.push_back(part.block);
    }
    parts.push_back(std::move(found));
  }
  if (!memory.grow(rows * (2 * kBytesPerSpanGuess + model::TraceMerger::kBytesPerSpan))) {
    return Error(Code::Unavailable, "the memory for queries is spent");
  }
  std::vector<model::SpanBatch> batches(blocks.size());
  std::vector<std::vector<CopiedPart>> copied(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) TRY(copy_from_block(blocks[i], parts, batches[i], copied[i]));

  for (uint32_t trace = 0; trace < parts.size(); ++trace) {
    std::optional<model::TraceSummary> summary;
    JoinedTrace joined;
    joined.first_row = static_cast<uint32_t>(out.span_count());
    merger_.start(out);
    for (const BlockPart& part : parts[trace].blocks) {
      const auto i = static_cast<size_t>(std::ranges::find(blocks, part.block) - blocks.begin());
      const auto copy = std::ranges::find(copied[i], trace, &CopiedPart::trace);
      rows_.resize(part.place.row_count);
      std::iota(rows_.begin(), rows_.end(), copy->first_row);
      merger_.add(batches[i], rows_);
      summary = summary ? model::merge(*summary, copy->summary) : copy->summary;
    }
    for (const HeadPart& part : parts[trace].heads) add_from_head(part, summary);
    if (summary) joined.summary = *summary;
    joined.summary.id = ids[trace];
    joined.summary.span_count = static_cast<uint32_t>(merger_.rows().size());
    traces.push_back(joined);
  }
  return parts.size();
}

}  // namespace clew::scan
