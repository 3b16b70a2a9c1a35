// SPDX-License-Identifier: Apache-2.0
//
// RowJoins evaluates what a query asks of its leaves together (`&&`, `||`, relations) on sets of rows of a row group,
// for all of its traces in one pass:
//
//   RowJoins joins(query);
//   const RowBits& chosen = joins.choose(traces, rows_of_leaves);
//
// From the rows that each leaf chooses it makes the rows that the query chooses, as eval::Evaluator does. No operator
// chooses fewer rows when its sides have more: from rows that leaves *may* choose come rows that the query may choose,
// and never too few. So a trace without any needs no evaluation.
//
// Rows are whole traces in pre-order, so that a subtree is a run of rows.
// Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "query/ast.h"
#include "scan/row_bits.h"

namespace clew::scan {

// The traces of a row group.
struct TreeRows {
  std::span<const uint32_t> counts;  // rows of each trace, one behind the other
  // block::kParentDelta: one more than how many rows before the row its parent lies; below 2: it has none. One that
  // leads out of the row group is taken for none.
  std::span<const uint32_t> deltas;
};

class RowJoins {
 public:
  // `query` must outlive this.
  explicit RowJoins(const query::Query& query);

  // Does it ask where spans lie in their trees? Else choose() needs no deltas.
  bool needs_tree() const { return needs_tree_; }
  // Memory for row groups of `rows` rows, beside the sets of the leaves.
  uint64_t memory_bytes(uint32_t rows) const;

  // leaves[i]: the rows of leaf i, in the order of Leaves; leaves beyond are taken to choose all rows. Lives until the
  // next call.
  const RowBits& choose(const TreeRows& traces, std::span<const RowBits> leaves);

 private:
  void choose(const query::SpansetExpr& expression, RowBits& out);
  void join(query::SpansetOp op, const RowBits& left, RowBits& right);
  void keep_if_both(const RowBits& left, RowBits& right) const;
  void keep_siblings(const RowBits& left, RowBits& right);
  void mark_parents(const RowBits& rows);
  void mark_ancestors(const RowBits& rows);
  void mark_descendants(const RowBits& rows);
  bool has_parent(uint32_t row) const { return is_parent_within(row, row); }
  // Is the parent one of the `before` rows that lie before it?
  bool is_parent_within(uint32_t row, uint32_t before) const { return traces_.deltas[row] - 2 < before; }
  uint32_t parent(uint32_t row) const { return row - (traces_.deltas[row] - 1); }

  const query::Query& query_;
  const bool needs_tree_;
  TreeRows traces_;
  std::span<const RowBits> leaves_;
  uint32_t next_leaf_ = 0;
  RowBits chosen_;
  RowBits marks_;
  std::deque<RowBits> held_;  // left sides of joins that are being worked out
  size_t held_count_ = 0;
  std::vector<uint8_t> children_;  // by row: of how many on the left it is the parent; 2: of several
};

}  // namespace clew::scan
