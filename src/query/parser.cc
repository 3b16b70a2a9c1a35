// SPDX-License-Identifier: Apache-2.0
//
// The grammar, without what is to come:
//
//   query    = spanset
//   spanset  = "{" [ field ] "}" | "(" spanset ")" | spanset op spanset      op: > >> < << ~  above  && ||
//   field    = "(" field ")" | "!" field | "-" field | field op field | attribute | intrinsic | constant
//
// What the words of error messages say lives in slips.cc, so that the grammar can be read in one go.
#include "query/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "query/rune.h"
#include "query/vocabulary.h"

namespace clew::query {

namespace {

// Counts one step down for as long as it lives.
class Step {
 public:
  explicit Step(uint32_t& depth) : depth_(depth) { ++depth_; }
  ~Step() { --depth_; }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  uint32_t& depth_;
};

FieldPtr make(FieldExpr expression) { return std::make_unique<const FieldExpr>(std::move(expression)); }

template <class Op>
std::optional<Op> operator_of(const Token& token, Op last) {
  if (token.kind != TokenKind::Operator) return std::nullopt;
  for (uint8_t i = 0; i <= static_cast<uint8_t>(last); ++i) {
    if (token.text == spelling(static_cast<Op>(i))) return static_cast<Op>(i);
  }
  return std::nullopt;
}

// Fills in line and column from the offset.
ParseError located(ParseError error, std::string_view text) {
  error.line = 1;
  error.column = 1;
  for (size_t at = 0; at < error.offset && at < text.size();) {
    if (text[at] == '\n') {
      ++error.line;
      error.column = 1;
    } else {
      ++error.column;
    }
    at += std::max<uint32_t>(rune_at(text, at).bytes, 1);
  }
  return error;
}

std::optional<ParseError> check_text(std::string_view text) {
  ParseError error;
  if (text.size() > kTextBytesMax) {
    error.message = fmt::format("the query has {} bytes, more than {}", text.size(), kTextBytesMax);
    return error;
  }
  for (size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    if (rune.bytes == 0) {
      error.offset = static_cast<uint32_t>(at);
      error.message = "the query is not valid UTF-8";
      return error;
    }
    at += rune.bytes;
  }
  return std::nullopt;
}

}  // namespace

ParseResult parse(std::string_view text) {
  if (auto error = check_text(text)) return located(*std::move(error), text);
  return Parser(text).run();
}

ParseResult Parser::run() {
  advance();
  SpansetPtr spans = spanset(kLevelMin);
  if (spans != nullptr && token_.kind != TokenKind::End) spans = fail_behind_spanset("the end of the query");
  if (spans == nullptr) return located(*std::move(error_), text_);
  return Query{std::move(spans)};
}

void Parser::advance() {
  previous_ = std::move(token_);
  token_ = lexer_.next();
}

SpansetPtr Parser::spanset(int level_min) {
  const Step step(depth_);
  if (depth_ > kNestingMax) return fail_too_deep();
  SpansetPtr left = spanset_operand();
  while (left != nullptr) {
    const auto op = operator_of(token_, SpansetOp::Sibling);
    if (!op || level(*op) < level_min) break;
    const uint32_t offset = token_.offset;
    advance();
    SpansetPtr right = spanset(level(*op) + 1);
    if (right == nullptr) return nullptr;
    left = join(*op, offset, std::move(left), std::move(right));
  }
  return left;
}

SpansetPtr Parser::spanset_operand() {
  if (token_.is("{")) return filter();
  if (!token_.is("(")) return fail_at_spanset();
  advance();
  SpansetPtr inner = spanset(kLevelMin);
  if (inner == nullptr) return nullptr;
  if (!token_.is(")")) return fail_behind_spanset("`)`");
  advance();
  return inner;
}

SpansetPtr Parser::join(SpansetOp op, uint32_t offset, SpansetPtr left, SpansetPtr right) {
  const uint16_t below = std::max(left->height, right->height);
  if (below >= kHeightMax) return fail(offset, fmt::format("more than {} operators in a row", kHeightMax));
  SpansetExpr expression{Join{op, std::move(left), std::move(right)}, static_cast<uint16_t>(below + 1), offset};
  return std::make_unique<const SpansetExpr>(std::move(expression));
}

SpansetPtr Parser::filter() {
  const uint32_t offset = token_.offset;
  advance();
  FieldPtr condition = token_.is("}") ? make({Literal(true), Type::Bool, 1, offset}) : field(kLevelMin);
  if (condition == nullptr) return nullptr;
  if (!token_.is("}")) return fail_behind_field("`}`");
  if (auto error = check_condition(*condition)) {
    error_ = *std::move(error);
    return nullptr;
  }
  if (condition->height >= kHeightMax) return fail(offset, fmt::format("more than {} operators in a row", kHeightMax));
  advance();
  const auto height = static_cast<uint16_t>(condition->height + 1);
  return std::make_unique<const SpansetExpr>(SpansetExpr{Filter{std::move(condition)}, height, offset});
}

FieldPtr Parser::field(int level_min) {
  const Step step(depth_);
  if (depth_ > kNestingMax) return fail_too_deep();
  FieldPtr left = operand();
  while (left != nullptr) {
    const auto op = operator_of(token_, BinaryOp::Power);
    if (!op || level(*op) < level_min) break;
    const uint32_t offset = token_.offset;
    advance();
    FieldPtr right = field(*op == BinaryOp::Power ? level(*op) : level(*op) + 1);
    if (right == nullptr) return nullptr;
    left = take(make_binary(*op, offset, std::move(left), std::move(right), regexes_));
  }
  return left;
}

FieldPtr Parser::operand() {
  const uint32_t offset = token_.offset;
  switch (token_.kind) {
    case TokenKind::Constant: {
      const auto type = static_cast<Type>(token_.literal.index());
      return leaf({std::move(token_.literal), type, 1, offset});
    }
    case TokenKind::Attribute:
      return leaf({Attribute{token_.scope, std::move(token_.text)}, Type::Unknown, 1, offset});
    case TokenKind::Word:
      return word();
    case TokenKind::Pair:
      return pair();
    default:
      break;
  }
  if (token_.is("(")) return parenthesised();
  if (token_.is("!")) return unary(UnaryOp::Not);
  if (token_.is("-")) return unary(UnaryOp::Negate);
  return fail_at_operand();
}

FieldPtr Parser::parenthesised() {
  advance();
  FieldPtr inner = field(kLevelMin);
  if (inner == nullptr) return nullptr;
  if (!token_.is(")")) return fail_behind_field("`)`");
  advance();
  return inner;
}

FieldPtr Parser::unary(UnaryOp op) {
  const uint32_t offset = token_.offset;
  advance();
  FieldPtr inner = field(level(op) + 1);
  if (inner == nullptr) return nullptr;
  return take(make_unary(op, offset, std::move(inner)));
}

FieldPtr Parser::word() {
  const uint32_t offset = token_.offset;
  if (auto constant = find_constant(token_.text)) {
    const auto type = static_cast<Type>(constant->index());
    return leaf({*std::move(constant), type, 1, offset});
  }
  if (const auto intrinsic = find_intrinsic(token_.text)) {
    return leaf({*intrinsic, word_of(*intrinsic).type, 1, offset});
  }
  return fail_at_word();
}

FieldPtr Parser::pair() {
  const auto intrinsic = find_intrinsic(token_.text);
  if (!intrinsic) return fail_at_pair();
  return leaf({*intrinsic, word_of(*intrinsic).type, 1, token_.offset});
}

// Consumes the token that the leaf was made of.
FieldPtr Parser::leaf(FieldExpr expression) {
  advance();
  return make(std::move(expression));
}

FieldPtr Parser::take(Built built) {
  if (auto* node = std::get_if<FieldPtr>(&built)) return std::move(*node);
  if (!error_) error_ = std::get<ParseError>(std::move(built));
  return nullptr;
}

}  // namespace clew::query
