// SPDX-License-Identifier: Apache-2.0
//
// What the parser says when a token does not fit: what is wrong, what would have been accepted in this place, and what
// the writer probably meant. Most people arrive from SQL, LogQL or a programming language, so the hints know the usual
// spellings of those.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "query/parser.h"
#include "query/rune.h"
#include "query/vocabulary.h"

namespace clew::query {

namespace {

struct Foreign {
  std::string_view word;  // in lower case
  std::string_view hint;
};

// Where an operator stands.
constexpr std::array<Foreign, 9> kForeignOperators = {{
    {"and", "`and` is written `&&`"},
    {"or", "`or` is written `||`"},
    {"not", "`not` is written `!`, and `not equal` `!=`"},
    {"is", "`is` is written `=`: .a = nil"},
    {"in", "write `.a = 1 || .a = 2`, or a regular expression: .a =~ \"x|y\""},
    {"like", "write a regular expression: .a =~ \".*text.*\""},
    {"contains", "write a regular expression: .a =~ \".*text.*\""},
    {"matches", "a regular expression is matched with `=~`"},
    {"between", "write two comparisons: .a >= 1 && .a < 2"},
}};

// Where a value stands.
constexpr std::array<Foreign, 7> kForeignValues = {{
    {"not", "`not` is written `!`"},
    {"null", "a missing value is `nil`"},
    {"none", "a missing value is `nil`"},
    {"undefined", "a missing value is `nil`"},
    {"exists", "existence is a comparison: .a != nil"},
    {"where", "conditions stand in braces: { .a = 1 }"},
    {"select", "conditions stand in braces: { .a = 1 }"},
}};

constexpr std::array<std::string_view, 5> kAggregates = {"count", "avg", "min", "max", "sum"};
constexpr std::array<std::string_view, 11> kUnitNames = {"ns", "us", "ms", "s", "m", "h", "d", "w", "y", "sec", "min"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <class Table>
bool contains(const Table& table, std::string_view word) {
  return std::find(table.begin(), table.end(), word) != table.end();
}

template <class Table>
std::string foreign(const Table& table, std::string_view word) {
  const std::string wanted = lower(word);
  for (const Foreign& row : table) {
    if (row.word == wanted) return std::string(row.hint);
  }
  return {};
}

constexpr std::string_view kOperand = "a value, an attribute, an intrinsic or `(`";
constexpr std::string_view kBraces = "conditions stand in braces: { … }";
constexpr std::string_view kOutside = "relations between spans stand outside the braces: { … } >> { … }";

}  // namespace

std::nullptr_t Parser::fail(uint32_t offset, std::string message, std::string expected, std::string hint) {
  if (error_) return nullptr;
  if (token_.kind == TokenKind::Invalid) {
    error_ = lexer_.error();
    return nullptr;
  }
  error_.emplace();
  error_->offset = offset;
  error_->message = std::move(message);
  error_->expected = std::move(expected);
  error_->hint = std::move(hint);
  return nullptr;
}

// The token in the words of a message; long ones are cut.
std::string Parser::found() const {
  constexpr uint32_t kShownBytes = 40;
  if (token_.kind == TokenKind::End) return "the query ends here";
  std::string_view text = text_.substr(token_.offset, token_.end - token_.offset);
  if (text.size() <= kShownBytes) return fmt::format("unexpected `{}`", text);
  size_t cut = 0;
  while (cut < kShownBytes) cut += rune_at(text, cut).bytes;
  return fmt::format("unexpected `{}…`", text.substr(0, cut));
}

std::nullptr_t Parser::fail_too_deep() {
  return fail(token_.offset, fmt::format("nested more than {} levels deep", kNestingMax));
}

std::nullptr_t Parser::fail_behind_field(std::string_view closing) {
  std::string hint;
  if (token_.kind == TokenKind::Word) {
    hint = foreign(kForeignOperators, token_.text);
    if (hint.empty() && previous_.kind == TokenKind::Constant && contains(kUnitNames, token_.text)) {
      hint = fmt::format("a duration is written without a blank: {}{}",
                         text_.substr(previous_.offset, previous_.end - previous_.offset), token_.text);
    }
  } else if (token_.is(",")) {
    hint = "conditions are joined with `&&` or `||`";
  } else if (token_.is("|")) {
    hint = "`or` is written `||`";
  } else if (token_.is(">>") || token_.is("<<")) {
    hint = kOutside;
  } else if (token_.is("~")) {
    hint = "a regular expression is matched with `=~`";
  } else if (token_.is("{")) {
    hint = "spanset filters do not nest; close the first with `}`";
  } else if (token_.is("}")) {
    hint = "a `(` is still open";
  } else if (token_.is(")")) {
    hint = "no `(` is open";
  } else if (token_.is("!")) {
    hint = "inequality is written `!=`";
  }
  return fail(token_.offset, found(), fmt::format("{} or an operator", closing), std::move(hint));
}

std::nullptr_t Parser::fail_behind_spanset(std::string_view closing) {
  constexpr std::array<std::string_view, 5> kNegated = {"!>", "!>>", "!<", "!<<", "!~"};
  constexpr std::array<std::string_view, 5> kUnion = {"&>", "&>>", "&<", "&<<", "&~"};
  const auto unsupported = [this](std::string_view what) {
    return fail(token_.offset, fmt::format("not supported yet: {}", what));
  };
  std::string hint;
  if (token_.kind == TokenKind::Operator) {
    if (token_.text == "|") return unsupported("pipelines (`|`)");
    if (contains(kNegated, token_.text))
      return unsupported(fmt::format("negated structural operators (`{}`)", token_.text));
    if (contains(kUnion, token_.text))
      return unsupported(fmt::format("union structural operators (`{}`)", token_.text));
    if (token_.text == "{" || token_.text == "(") hint = "spansets are joined: { … } && { … }, { … } >> { … }";
    if (token_.text == ")") hint = "no `(` is open";
    if (token_.text == "}") hint = "no `{` is open";
    if (token_.text == ",") hint = "spansets are joined with `&&` or `||`";
  } else if (token_.kind == TokenKind::Word) {
    if (token_.text == "with") return unsupported("hints (`with`)");
    hint = foreign(kForeignOperators, token_.text);
  }
  if (hint.empty() && (token_.kind == TokenKind::Attribute || token_.kind == TokenKind::Pair)) hint = kBraces;
  return fail(token_.offset, found(), fmt::format("{} or one of && || > >> < << ~", closing), std::move(hint));
}

std::nullptr_t Parser::fail_at_spanset() {
  if (token_.kind == TokenKind::Invalid) {
    fail(token_.offset, {});
    // Where a word was begun, the braces were forgotten as well.
    const char first = error_->offset < text_.size() ? text_[error_->offset] : '\0';
    const bool in_word = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    if (in_word) error_->hint += fmt::format("{}{}", error_->hint.empty() ? "" : "; ", kBraces);
    return nullptr;
  }
  std::string hint;
  std::string message = found();
  if (token_.kind == TokenKind::End && previous_.kind == TokenKind::End) {
    message = "the query is empty";
    hint = "`{}` finds every span";
  } else if (token_.is("!")) {
    hint = "negation stands inside the braces: { !(…) }";
  } else if (token_.is("|") || token_.is("}") || token_.is(")")) {
    hint = "a query begins with a spanset filter; `{}` finds every span";
  } else if (token_.kind != TokenKind::Operator && token_.kind != TokenKind::End) {
    hint = kBraces;
  }
  return fail(token_.offset, std::move(message), "`{` or `(`", std::move(hint));
}

std::nullptr_t Parser::fail_at_operand() {
  std::string hint;
  const bool after_operator = previous_.kind == TokenKind::Operator;
  if (previous_.is("=") && token_.is("~")) {
    hint = "`=~` is written without a blank";
  } else if (token_.is("{") || token_.is(">>") || token_.is("<<") || token_.is("~")) {
    hint = kOutside;
  } else if (token_.is("=") && after_operator && (previous_.is("<") || previous_.is(">") || previous_.is("!"))) {
    hint = fmt::format("`{}=` is written without a blank", previous_.text);
  } else if (previous_.is("=") && (token_.is(">") || token_.is("<"))) {
    hint = fmt::format("did you mean `{}=`?", token_.text);
  } else if (token_.is("/") || token_.is("*")) {
    hint = "a regular expression is a string: .a =~ \"x.*\"";
  } else if (token_.is("}") && previous_.is("(")) {
    hint = "there is nothing between the parentheses";
  }
  return fail(token_.offset, found(), std::string(kOperand), std::move(hint));
}

std::nullptr_t Parser::fail_at_pair() {
  const std::string_view text = token_.text;
  const size_t colon = text.find(':');
  const std::string_view scope = text.substr(0, colon);
  const std::string_view name = text.substr(colon + 1);
  std::string hint;
  if (name.empty()) {
    hint = "the name follows the colon without a blank";
  } else if (const auto bare = find_intrinsic(name)) {
    hint = fmt::format("did you mean `{}`?", word_of(*bare).canonical);
  } else if (const auto nearest = nearest_word(text)) {
    hint = fmt::format("did you mean `{}`?", *nearest);
  } else if (find_scope(scope)) {
    hint = fmt::format("an attribute is written with a dot: {}.{}", scope, name);
  }
  std::string expected = intrinsics_of(scope);
  if (expected.empty()) expected = "trace: span: event: link: or instrumentation: and a name";
  return fail(token_.offset, fmt::format("`{}` is not an intrinsic", text), std::move(expected), std::move(hint));
}

// At a word that is neither an intrinsic nor a constant.
std::nullptr_t Parser::fail_at_word() {
  const std::string_view text = token_.text;
  if (text == "parent") return fail(token_.offset, "not supported yet: `parent`");
  if (contains(kAggregates, text)) {
    return fail(token_.offset, fmt::format("not supported yet: aggregates (`{}`)", text));
  }
  return fail(token_.offset, fmt::format("unknown name `{}`", text), std::string(kOperand), hint_at_word());
}

std::string Parser::hint_at_word() const {
  const std::string_view text = token_.text;
  if (std::string hint = foreign(kForeignValues, text); !hint.empty()) return hint;
  if (find_scope(text)) return fmt::format("an attribute follows its scope without a blank: {}.name", text);
  for (const std::string_view scope : {"span", "trace", "event", "link"}) {
    const std::string pair = fmt::format("{}:{}", scope, text);
    if (find_intrinsic(pair)) return fmt::format("did you mean `{}`?", pair);
  }
  if (const auto nearest = nearest_word(text)) return fmt::format("did you mean `{}`?", *nearest);
  const bool compared = previous_.is("=") || previous_.is("!=") || previous_.is("=~") || previous_.is("!~");
  if (compared) return fmt::format("a text is written in quotes: \"{}\"", text);
  return fmt::format("an attribute is written with its scope: .{} or span.{}", text, text);
}

}  // namespace clew::query
