// SPDX-License-Identifier: Apache-2.0
//
// Proves the shape of trees (precedence, types, what becomes of nil and of minus signs), that every limit holds at its
// very value, and how an error is shown.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "query/parse.h"
#include "query/vocabulary.h"

namespace clew::query {
namespace {

// Every operator in parentheses, so that grouping shows.
std::string shape(const FieldExpr& expression) {
  if (const auto* unary = std::get_if<Unary>(&expression.node)) {
    const bool of_nil = unary->op == UnaryOp::Exists || unary->op == UnaryOp::Absent;
    if (of_nil) return fmt::format("({} {} nil)", shape(*unary->operand), spelling(unary->op));
    return fmt::format("({}{})", spelling(unary->op), shape(*unary->operand));
  }
  if (const auto* binary = std::get_if<Binary>(&expression.node)) {
    return fmt::format("({} {} {})", shape(*binary->left), spelling(binary->op), shape(*binary->right));
  }
  return to_string(expression);
}

std::string shape(const SpansetExpr& expression) {
  if (const auto* filter = std::get_if<Filter>(&expression.node)) return shape(*filter->condition);
  const auto& join = std::get<Join>(expression.node);
  return fmt::format("[{} {} {}]", shape(*join.left), spelling(join.op), shape(*join.right));
}

std::string shape(const std::string& text) {
  const ParseResult parsed = parse(text);
  return parsed.ok() ? shape(*parsed.query().spans) : to_string(parsed.error());
}

const FieldExpr& condition(const ParseResult& parsed) {
  return *std::get<Filter>(parsed.query().spans->node).condition;
}

Type type_of(const std::string& expression) {
  const ParseResult parsed = parse("{ " + expression + " != nil }");
  EXPECT_TRUE(parsed.ok()) << expression;
  return std::get<Unary>(condition(parsed).node).operand->type;
}

std::string repeat(std::string_view text, size_t count, std::string_view between = "") {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += fmt::format("{}{}", i == 0 ? "" : between, text);
  return out;
}

bool accepted(const std::string& text) { return parse(text).ok(); }

TEST(Parser, AndAndOrShareOneLevel) {
  EXPECT_EQ(shape("{ .a || .b && .c }"), "((.a || .b) && .c)");
  EXPECT_EQ(shape("{ .a && .b || .c }"), "((.a && .b) || .c)");
  EXPECT_EQ(shape("{.a} || {.b} && {.c}"), "[[.a || .b] && .c]");
}

TEST(Parser, LevelsOfFieldOperators) {
  EXPECT_EQ(shape("{ .a + .b * .c ^ .d = .e && .f }"), "(((.a + (.b * (.c ^ .d))) = .e) && .f)");
  EXPECT_EQ(shape("{ .a ^ .b ^ .c = 1 }"), "((.a ^ (.b ^ .c)) = 1)");
  EXPECT_EQ(shape("{ .a - .b - .c = 1 }"), "(((.a - .b) - .c) = 1)");
  EXPECT_EQ(shape("{ .a = .b = .c }"), "((.a = .b) = .c)");
}

TEST(Parser, PrefixOperatorsTakeWhatBindsTighter) {
  EXPECT_EQ(shape("{ !.a = true }"), "((!.a) = true)");
  EXPECT_EQ(shape("{ -.a * .b = 1 }"), "((-(.a * .b)) = 1)");
  EXPECT_EQ(shape("{ -.a + .b = 1 }"), "(((-.a) + .b) = 1)");
  EXPECT_EQ(shape("{ .a * -.b * .c = 1 }"), "((.a * (-(.b * .c))) = 1)");
  EXPECT_EQ(shape("{ 2 ^ -.a * .b = 1 }"), "((2 ^ (-(.a * .b))) = 1)");
}

TEST(Parser, StructureBindsTighterThanLogic) {
  EXPECT_EQ(shape("{.a} ~ {.b} >> {.c}"), "[[.a ~ .b] >> .c]");
  EXPECT_EQ(shape("{.a} && {.b} > {.c} || {.d}"), "[[.a && [.b > .c]] || .d]");
  EXPECT_EQ(shape("{.a} > ({.b} && {.c})"), "[.a > [.b && .c]]");
}

TEST(Parser, NilBecomesATest) {
  EXPECT_EQ(shape("{ nil = .a }"), "(.a = nil)");
  const ParseResult parsed = parse("{ .a != nil }");
  EXPECT_EQ(std::get<Unary>(condition(parsed).node).op, UnaryOp::Exists);
  EXPECT_EQ(std::get<Literal>(condition(parse("{ nil = nil }")).node), Literal(false));
}

TEST(Parser, MinusGoesIntoTheNumber) {
  const ParseResult parsed = parse("{ .a = -5 }");
  const auto& right = *std::get<Binary>(condition(parsed).node).right;
  EXPECT_EQ(std::get<Literal>(right.node), Literal(int64_t{-5}));
  EXPECT_EQ(shape("{ -5 * .a = 0 }"), "((-(5 * .a)) = 0)");
}

TEST(Parser, TypesOfArithmetic) {
  EXPECT_EQ(type_of("1 + 2"), Type::Int);
  EXPECT_EQ(type_of("1 + 2.0"), Type::Float);
  EXPECT_EQ(type_of("duration * 2"), Type::Duration);
  EXPECT_EQ(type_of("duration * 2.0"), Type::Float);
  EXPECT_EQ(type_of("2 ^ 3"), Type::Number);
  EXPECT_EQ(type_of(".a"), Type::Unknown);
  EXPECT_EQ(type_of(".a + 1"), Type::Number);
  EXPECT_EQ(type_of("-.a"), Type::Number);
  EXPECT_EQ(type_of("(.a = 1)"), Type::Bool);
}

TEST(Parser, NodesKnowTheirPlace) {
  const ParseResult parsed = parse("{ .a }\n>> { .b = 1 }");
  const SpansetExpr& root = *parsed.query().spans;
  EXPECT_EQ(root.offset, 7U);
  EXPECT_EQ(root.height, 4);
  EXPECT_EQ(std::get<Join>(root.node).right->offset, 10U);
  EXPECT_EQ(std::get<Filter>(std::get<Join>(root.node).right->node).condition->offset, 15U);
}

TEST(Parser, EveryIntrinsicHasBothSpellings) {
  for (const IntrinsicWord& word : intrinsic_words()) {
    for (const std::string_view text : {word.scoped, word.bare}) {
      if (text.empty()) continue;
      const ParseResult parsed = parse(fmt::format("{{ {} != nil }}", text));
      ASSERT_TRUE(parsed.ok()) << text;
      EXPECT_EQ(std::get<Intrinsic>(std::get<Unary>(condition(parsed).node).operand->node), word.intrinsic);
      EXPECT_EQ(to_string(parsed.query()), fmt::format("{{ {} != nil }}", word.canonical));
    }
  }
}

TEST(ParserLimits, TextBytes) {
  const std::string query = "{ .a }";
  EXPECT_TRUE(accepted(query + std::string(kTextBytesMax - query.size(), ' ')));
  EXPECT_FALSE(accepted(query + std::string(kTextBytesMax - query.size() + 1, ' ')));
}

TEST(ParserLimits, Nesting) {
  for (const auto& [open, close] : {std::pair("(", ")"), std::pair("!", "")}) {
    const auto field = [&](size_t n) { return "{" + repeat(open, n) + ".a" + repeat(close, n) + "}"; };
    EXPECT_TRUE(accepted(field(kNestingMax - 2)));
    EXPECT_FALSE(accepted(field(kNestingMax - 1)));
    EXPECT_FALSE(accepted(field(60000)));
  }
  EXPECT_TRUE(accepted(repeat("(", kNestingMax - 2) + "{}" + repeat(")", kNestingMax - 2)));
  EXPECT_FALSE(accepted(repeat("(", kNestingMax) + "{}" + repeat(")", kNestingMax)));
  EXPECT_FALSE(accepted("{ " + repeat(".a", 1000, " ^ ") + " = 1 }"));
}

TEST(ParserLimits, Height) {
  EXPECT_TRUE(accepted("{" + repeat(".a", kHeightMax - 1, " || ") + "}"));
  EXPECT_FALSE(accepted("{" + repeat(".a", kHeightMax, " || ") + "}"));
  EXPECT_FALSE(accepted("{" + repeat(".a", 20000, "||") + "}"));
  EXPECT_TRUE(accepted(repeat("{}", kHeightMax - 1, " || ")));
  EXPECT_FALSE(accepted(repeat("{}", kHeightMax, " || ")));
}

TEST(ParserLimits, RegularExpressions) {
  EXPECT_TRUE(accepted("{" + repeat(".a =~ \"x\"", kRegexCountMax, "||") + "}"));
  EXPECT_FALSE(accepted("{" + repeat(".a =~ \"x\"", kRegexCountMax + 1, "||") + "}"));
  // One that RE2 refuses, and many that are too large only together.
  EXPECT_FALSE(accepted("{ .a =~ \"((x{100}){100}){100}\" }"));
  const std::string large = ".a =~ \"((a|b|c|d){30}){30}\"";
  EXPECT_TRUE(accepted("{" + repeat(large, 10, "||") + "}"));
  EXPECT_FALSE(accepted("{" + repeat(large, kRegexCountMax, "||") + "}"));
  // What a person may well send: a choice of a thousand names.
  EXPECT_TRUE(accepted("{ .a =~ \"" + repeat("some-service-name", 1000, "|") + "\" }"));
}

TEST(Parser, RefusesWhatIsNotUtf8) {
  const ParseResult parsed = parse("{ .a = \"\xff\" }");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().offset, 8U);
  EXPECT_EQ(parsed.error().column, 9U);
}

TEST(ParseErrors, AreShownUnderTheirPlace) {
  const std::string text = "{ .ä = 1\n  && .b == 2 }";
  const ParseResult parsed = parse(text);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(to_string(parsed.error()), "2:9: `==` is not part of TraceQL; expected `=` (equality is written `=`)");
  EXPECT_EQ(explain(parsed.error(), text), to_string(parsed.error()) + "\n    && .b == 2 }\n          ^");
}

}  // namespace
}  // namespace clew::query
