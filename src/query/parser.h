// SPDX-License-Identifier: Apache-2.0
//
// Tokens to tree by precedence climbing, once for the expressions of spansets and once for those of fields. The public
// entry is parse() in parse.h.
//
// field(level) reads an operand, then goes on as long as it finds an operator of at least that level; the right side of
// an operator is read one level higher, which makes operators of one level group to the left. The first error stops
// everything: every function returns null from there on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "query/ast.h"
#include "query/lexer.h"
#include "query/parse.h"
#include "query/validate.h"

namespace clew::query {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), lexer_(text) {}

  ParseResult run();

 private:
  SpansetPtr spanset(int level_min);
  SpansetPtr spanset_operand();
  SpansetPtr join(SpansetOp op, uint32_t offset, SpansetPtr left, SpansetPtr right);
  SpansetPtr filter();

  FieldPtr field(int level_min);
  FieldPtr operand();
  FieldPtr parenthesised();
  FieldPtr unary(UnaryOp op);
  FieldPtr word();
  FieldPtr pair();
  FieldPtr leaf(FieldExpr expression);
  FieldPtr take(Built built);

  void advance();
  std::string found() const;
  std::string hint_at_word() const;

  // Each notes the error, if it is the first, and returns null.
  std::nullptr_t fail(uint32_t offset, std::string message, std::string expected = {}, std::string hint = {});
  std::nullptr_t fail_behind_field(std::string_view closing);
  std::nullptr_t fail_behind_spanset(std::string_view closing);
  std::nullptr_t fail_at_spanset();
  std::nullptr_t fail_at_operand();
  std::nullptr_t fail_at_pair();
  std::nullptr_t fail_at_word();
  std::nullptr_t fail_too_deep();

  std::string_view text_;
  Lexer lexer_;
  Token token_;     // the next one, not yet consumed
  Token previous_;  // the one before
  uint32_t depth_ = 0;
  RegexUse regexes_;
  std::optional<ParseError> error_;
};

}  // namespace clew::query
