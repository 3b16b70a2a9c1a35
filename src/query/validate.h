// SPDX-License-Identifier: Apache-2.0
//
// The rules of types, held where a node is made: the parser builds every operator through these functions, so no tree
// that breaks the promises of ast.h comes into being. The rules themselves are the table in
// docs/reference/traceql.md, "Types".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "query/ast.h"
#include "query/parse.h"

namespace clew::query {

// The node, or what is wrong; the error's line and column are left to the caller.
using Built = std::variant<FieldPtr, ParseError>;

// What the regular expressions of one query have used of their limits.
struct RegexUse {
  uint32_t count = 0;
  uint32_t instructions = 0;
};

// `offset` is where the operator stands. `op` is Not or Negate; a minus before a number goes into the number.
Built make_unary(UnaryOp op, uint32_t offset, FieldPtr operand);
// A comparison with nil becomes Exists or Absent.
Built make_binary(BinaryOp op, uint32_t offset, FieldPtr left, FieldPtr right, RegexUse& regexes);

// May `expression` be the condition of a filter?
std::optional<ParseError> check_condition(const FieldExpr& expression);

}  // namespace clew::query
