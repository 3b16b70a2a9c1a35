// SPDX-License-Identifier: Apache-2.0
#include "store/trace_run.h"

#include <algorithm>

namespace clew::store {

uint32_t top_of(std::span<const uint32_t> rows, std::span<const uint32_t> parents) {
  const auto root = std::ranges::find(parents, model::kRoot);
  // The tops stand in their order, and the first row is one of them.
  return root == parents.end() ? rows.front() : rows[static_cast<size_t>(root - parents.begin())];
}

Result<void> BlockRun::load() {
  traces_.clear();
  at_ = 0;
  // Given back before the next one is read.
  group_.reset();
  group_.emplace(TRY(block_->row_group(next_group_)));
  ++next_group_;
  std::vector<block::TraceRows> wanted;
  std::vector<uint8_t> flags;
  for (const block::TraceRows& part : TRY(group_->traces())) {
    const std::optional<uint8_t> selected = select_(part);
    if (!selected) continue;
    wanted.push_back(part);
    flags.push_back(*selected);
  }
  if (wanted.empty()) {
    group_.reset();
    return {};
  }
  return read(wanted, flags);
}

Result<void> BlockRun::read(std::span<const block::TraceRows> parts, std::span<const uint8_t> flags) {
  rows_.clear();
  parents_.clear();
  const std::span<const uint32_t> parents = TRY(group_->parents());
  for (const block::TraceRows& part : parts) {
    for (uint32_t i = 0; i < part.row_count; ++i) {
      rows_.push_back(part.first_row + i);
      parents_.push_back(parents[part.first_row + i]);
    }
  }
  TRY(copier_.start(*group_, rows_));
  size_t first = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const block::TraceRows& part = parts[i];
    TraceView trace;
    trace.summary = part.summary;
    trace.rows = std::span(rows_).subspan(first, part.row_count);
    trace.parents = std::span(parents_).subspan(first, part.row_count);
    trace.first_position = part.first_position;
    trace.flags = flags[i];
    trace.order = TRY(block::order_of(*block_, *group_, part.summary, top_of(trace.rows, trace.parents)));
    traces_.push_back(trace);
    first += part.row_count;
  }
  return {};
}

void BlockRun::next() {
  if (++at_ == traces_.size()) group_.reset();
}

uint64_t BlockRun::memory_bytes() const {
  return (group_ ? group_->memory_bytes() : 0) + copier_.memory_bytes() +
         (rows_.capacity() + parents_.capacity()) * sizeof(uint32_t) + traces_.capacity() * sizeof(TraceView);
}

void JoinedRun::add(const model::TraceSummary& summary, std::span<const uint32_t> rows, uint8_t flags) {
  tree_.build(batch_, rows);
  auto numbers = std::make_unique<Numbers>();
  numbers->rows.reserve(rows.size());
  numbers->parents.reserve(rows.size());
  positions_.resize(rows.size());
  for (const uint32_t i : tree_.preorder()) {
    positions_[i] = static_cast<uint32_t>(numbers->rows.size());
    const uint32_t parent = tree_.parent(i);
    numbers->rows.push_back(rows[i]);
    numbers->parents.push_back(model::is_top(parent) ? parent : positions_[parent]);
  }
  TraceView trace;
  trace.summary = summary;
  trace.rows = numbers->rows;
  trace.parents = numbers->parents;
  trace.flags = flags;
  trace.order = block::order_of(batch_, summary, top_of(trace.rows, trace.parents));
  number_bytes_ += sizeof(Numbers) + rows.size() * 2 * sizeof(uint32_t);
  numbers_.push_back(std::move(numbers));
  traces_.push_back(trace);
}

Result<void> JoinedRun::append() {
  if (!appender_) appender_.emplace(out_, batch_);
  appender_->append(current().rows);
  return {};
}

void JoinedRun::clear() {
  appender_.reset();
  traces_.clear();
  numbers_.clear();
  number_bytes_ = 0;
  at_ = 0;
  batch_ = model::SpanBatch();
}

void JoinedRun::sort() {
  std::ranges::sort(traces_, {}, &TraceView::order);
  at_ = 0;
}

uint64_t JoinedRun::memory_bytes() const {
  return batch_.memory_bytes() + number_bytes_ + traces_.capacity() * sizeof(TraceView) +
         numbers_.capacity() * sizeof(numbers_[0]);
}

}  // namespace clew::store
