// SPDX-License-Identifier: Apache-2.0
//
// A part in a block lies in the order of its tree already. What lies in a head, or in pieces, is put into that order
// once it is together.
#include "scan/trace.h"

#include <algorithm>

#include "model/trace_tree.h"
#include "scan/join.h"

namespace clew::scan {
namespace {

// What a span takes until its true size is known: above the mean of what instrumented programs send.
constexpr uint64_t kBytesPerSpanGuess = 1024;
// Rows that are copied under one hold of a head's lock.
constexpr size_t kSliceRows = 4096;

Error no_room() { return {Code::Unavailable, "the memory for queries is spent; try again later"}; }

// The rows in the order of their tree.
std::vector<uint32_t> in_preorder(const model::SpanBatch& spans, std::span<const uint32_t> rows) {
  model::TraceTree tree;
  tree.build(spans, rows);
  std::vector<uint32_t> ordered;
  ordered.reserve(rows.size());
  for (const uint32_t position : tree.preorder()) ordered.push_back(rows[position]);
  return ordered;
}

Result<void> read_head(const store::HeadSnapshot& head, uint32_t trace, model::SpanBatch& out) {
  std::vector<uint32_t> rows;
  {
    const store::HeadSlice slice = head.slice();
    slice.append_rows(trace, rows);
    rows = in_preorder(slice.spans(), rows);
  }
  for (size_t begin = 0; begin < rows.size(); begin += kSliceRows) {
    const size_t count = std::min(kSliceRows, rows.size() - begin);
    out.append_rows(head.slice().spans(), std::span(rows).subspan(begin, count));
  }
  return {};
}

Result<void> read_block(const store::StoredBlock& stored, const block::TracePlace& place, model::SpanBatch& out) {
  block::RowCopier copier(stored.shared_block(), out);
  TRY(for_each_run(stored.block(), place,
                   [&](block::RowGroup& group, std::span<const uint32_t> rows) { return copier.append(group, rows); }));
  return {};
}

Result<void> read_pieces(const store::Snapshot& snapshot, const model::TraceId& id, Reservation& memory,
                         model::SpanBatch& out) {
  model::SpanBatch joined;
  std::vector<JoinedTrace> traces;
  TRY(TraceJoiner(snapshot).join(std::span(&id, 1), 0, memory, joined, traces));
  std::vector<uint32_t> rows(joined.span_count());
  for (uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
  out.append_rows(joined, in_preorder(joined, rows));
  return {};
}

}  // namespace

Result<std::optional<ReadTrace>> read_trace(const store::Snapshot& snapshot, const model::TraceId& id,
                                            MemoryBudget& budget) {
  const TraceParts parts = TRY(find_parts(snapshot, id));
  if (parts.empty()) return std::optional<ReadTrace>();
  ReadTrace read{{}, Reservation(budget, Share::Query)};
  if (!read.memory.grow(parts.rows * kBytesPerSpanGuess)) return no_room();
  if (parts.blocks.size() + parts.heads.size() > 1) {
    TRY(read_pieces(snapshot, id, read.memory, read.spans));
  } else if (parts.blocks.empty()) {
    TRY(read_head(snapshot.heads[parts.heads[0].head], parts.heads[0].trace, read.spans));
  } else {
    TRY(read_block(*snapshot.blocks[parts.blocks[0].block], parts.blocks[0].place, read.spans));
  }
  const uint64_t bytes = read.spans.memory_bytes();
  if (bytes > read.memory.bytes() && !read.memory.grow(bytes - read.memory.bytes())) return no_room();
  read.memory.shrink_to(bytes);
  return std::optional(std::move(read));
}

}  // namespace clew::scan
