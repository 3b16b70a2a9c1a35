// SPDX-License-Identifier: Apache-2.0
//
// Condition is the expression between the braces of a filter, bound to a view: select() keeps the spans of which it is
// true. It works on a list of spans at a time, operator by operator; `&&` looks at its right side only for the spans
// that its left side kept, `||` only for those that it did not.
//
// Truth has two values. A comparison with nil is false; a field on its own is true when it, or one of its values, is
// the bool true; `!` turns the one into the other.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "eval/compare.h"
#include "eval/text_test.h"
#include "eval/trace_facts.h"
#include "query/ast.h"

namespace clew::eval {

// Spans by their positions in the chunk, ascending, and by their rows.
struct Selection {
  std::span<const uint32_t> positions;
  std::span<const uint32_t> rows;

  size_t size() const { return positions.size(); }
};

// A selection that owns its lists. Filled by index up to a size that is known before.
struct SelectionList {
  std::vector<uint32_t> positions;
  std::vector<uint32_t> rows;
  size_t size = 0;

  void reset(size_t capacity) {
    if (positions.size() < capacity) {
      positions.resize(capacity);
      rows.resize(capacity);
    }
    size = 0;
  }
  // Keeps the span if `keep`; costs no branch.
  void add(uint32_t position, uint32_t row, bool keep) {
    positions[size] = position;
    rows[size] = row;
    size += static_cast<size_t>(keep);
  }
  Selection view() const { return {std::span(positions).first(size), std::span(rows).first(size)}; }
};

class Condition {
 public:
  // InvalidArgument if a pattern does not compile. `view` and `facts` must outlive the condition.
  static Result<Condition> bind(const query::FieldExpr& expression, ColumnView& view, TraceFacts& facts);
  Condition(Condition&&) noexcept = default;
  Condition& operator=(Condition&&) noexcept = default;

  // out = the spans of `in`, at most kSpansMax, of which the condition is true.
  // False: some column overflowed, and `out` means nothing; fewer spans need less room.
  bool select(const Selection& in, SelectionList& out);
  static constexpr size_t kSpansMax = 1024;

  // A comparison had more pairs of values for a span than kPairsMax, and counted as false.
  bool gave_up() const { return gave_up_; }
  // True of every span.
  bool is_always_true() const;
  // False of every span that the view held when the condition was bound: it asks for a key or text that is not there.
  bool is_never_true() const { return nodes_[root_].never; }
  // Appends the fields that the view keeps a cache for.
  void append_cached_fields(std::vector<FieldId>& fields) const;
  // Memory for patterns; what their automatons take is reckoned at its usual size.
  uint64_t pattern_bytes() const;
  // Needs more of TraceFacts than the duration.
  bool needs_tree() const { return needs_tree_; }

 private:
  enum class Op : uint8_t {
    Constant,
    Field,
    TraceField,
    Negate,
    Calculate,
    Compare,          // two columns
    CompareConstant,  // left column with right constant
    Test,             // left column with a TextTest
    Not,
    Exists,
    Absent,
    And,
    Or,
  };
  struct Node {
    Op op;
    query::BinaryOp operation{};
    query::Intrinsic intrinsic{};
    FieldId field = 0;
    uint32_t left = 0;
    uint32_t right = 0;
    bool never = false;    // is_never_true() of this part
    bool cached = false;   // a field that the view keeps a cache for
    bool coarse = false;   // of a TraceField: read_top_or_not() says enough
    std::string text;      // of a constant
    ValueColumn constant;  // one value
    std::optional<TextTest> test;
  };

  Condition(ColumnView& view, TraceFacts& facts) : view_(&view), facts_(&facts) {}

  Node& add(Op op);
  uint32_t last() const { return static_cast<uint32_t>(nodes_.size() - 1); }
  Result<uint32_t> bind_node(const query::FieldExpr& expression);
  Result<uint32_t> bind_unary(const query::Unary& unary);
  Result<uint32_t> bind_binary(const query::Binary& binary);
  Result<uint32_t> bind_comparison(query::BinaryOp op, const query::FieldExpr& left, const query::Literal& right);
  void bind_intrinsic(query::Intrinsic intrinsic);
  bool is_nil_everywhere(uint32_t node) const;
  bool finds_nothing(const Node& node) const;
  void bind_constant(const query::Literal& literal, std::optional<query::Intrinsic> compared_with);

  std::unique_ptr<ValueColumn> take_column();
  std::unique_ptr<SelectionList> take_list();
  void give(std::unique_ptr<ValueColumn> column) { free_columns_.push_back(std::move(column)); }
  void give(std::unique_ptr<SelectionList> list) { free_lists_.push_back(std::move(list)); }

  void select_node(uint32_t node, const Selection& in, SelectionList& out);
  void select_and(const Node& node, const Selection& in, SelectionList& out);
  void select_or(const Node& node, const Selection& in, SelectionList& out);
  void select_not(const Node& node, const Selection& in, SelectionList& out);
  void select_compare(const Node& node, const Selection& in, SelectionList& out);
  void select_test(Node& node, const Selection& in, SelectionList& out);
  void select_present(const Node& node, const Selection& in, SelectionList& out);
  void select_true(uint32_t node, const Selection& in, SelectionList& out);
  // False: `out` overflowed.
  bool evaluate(uint32_t node, const Selection& in, ValueColumn& out);
  void evaluate_truth(uint32_t node, const Selection& in, ValueColumn& out);
  bool calculate_node(const Node& node, const Selection& in, ValueColumn& out);

  ColumnView* view_;
  TraceFacts* facts_;
  std::deque<Node> nodes_;  // children before parents; a deque because constants point home
  uint32_t root_ = 0;
  std::vector<std::unique_ptr<ValueColumn>> free_columns_;
  std::vector<std::unique_ptr<SelectionList>> free_lists_;
  bool overflowed_ = false;
  bool gave_up_ = false;
  bool needs_tree_ = false;
};

}  // namespace clew::eval
