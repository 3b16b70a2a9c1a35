// SPDX-License-Identifier: Apache-2.0
//
// A spanset is a mask over the chunk's positions. A filter sets its mask from its condition, piece by piece; a join
// combines two masks trace by trace. Relations need parents only: `>` and `~` look at a span's parent, `<` marks
// parents, `>>` carries a mark down in top-down order and `<<` carries one up in the reverse of it.
#include "eval/evaluate.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace clew::eval {

using query::SpansetOp;

Result<Evaluator> Evaluator::bind(const query::Query& query, ColumnView& view) {
  Evaluator evaluator(view);
  TRY(evaluator.bind_node(*query.spans));
  evaluator.joins_deep_ = query.spans->height;
  return evaluator;
}

Result<uint32_t> Evaluator::bind_node(const query::SpansetExpr& expression) {
  Node node;
  if (const auto* filter = std::get_if<query::Filter>(&expression.node)) {
    node.condition = TRY(Condition::bind(*filter->condition, *view_, *facts_));
    needs_tree_ |= node.condition->needs_tree();
    node.never = node.condition->is_never_true();
  } else {
    const auto& join = std::get<query::Join>(expression.node);
    node.op = join.op;
    node.left = TRY(bind_node(*join.left));
    node.right = TRY(bind_node(*join.right));
    needs_parents_ |= join.op != SpansetOp::And && join.op != SpansetOp::Or;
    const bool left_never = nodes_[node.left].never;
    const bool right_never = nodes_[node.right].never;
    node.never = join.op == SpansetOp::Or ? left_never && right_never : left_never || right_never;
  }
  nodes_.push_back(std::move(node));
  return static_cast<uint32_t>(nodes_.size() - 1);
}

uint64_t Evaluator::fixed_bytes() const {
  uint64_t bytes = 0;
  std::vector<FieldId> fields;
  for (const Node& node : nodes_) {
    if (!node.condition) continue;
    bytes += node.condition->pattern_bytes();
    node.condition->append_cached_fields(fields);
  }
  std::ranges::sort(fields);
  const auto repeated = std::ranges::unique(fields);
  return bytes + static_cast<uint64_t>(repeated.begin() - fields.begin()) * kFieldBytesMax;
}

uint64_t Evaluator::bytes_per_row() const {
  const uint64_t masks = std::min<uint64_t>(uint64_t{joins_deep_} * 2, nodes_.size());
  uint64_t bytes = masks + 3 * sizeof(uint32_t);
  if (needs_parents_ || needs_tree_) bytes += TraceFacts::parent_bytes_per_row(*view_);
  if (needs_tree_) bytes += TraceFacts::tree_bytes_per_row(*view_);
  return bytes;
}

Evaluator::Mask Evaluator::take_mask() {
  Mask mask;
  if (!free_masks_.empty()) {
    mask = std::move(free_masks_.back());
    free_masks_.pop_back();
  }
  mask.assign(traces_.rows.size(), 0);
  return mask;
}

Evaluator::TraceList Evaluator::take_list() {
  TraceList list;
  if (!free_lists_.empty()) {
    list = std::move(free_lists_.back());
    free_lists_.pop_back();
  }
  list.clear();
  return list;
}

bool Evaluator::run(const Traces& traces, Matches& matches, const Pace* pace) {
  traces_ = traces;
  pace_ = pace;
  rows_since_pace_ = 0;
  stopped_ = false;
  facts_->start(traces, pace);
  matches.positions.clear();
  matches.ends.clear();

  TraceList all = take_list();
  all.resize(traces.count());
  std::iota(all.begin(), all.end(), 0);
  Mask mask = take_mask();
  evaluate(static_cast<uint32_t>(nodes_.size() - 1), all, mask);
  list_chosen(mask, matches);
  free_masks_.push_back(std::move(mask));
  free_lists_.push_back(std::move(all));
  return !stopped_ && !facts_->stopped();
}

// Most chunks hold few chosen spans or none, so the next one is looked for a word at a time.
void Evaluator::list_chosen(const Mask& mask, Matches& matches) const {
  const auto next_from = [&](size_t at) {
    if (at >= mask.size()) return mask.size();
    const void* found = std::memchr(mask.data() + at, 1, mask.size() - at);
    return found == nullptr ? mask.size() : static_cast<size_t>(static_cast<const uint8_t*>(found) - mask.data());
  };
  size_t at = next_from(0);
  for (uint32_t trace = 0; trace < traces_.count(); ++trace) {
    for (; at < traces_.end(trace); at = next_from(at + 1)) matches.positions.push_back(static_cast<uint32_t>(at));
    matches.ends.push_back(static_cast<uint32_t>(matches.positions.size()));
  }
}

bool Evaluator::go_on() {
  if (pace_ != nullptr && rows_since_pace_ >= kPieceRows) {
    rows_since_pace_ = 0;
    stopped_ |= !(*pace_)();
  }
  return !stopped_ && !facts_->stopped();
}

void Evaluator::evaluate(uint32_t index, const TraceList& traces, Mask& out) {
  Node& node = nodes_[index];
  if (traces.empty() || node.never || !go_on()) return;
  if (!node.condition) return join(node, traces, out);
  if (node.condition->is_always_true()) {
    for (const uint32_t trace : traces) {
      std::fill(out.begin() + traces_.begin(trace), out.begin() + traces_.end(trace), uint8_t{1});
    }
    return;
  }
  filter(*node.condition, traces, out);
}

