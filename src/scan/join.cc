// SPDX-License-Identifier: Apache-2.0
#include "scan/join.h"

#include <algorithm>
#include <numeric>

namespace clew::scan {
namespace {

// What a span takes until its true size is known: above the mean of what instrumented programs send.
constexpr uint64_t kBytesPerSpanGuess = 1024;
// Rows that are copied under one hold of a head's lock.
constexpr size_t kSliceRows = 4096;

}  // namespace

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
    TraceParts found = TRY(TraceParts::find(snapshot_, id));
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
