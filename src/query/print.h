// SPDX-License-Identifier: Apache-2.0
//
// Tree to canonical text, behind to_string() in parse.h. The text has the fewest parentheses that keep the structure,
// so that it never nests deeper than the text it came from, and what could be parsed once can be parsed again.
#pragma once

#include <string>
#include <string_view>

#include "query/ast.h"

namespace clew::query {

class Printer {
 public:
  void spanset(const SpansetExpr& expression, int level_min);
  // An operator of level `follows` stands behind the expression, before any closing parenthesis; 0: none.
  void field(const FieldExpr& expression, int level_min, int follows);

  std::string take() { return std::move(out_); }

 private:
  void node(const Literal& literal, int level_min, int follows);
  void node(const Attribute& attribute, int level_min, int follows);
  void node(Intrinsic intrinsic, int level_min, int follows);
  void node(const Unary& unary, int level_min, int follows);
  void node(const Binary& binary, int level_min, int follows);
  void pattern(const std::string& text);
  void quoted(std::string_view text);
  void number(const Literal& literal);

  std::string out_;
};

}  // namespace clew::query