void Evaluator::filter(Condition& condition, const TraceList& traces, Mask& out) {
  if (traces.size() == traces_.count()) return filter_all(condition, out);
  piece_positions_.resize(Condition::kSpansMax);
  piece_rows_.resize(Condition::kSpansMax);
  size_t size = 0;
  for (const uint32_t trace : traces) {
    for (uint32_t at = traces_.begin(trace); at < traces_.end(trace); ++at) {
      piece_positions_[size] = at;
      piece_rows_[size] = traces_.rows[at];
      if (++size < Condition::kSpansMax) continue;
      filter_piece(condition, {std::span(piece_positions_).first(size), std::span(piece_rows_).first(size)}, out);
      size = 0;
      if (!go_on()) return;
    }
  }
  filter_piece(condition, {std::span(piece_positions_).first(size), std::span(piece_rows_).first(size)}, out);
}

// The whole chunk lies in one run already.
void Evaluator::filter_all(Condition& condition, Mask& out) {
  const size_t count = traces_.rows.size();
  while (all_positions_.size() < count) all_positions_.push_back(static_cast<uint32_t>(all_positions_.size()));
  for (size_t at = 0; at < count && go_on(); at += Condition::kSpansMax) {
    const size_t size = std::min(Condition::kSpansMax, count - at);
    filter_piece(condition, {std::span(all_positions_).subspan(at, size), traces_.rows.subspan(at, size)}, out);
  }
}

// Spans with so many values that a column overflows are taken in ever smaller pieces; one that alone is too much does
// not match.
void Evaluator::filter_piece(Condition& condition, const Selection& piece, Mask& out) {
  rows_since_pace_ += piece.size();
  size_t limit = piece.size();
  for (size_t at = 0; at < piece.size();) {
    const size_t size = std::min(limit, piece.size() - at);
    if (condition.select({piece.positions.subspan(at, size), piece.rows.subspan(at, size)}, kept_)) {
      for (size_t i = 0; i < kept_.size; ++i) out[kept_.positions[i]] = 1;
    } else if (size > 1) {
      limit = size / 2;
      continue;
    } else {
      gave_up_ = true;
    }
    at += size;
    limit = piece.size();
  }
  gave_up_ |= condition.gave_up();
}

void Evaluator::traces_with_spans(const TraceList& traces, const Mask& mask, TraceList& out) const {
  for (const uint32_t trace : traces) {
    const uint32_t begin = traces_.begin(trace);
    if (std::memchr(mask.data() + begin, 1, traces_.end(trace) - begin) != nullptr) out.push_back(trace);
  }
}

void Evaluator::join(const Node& node, const TraceList& traces, Mask& out) {
  Mask left = take_mask();
  evaluate(node.left, traces, left);
  Mask right = take_mask();
  if (node.op == SpansetOp::Or) {
    evaluate(node.right, traces, right);
    for (size_t i = 0; i < out.size(); ++i) out[i] = left[i] | right[i];
  } else {
    TraceList with_left = take_list();
    TraceList with_both = take_list();
    traces_with_spans(traces, left, with_left);
    evaluate(node.right, with_left, right);
    traces_with_spans(with_left, right, with_both);
    for (const uint32_t trace : with_both) {
      relate(node.op, trace, left, right, out);
      rows_since_pace_ += traces_.end(trace) - traces_.begin(trace);
      if (!go_on()) break;
    }
    free_lists_.push_back(std::move(with_left));
    free_lists_.push_back(std::move(with_both));
  }
  free_masks_.push_back(std::move(left));
  free_masks_.push_back(std::move(right));
}

void Evaluator::relate(SpansetOp op, uint32_t trace, const Mask& left, const Mask& right, Mask& out) {
  const uint32_t begin = traces_.begin(trace);
  const uint32_t count = traces_.end(trace) - begin;
  const auto a = std::span(left).subspan(begin, count);
  const auto b = std::span(right).subspan(begin, count);
  const auto to = std::span(out).subspan(begin, count);
  if (op == SpansetOp::And) {
    for (uint32_t i = 0; i < count; ++i) to[i] = a[i] | b[i];
    return;
  }
  const std::span<const uint32_t> parents = facts_->parents(trace);
  if (op == SpansetOp::Child) {
    for (uint32_t i = 0; i < count; ++i) to[i] = b[i] != 0 && !model::is_top(parents[i]) && a[parents[i]] != 0;
    return;
  }
  marks_.assign(count, 0);
  const std::span<const uint32_t> topdown = facts_->topdown(trace);
  switch (op) {
    case SpansetOp::Parent:  // mark: parent of one in a
      for (uint32_t i = 0; i < count; ++i) {
        if (a[i] != 0 && !model::is_top(parents[i])) marks_[parents[i]] = 1;
      }
      break;
    case SpansetOp::Descendant:  // mark: has an ancestor in a
      for (const uint32_t i : topdown) {
        if (!model::is_top(parents[i])) marks_[i] = a[parents[i]] | marks_[parents[i]];
      }
      break;
    case SpansetOp::Ancestor:  // mark: has a descendant in a
      for (auto i = topdown.rbegin(); i != topdown.rend(); ++i) {
        if (!model::is_top(parents[*i])) marks_[parents[*i]] |= a[*i] | marks_[*i];
      }
      break;
    case SpansetOp::Sibling:  // mark: number of children in a
      for (uint32_t i = 0; i < count; ++i) {
        if (!model::is_top(parents[i])) marks_[parents[i]] += a[i];
      }
      for (uint32_t i = 0; i < count; ++i) to[i] = b[i] != 0 && !model::is_top(parents[i]) && marks_[parents[i]] > a[i];
      return;
    default:
      CHECK(false);
  }
  for (uint32_t i = 0; i < count; ++i) to[i] = b[i] != 0 && marks_[i] != 0;
}

}  // namespace clew::eval
