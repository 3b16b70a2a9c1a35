// SPDX-License-Identifier: Apache-2.0
//
// TraceQL text to tokens, one at a time. The words of the language are not told apart here, with two exceptions that
// decide where a token ends: a scope before `.` begins an attribute, whose name runs on through `- + / * . % :`; and
// `word:word` is one token.
//
//   "…" `…`          strings; Go's escapes in the first, none in the second
//   12 1.5e3 .5      integer, float
//   1h30m 1.5s 2d    duration: y w d h m s ms us µs ns, with fractions, in any order
//   .a span."b c".d  attribute; a quoted part knows the escapes \" and \\ only
//   // …   /* … */   skipped, like white space
//
// The text must be valid UTF-8 and outlive the lexer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "query/ast.h"
#include "query/parse.h"

namespace clew::query {

enum class TokenKind : uint8_t {
  End,
  Invalid,    // see Lexer::error()
  Word,       // duration, error, nil, and
  Pair,       // span:duration
  Attribute,  // scope and text
  Constant,   // literal: a string, integer, float or duration
  Operator,   // any of the punctuation, see text
};

struct Token {
  TokenKind kind = TokenKind::End;
  Scope scope = Scope::Any;
  uint32_t offset = 0;  // of its first byte
  uint32_t end = 0;     // behind its last byte
  std::string text;     // of Word, Pair and Operator as written; of Attribute the name without quotes
  Literal literal;

  bool is(std::string_view op) const { return kind == TokenKind::Operator && text == op; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // After the end: End again. After an Invalid token the lexer is not used any more.
  Token next();
  // Of the Invalid token; line and column are not filled in.
  const ParseError& error() const { return error_; }

 private:
  bool skip_blanks();
  bool string(Token& token);
  bool raw_string(Token& token);
  bool escape(std::string& out);
  bool number(Token& token);
  bool duration(Token& token);
  bool attribute_name(Token& token);
  bool quoted_part(std::string& name);
  bool word(Token& token);
  bool dotted_word(Token& token);
  bool slip();
  bool punctuation(Token& token);

  bool at_end() const { return position_ >= text_.size(); }
  // Is there a letter, digit or underscore, or a character outside ASCII that is no space?
  bool at_word() const;
  // The byte `ahead` of the position, or NUL behind the end.
  char peek(size_t ahead = 0) const { return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0'; }
  std::string_view rest() const { return text_.substr(position_); }
  bool fail(size_t offset, std::string message, std::string expected = {}, std::string hint = {});

  std::string_view text_;
  size_t position_ = 0;
  ParseError error_;
};

// "12", "1.5s": is all of `text` one number or duration? For hints.
bool reads_as_number(std::string_view text);

}  // namespace clew::query
