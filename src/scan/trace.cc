// SPDX-License-Identifier: Apache-2.0
#include "scan/trace.h"

#include <algorithm>

#include "model/trace_tree.h"

namespace clew::scan {
namespace {

// What a span takes until its true size is known: above the mean of what instrumented programs send.
constexpr uint64_t kBytesPerSpanGuess = 1024;
// Rows that are copied under one hold of a head's lock.
constexpr size_t kSliceRows = 4096;

Error no_room() { return {Code::Unavailable, "the memory for queries is spent; try again later"}; }

}  // namespace

Result<std::optional<ReadTrace>> read_trace(const store::Snapshot& snapshot, const model::TraceId& id,
                                            MemoryBudget& budget) {
  const store::HeadSnapshot& head = snapshot.heads.back();
  std::vector<uint32_t> rows;
  ReadTrace read{{}, Reservation(budget, Share::Query)};
  {
    const store::HeadSlice slice = head.slice();
    const std::optional<uint32_t> trace = slice.find(id);
    if (!trace) return std::optional<ReadTrace>();
    if (!read.memory.grow(slice.summary(*trace).span_count * kBytesPerSpanGuess)) return no_room();
    slice.append_rows(*trace, rows);
    model::TraceTree tree;
    tree.build(slice.spans(), rows);
    std::vector<uint32_t> ordered;
    ordered.reserve(rows.size());
    for (const uint32_t position : tree.preorder()) ordered.push_back(rows[position]);
    rows = std::move(ordered);
  }
  for (size_t begin = 0; begin < rows.size(); begin += kSliceRows) {
    const size_t count = std::min(kSliceRows, rows.size() - begin);
    read.spans.append_rows(head.slice().spans(), std::span(rows).subspan(begin, count));
  }
  const uint64_t bytes = read.spans.memory_bytes();
  if (bytes > read.memory.bytes() && !read.memory.grow(bytes - read.memory.bytes())) return no_room();
  read.memory.shrink_to(bytes);
  return std::optional(std::move(read));
}

}  // namespace clew::scan
