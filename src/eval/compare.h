// SPDX-License-Identifier: Apache-2.0
//
// What the operators of field expressions mean for values that are at hand. Clew's rules, where they differ from
// Tempo's: ints, floats and durations are one ordered set of numbers, compared exactly; integer arithmetic that
// overflows or divides by zero yields nil; `^` is exact for ints, and a float when the exponent is negative.
// Everywhere: values of different classes pass no comparison, `!=` included, and nothing passes with nil.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "eval/column_view.h"
#include "query/ast.h"

namespace clew::eval {

// Pairs of values that one comparison tries for one span before it gives up on the span.
constexpr uint64_t kPairsMax = uint64_t{1} << 20;

constexpr bool is_number(ValueKind kind) { return kind == ValueKind::Int || kind == ValueKind::Float; }
constexpr bool is_text(ValueKind kind) { return kind >= ValueKind::String && kind <= ValueKind::TraceId; }

// A column with the view whose dictionary its codes belong to.
struct Operand {
  const ColumnView& view;
  const ValueColumn& column;
};

// Room for the digits of an id.
struct IdText {
  char digits[2 * model::TraceId::kBytes];
};

// The text of a value that is_text(); in `room` if it has to be made.
std::string_view text_of(const Operand& operand, Value value, IdText& room);

std::partial_ordering compare_numbers(Value a, Value b);

// `a op b` for two values that are not Many. `op` is one of the six comparisons.
bool passes(query::BinaryOp op, const Operand& left, Value a, const Operand& right, Value b);

// As passes(), for values that may be Many, by the rules in value_column.h. A span with more than kPairsMax pairs does
// not pass and sets `gave_up`.
bool passes_many(query::BinaryOp op, const Operand& left, Value a, const Operand& right, Value b, bool& gave_up);

// Calls group(elements) for each group of a value, plain or Many, until it returns true. Returns whether one did.
template <class Visit>
bool any_group(const ValueColumn& column, Value value, Visit group) {
  if (value.kind != ValueKind::Many) return group(std::span<const Value>(&value, 1));
  for (const Group& each : column.groups_of(value)) {
    if (group(column.elements_of(each))) return true;
  }
  return false;
}

// `a op b` for two plain values; Nil where it has no value. `op` is arithmetic.
Value calculate(query::BinaryOp op, Value a, Value b);
Value negate(Value value);

// out[i] = left[i] op right[i], every element with every element.
void calculate(query::BinaryOp op, const ValueColumn& left, const ValueColumn& right, ValueColumn& out);
void negate(const ValueColumn& operand, ValueColumn& out);

}  // namespace clew::eval
