// SPDX-License-Identifier: Apache-2.0
//
// `>` and `~` look at the parents of the right side's rows; the other relations mark rows from the left side's and keep
// those of the right that are marked. `>>` marks subtrees, of which it passes over those within others; `<<` goes up
// from each row to the first that is marked. So each is linear in the rows of one side and those it marks.
#include "scan/row_joins.h"

#include <algorithm>

namespace clew::scan {

using query::SpansetOp;

namespace {

bool has_relation(const query::SpansetExpr& expression) {
  const auto* join = std::get_if<query::Join>(&expression.node);
  if (join == nullptr) return false;
  if (join->op != SpansetOp::And && join->op != SpansetOp::Or) return true;
  return has_relation(*join->left) || has_relation(*join->right);
}

}  // namespace

RowJoins::RowJoins(const query::Query& query) : query_(query), needs_tree_(has_relation(*query.spans)) {}

uint64_t RowJoins::memory_bytes(uint32_t rows) const {
  constexpr uint64_t kOwnSets = 2;
  return (query_.spans->height + kOwnSets) * (rows / 8 + sizeof(RowBits)) + rows;
}

const RowBits& RowJoins::choose(const TreeRows& traces, std::span<const RowBits> leaves) {
  traces_ = traces;
  leaves_ = leaves;
  next_leaf_ = 0;
  choose(*query_.spans, chosen_);
  return chosen_;
}

void RowJoins::choose(const query::SpansetExpr& expression, RowBits& out) {
  const auto* join = std::get_if<query::Join>(&expression.node);
  if (join == nullptr) {
    const uint32_t leaf = next_leaf_++;
    if (leaf < leaves_.size()) {
      out = leaves_[leaf];
    } else {
      out.reset(leaves_[0].rows(), true);
    }
    return;
  }
  if (held_count_ == held_.size()) held_.emplace_back();
  RowBits& left = held_[held_count_++];
  choose(*join->left, left);
  choose(*join->right, out);
  --held_count_;
  this->join(join->op, left, out);
}

void RowJoins::join(SpansetOp op, const RowBits& left, RowBits& right) {
  switch (op) {
    case SpansetOp::Or:
      right |= left;
      return;
    case SpansetOp::And:
      return keep_if_both(left, right);
    case SpansetOp::Child:
      return right.keep_where([&](uint32_t row) { return has_parent(row) && left.contains(parent(row)); });
    case SpansetOp::Sibling:
      return keep_siblings(left, right);
    case SpansetOp::Parent:
      mark_parents(left);
      break;
    case SpansetOp::Ancestor:
      mark_ancestors(left);
      break;
    case SpansetOp::Descendant:
      right.keep_where([&](uint32_t row) { return has_parent(row); });
      if (!right.any()) return;
      mark_descendants(left);
      break;
  }
  right &= marks_;
}

void RowJoins::keep_if_both(const RowBits& left, RowBits& right) const {
  uint32_t first = 0;
  for (const uint32_t count : traces_.counts) {
    if (left.any_in(first, count) && right.any_in(first, count)) {
      right.add_range_of(left, first, count);
    } else {
      right.remove_range(first, count);
    }
    first += count;
  }
}

void RowJoins::keep_siblings(const RowBits& left, RowBits& right) {
  children_.resize(std::max<size_t>(children_.size(), left.rows()));
  left.for_each([&](uint32_t row) {
    if (has_parent(row)) children_[parent(row)] = children_[parent(row)] == 0 ? 1 : 2;
  });
  right.keep_where(
      [&](uint32_t row) { return has_parent(row) && children_[parent(row)] > (left.contains(row) ? 1 : 0); });
  left.for_each([&](uint32_t row) {
    if (has_parent(row)) children_[parent(row)] = 0;
  });
}

void RowJoins::mark_parents(const RowBits& rows) {
  marks_.reset(rows.rows());
  rows.for_each([&](uint32_t row) {
    if (has_parent(row)) marks_.add(parent(row));
  });
}

void RowJoins::mark_ancestors(const RowBits& rows) {
  marks_.reset(rows.rows());
  rows.for_each([&](uint32_t row) {
    while (has_parent(row)) {
      row = parent(row);
      if (marks_.contains(row)) return;
      marks_.add(row);
    }
  });
}

void RowJoins::mark_descendants(const RowBits& rows) {
  marks_.reset(rows.rows());
  const uint32_t end = rows.rows();
  for (uint32_t row = rows.next(0); row < end;) {
    uint32_t below = row + 1;
    while (below < end && is_parent_within(below, below - row)) ++below;
    marks_.add_range(row + 1, below - row - 1);
    row = rows.next(below);
  }
}

}  // namespace clew::scan
