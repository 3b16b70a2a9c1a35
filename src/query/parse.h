// SPDX-License-Identifier: Apache-2.0
//
// TraceQL text to tree and back. This header and ast.h are all that other modules need of query; the language is
// described in docs/reference/traceql.md.
//
//   ParseResult parsed = query::parse(text);
//   if (!parsed.ok()) return Error(Code::InvalidArgument, to_string(parsed.error()));
//   use(parsed.query());
//
// The text is an outsider's: parse() answers any bytes with a query or an error, in time linear in their number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "query/ast.h"

namespace clew::query {

// Longest query text, in bytes; Tempo's limit, so that what was saved there can be used here.
constexpr uint32_t kTextBytesMax = 131072;
// Deepest nesting of parentheses, unary operators and right operands, which the parser follows by recursion.
constexpr uint32_t kNestingMax = 256;
// Regular expressions in a query: how many, how much memory RE2 may use for each, and the length of their programs
// together in RE2's instructions, which bounds the time that compiling them takes (some 0.2 s for the worst). There is
// room for an alternative of thousands of names. An evaluator that grants RE2 as much memory can compile all of them.
constexpr uint32_t kRegexCountMax = 64;
constexpr uint32_t kRegexBytesMax = 8 << 20;
constexpr uint32_t kRegexInstructionsMax = 128 * 1024;

// Why a text is not a query. The first error in the text is reported.
struct ParseError {
  uint32_t line = 1;     // from 1
  uint32_t column = 1;   // from 1, in characters (code points)
  uint32_t offset = 0;   // from 0, in bytes
  std::string message;   // what is wrong, in a sentence without full stop
  std::string expected;  // what would have been accepted here; may be empty
  std::string hint;      // what the writer probably meant; may be empty
};

class [[nodiscard]] ParseResult {
 public:
  ParseResult(Query query) : state_(std::move(query)) {}       // NOLINT(google-explicit-constructor)
  ParseResult(ParseError error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<Query>(state_); }
  Query& query() & { return std::get<Query>(state_); }
  const Query& query() const& { return std::get<Query>(state_); }
  Query&& query() && { return std::get<Query>(std::move(state_)); }
  const ParseError& error() const { return std::get<ParseError>(state_); }

 private:
  std::variant<Query, ParseError> state_;
};

ParseResult parse(std::string_view text);

// The canonical text of a query: one spelling for each structure, so that equal texts mean equal queries. Parsing it
// gives an equal tree, whose canonical text is the same.
std::string to_string(const Query& query);
std::string to_string(const FieldExpr& expression);

// One line: "1:7: …: expected …; hint".
std::string to_string(const ParseError& error);

// For a terminal: the line above, then the line of `text` that is wrong with a caret below the place.
std::string explain(const ParseError& error, std::string_view text);

}  // namespace clew::query
