// SPDX-License-Identifier: Apache-2.0
#include "eval/trace_facts.h"

#include <algorithm>

#include "eval/compare.h"

namespace clew::eval {

using query::Intrinsic;

TraceFacts::TraceFacts(ColumnView& view)
    : view_(view),
      name_(view.bind(Intrinsic::SpanName)),
      service_(view.bind(query::Attribute{query::Scope::Resource, "service.name"})) {}

void TraceFacts::start(const Traces& traces, const Pace* pace) {
  traces_ = traces;
  pace_ = pace;
  stopped_ = false;
  links_trace_ = UINT32_MAX;
  has_parents_.assign(traces.count(), 0);
  has_numbers_.assign(traces.count(), 0);
  roots_.clear();
}

std::span<const model::SpanLink> TraceFacts::gather_links(uint32_t trace) {
  if (links_trace_ == trace) return links_;
  links_trace_ = trace;
  const uint32_t begin = traces_.begin(trace);
  const size_t count = traces_.end(trace) - begin;
  links_.resize(count);
  for (size_t at = 0; at < count; at += kPieceRows) {
    if (at > 0 && pace_ != nullptr && !stopped_) stopped_ = !(*pace_)();
    const size_t piece = std::min(kPieceRows, count - at);
    view_.read_links(traces_.rows.subspan(begin + at, piece), std::span(links_).subspan(at, piece));
  }
  return links_;
}

std::span<const uint32_t> TraceFacts::parents(uint32_t trace) {
  const uint32_t begin = traces_.begin(trace);
  const size_t count = traces_.end(trace) - begin;
  if (parents_.size() < traces_.rows.size()) {
    parents_.resize(traces_.rows.size());
    topdown_.resize(traces_.rows.size());
  }
  const auto parents = std::span(parents_).subspan(begin, count);
  if (has_parents_[trace] == 0) {
    resolver_.resolve(gather_links(trace), parents);
    std::ranges::copy(resolver_.topdown(), topdown_.begin() + begin);
    has_parents_[trace] = 1;
  }
  return parents;
}

std::span<const uint32_t> TraceFacts::topdown(uint32_t trace) const {
  DCHECK(has_parents_[trace] != 0);
  const uint32_t begin = traces_.begin(trace);
  return std::span(topdown_).subspan(begin, traces_.end(trace) - begin);
}

void TraceFacts::build_tree(uint32_t trace) {
  if (numbers_.size() < traces_.rows.size()) numbers_.resize(traces_.rows.size());
  tree_.build(gather_links(trace));
  const uint32_t begin = traces_.begin(trace);
  for (uint32_t i = 0; i < tree_.size(); ++i) {
    numbers_[begin + i] = {tree_.left(i), tree_.right(i), tree_.left_of_parent(i), tree_.child_count(i)};
  }
  has_numbers_[trace] = 1;
}

// The service of a resource is its last string attribute service.name.
Value TraceFacts::service_of(uint32_t row) {
  view_.read(service_, std::span(&row, 1), scratch_);
  Value service;
  any_group(scratch_, scratch_.get(0), [&](std::span<const Value> group) {
    if (group.size() == 1 && group[0].kind == ValueKind::String) service = group[0];
    return false;
  });
  return service;
}

// The earliest span without a parent. Of two halves with one id the server's has a parent, so it gives way.
const TraceFacts::Root& TraceFacts::root(uint32_t trace) {
  if (roots_.empty()) roots_.resize(traces_.count());
  Root& root = roots_[trace];
  if (root.known) return root;
  root.known = true;
  const std::span<const uint32_t> parents = this->parents(trace);
  const std::span<const model::SpanLink> links = gather_links(trace);
  uint32_t first = model::kNoSpan;
  for (uint32_t i = 0; i < parents.size(); ++i) {
    if (parents[i] != model::kRoot) continue;
    if (first == model::kNoSpan || model::is_earlier(links, i, first)) first = i;
  }
  if (first == model::kNoSpan) return root;
  const uint32_t row = traces_.rows[traces_.begin(trace) + first];
  view_.read(name_, std::span(&row, 1), scratch_);
  root.name = scratch_.get(0);
  root.service = service_of(row);
  return root;
}

uint32_t TraceFacts::trace_at(uint32_t position) const {
  return static_cast<uint32_t>(std::ranges::upper_bound(traces_.ends, position) - traces_.ends.begin());
}

void TraceFacts::read_top_or_not(std::span<const uint32_t> positions, ValueColumn& out) {
  out.reset(positions.size());
  for (size_t i = 0; i < positions.size();) {
    const uint32_t trace = trace_at(positions[i]);
    const std::span<const uint32_t> parents = this->parents(trace);
    const uint32_t begin = traces_.begin(trace);
    for (; i < positions.size() && positions[i] < traces_.end(trace); ++i) {
      const uint32_t parent = parents[positions[i] - begin];
      const int64_t value = parent == model::kRoot ? -1 : parent == model::kOrphan ? 0 : 1;
      out.set(i, {ValueKind::Int, static_cast<uint64_t>(value)});
    }
  }
}

void TraceFacts::read(Intrinsic intrinsic, std::span<const uint32_t> positions, ValueColumn& out) {
  out.reset(positions.size());
  uint32_t trace =
      positions.empty()
          ? 0
          : static_cast<uint32_t>(std::ranges::upper_bound(traces_.ends, positions[0]) - traces_.ends.begin());
  for (size_t i = 0; i < positions.size(); ++i) {
    while (positions[i] >= traces_.end(trace)) ++trace;
    if (intrinsic == Intrinsic::TraceDuration) {
      out.set(i, {ValueKind::Int, traces_.durations[trace]});
      continue;
    }
    if (intrinsic == Intrinsic::TraceRootName || intrinsic == Intrinsic::TraceRootService) {
      const Root& root = this->root(trace);
      out.set(i, intrinsic == Intrinsic::TraceRootName ? root.name : root.service);
      continue;
    }
    if (has_numbers_[trace] == 0) build_tree(trace);
    const Numbers& numbers = numbers_[positions[i]];
    int64_t value = 0;
    switch (intrinsic) {
      case Intrinsic::SpanChildCount:
        value = numbers.child_count;
        break;
      case Intrinsic::NestedSetLeft:
        value = numbers.left;
        break;
      case Intrinsic::NestedSetRight:
        value = numbers.right;
        break;
      case Intrinsic::NestedSetParent:
        value = numbers.left_of_parent;
        break;
      default:
        CHECK(false);  // is_of_trace() names no other
    }
    out.set(i, {ValueKind::Int, static_cast<uint64_t>(value)});
  }
}

}  // namespace clew::eval
