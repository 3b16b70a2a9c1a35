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
  has_parents_.assign(traces.count(), Parents::Unknown);
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
  if (has_parents_[trace] != Parents::Unknown) return parents;
  if (view_.knows_trees()) {
    view_.read_tree(traces_.rows.subspan(begin, count), parents, std::span(topdown_).subspan(begin, count));
    has_parents_[trace] = Parents::Known;
  } else {
    resolver_.resolve(gather_links(trace), parents);
    std::ranges::copy(resolver_.topdown(), topdown_.begin() + begin);
    has_parents_[trace] = Parents::Resolved;
  }
  return parents;
}

std::span<const uint32_t> TraceFacts::topdown(uint32_t trace) const {
  DCHECK(has_parents_[trace] != Parents::Unknown);
  const uint32_t begin = traces_.begin(trace);
  return std::span(topdown_).subspan(begin, traces_.end(trace) - begin);
}

void TraceFacts::build_tree(uint32_t trace) {
  if (numbers_.size() < traces_.rows.size()) numbers_.resize(traces_.rows.size());
  has_numbers_[trace] = 1;
  parents(trace);
  if (has_parents_[trace] == Parents::Known) return number_known(trace);
  tree_.build(gather_links(trace));
  const uint32_t begin = traces_.begin(trace);
  for (uint32_t i = 0; i < tree_.size(); ++i) {
    numbers_[begin + i] = {tree_.left(i), tree_.right(i), tree_.left_of_parent(i), tree_.child_count(i)};
  }
}

// Spans that are entered and not yet left are the ancestors of the next one.
void TraceFacts::number_known(uint32_t trace) {
  const std::span<const uint32_t> parents = this->parents(trace);
  const auto numbers = std::span(numbers_).subspan(traces_.begin(trace), parents.size());
  open_.clear();
  uint32_t count = 0;
  const auto leave_to = [&](uint32_t parent) {
    for (; !open_.empty() && open_.back() != parent; open_.pop_back()) numbers[open_.back()].right = ++count;
  };
  for (const uint32_t i : topdown(trace)) {
    const uint32_t parent = parents[i];
    leave_to(parent);
    numbers[i] = {++count, 0, parent == model::kRoot ? -1 : 0, 0};
    if (!model::is_top(parent)) {
      numbers[i].left_of_parent = numbers[parent].left;
      ++numbers[parent].child_count;
    }
    open_.push_back(i);
  }
  leave_to(model::kNoSpan);
}

TraceFacts::Kept TraceFacts::keep(Value value) const {
  if (value.kind != ValueKind::Text) return {value, {}};
  return {value, std::string(scratch_.texts[value.bits])};
}

// The service of a resource is its last string attribute service.name.
TraceFacts::Kept TraceFacts::service_of(uint32_t row) {
  view_.read(service_, std::span(&row, 1), scratch_);
  Value service;
  any_group(scratch_, scratch_.get(0), [&](std::span<const Value> group) {
    if (group.size() == 1 && group[0].kind == ValueKind::String) service = group[0];
    return false;
  });
  return keep(service);
}

uint32_t TraceFacts::earliest_root(uint32_t trace) {
  const std::span<const uint32_t> parents = this->parents(trace);
  if (has_parents_[trace] == Parents::Known) {  // tops stand in their order
    const std::span<const uint32_t> preorder = topdown(trace);
    const auto first = std::ranges::find(preorder, model::kRoot, [&](uint32_t i) { return parents[i]; });
    return first == preorder.end() ? model::kNoSpan : *first;
  }
  const std::span<const model::SpanLink> links = gather_links(trace);
  uint32_t first = model::kNoSpan;
  for (uint32_t i = 0; i < parents.size(); ++i) {
    if (parents[i] != model::kRoot) continue;
    if (first == model::kNoSpan || model::is_earlier(links, i, first)) first = i;
  }
  return first;
}

// The earliest span without a parent. Of two halves with one id the server's has a parent, so it gives way.
const TraceFacts::Root& TraceFacts::root(uint32_t trace) {
  if (roots_.empty()) roots_.resize(traces_.count());
  Root& root = roots_[trace];
  if (root.known) return root;
  root.known = true;
  const uint32_t first = earliest_root(trace);
  if (first == model::kNoSpan) return root;
  const uint32_t row = traces_.rows[traces_.begin(trace) + first];
  view_.read(name_, std::span(&row, 1), scratch_);
  root.name = keep(scratch_.get(0));
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
      const Kept& kept = intrinsic == Intrinsic::TraceRootName ? root.name : root.service;
      out.set(i, kept.value.kind == ValueKind::Text ? out.text(kept.text) : kept.value);
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
