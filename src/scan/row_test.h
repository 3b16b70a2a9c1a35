// SPDX-License-Identifier: Apache-2.0
//
// The parts that a Prefilter is made of: each tells the rows of a row group of which a part of a condition may be true.
//
// ValueTest asks a condition that speaks of one field about values of that field, wherever they come from.
// Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "block/block.h"
#include "eval/condition.h"
#include "query/ast.h"
#include "scan/row_bits.h"

namespace clew::scan {

class RowTest {
 public:
  // By what a row costs; cheap ones go first.
  enum class Cost : uint8_t { Known, Table, Numbers, Codes, Values };

  explicit RowTest(Cost cost) : cost_(cost) {}
  RowTest(const RowTest&) = delete;
  RowTest& operator=(const RowTest&) = delete;
  virtual ~RowTest() = default;

  Cost cost() const { return cost_; }
  virtual bool is_never() const { return false; }
  virtual bool is_always() const { return false; }
  // Adds to `out`, an empty set over the group's rows.
  virtual Result<void> select(block::RowGroup& group, RowBits& out) = 0;

 private:
  const Cost cost_;
};
using RowTestPtr = std::unique_ptr<RowTest>;

RowTestPtr always();
RowTestPtr never();
RowTestPtr all_of(RowTestPtr a, RowTestPtr b);
RowTestPtr any_of(RowTestPtr a, RowTestPtr b);

// Rows whose template or resource (kTemplate or kResource) is marked.
RowTestPtr table_test(block::FixedColumn column, std::vector<uint8_t> marked);
// Spans without a parent.
RowTestPtr root_test();
// Spans with an event, or with a link.
RowTestPtr children_test(block::Level level);

// Integers in [min, max], or all others.
struct IntRange {
  int64_t min = 0;
  int64_t max = 0;
  bool inverted = false;

  bool contains(int64_t value) const { return (value >= min && value <= max) != inverted; }
};

class ValueTest {
 public:
  // `condition` speaks of one field. Every pattern of a checked query compiles; if one does not, nothing is known.
  static std::unique_ptr<ValueTest> create(const query::FieldExpr& condition);
  ~ValueTest();

  // Appends the numbers of the values for which the condition is true.
  void numbers(eval::ValueKind kind, std::span<const uint64_t> values, std::vector<uint32_t>& passed);
  void texts(size_t count, const std::function<std::string_view(size_t)>& text_at, std::vector<uint32_t>& passed);

 private:
  class View;
  ValueTest();
  void run(size_t count, std::vector<uint32_t>& passed);

  std::unique_ptr<View> view_;
  std::unique_ptr<eval::TraceFacts> facts_;
  std::optional<eval::Condition> condition_;
  eval::SelectionList kept_;
  std::vector<uint32_t> counting_;
  std::vector<uint32_t> rows_;
};

// What a column's values are asked.
struct Question {
  std::optional<std::string> equal_to;  // of a text: is it this one? Else:
  std::optional<IntRange> range;        // of an int
  const query::FieldExpr* condition = nullptr;
  bool any_value = false;  // it is enough that there is one
};

// Rows with a value in the column of which the question may be true. Reads the dictionary.
Result<RowTestPtr> column_test(const block::Block& block, block::ColumnId id, Question question);
// `range` or, if there is none, `condition`: of the span's duration.
RowTestPtr duration_test(std::optional<IntRange> range, const query::FieldExpr& condition);

enum class IdColumn : uint8_t { Span, Parent, Trace, LinkedSpan };
RowTestPtr id_test(IdColumn column, const query::FieldExpr& condition);

}  // namespace clew::scan
