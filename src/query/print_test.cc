// SPDX-License-Identifier: Apache-2.0
//
// Proves that printing loses nothing: random trees, built by the functions that the parser builds with, are printed,
// parsed and compared; the text of the second tree is that of the first. The seed is printed when a tree fails.
#include "query/print.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "query/parse.h"
#include "query/validate.h"
#include "query/vocabulary.h"

namespace clew::query {
namespace {

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  SpansetPtr spanset(int depth) {
    if (depth == 0 || below(3) == 0) {
      FieldPtr condition = boolean(4);
      const auto height = static_cast<uint16_t>(condition->height + 1);
      return std::make_unique<const SpansetExpr>(SpansetExpr{Filter{std::move(condition)}, height, 0});
    }
    const auto op = static_cast<SpansetOp>(below(7));
    SpansetExpr expression{Join{op, spanset(depth - 1), spanset(depth - 1)}, 1, 0};
    return std::make_unique<const SpansetExpr>(std::move(expression));
  }

 private:
  uint32_t below(uint32_t end) { return static_cast<uint32_t>(random_() % end); }

  static FieldPtr built(Built built) {
    EXPECT_TRUE(std::holds_alternative<FieldPtr>(built)) << std::get<ParseError>(built).message;
    return std::get<FieldPtr>(std::move(built));
  }
  static FieldPtr leaf(FieldExpr expression) { return std::make_unique<const FieldExpr>(std::move(expression)); }
  static FieldPtr constant(Literal literal) {
    const auto type = static_cast<Type>(literal.index());
    return leaf({std::move(literal), type, 1, 0});
  }
  FieldPtr binary(BinaryOp op, FieldPtr left, FieldPtr right) {
    RegexUse regexes;
    return built(make_binary(op, 0, std::move(left), std::move(right), regexes));
  }

  // Mostly readable, sometimes any bytes.
  std::string text(bool any_bytes) {
    static constexpr std::string_view kAlphabet = "ab.-+/*%: \"\\`{}()=~!<>&|^,\n\t0_";
    std::string out;
    for (uint32_t length = below(6); length > 0; --length) {
      const uint32_t pick = below(40);
      if (pick == 0 && any_bytes) out += static_cast<char>(below(256));
      if (pick == 1) out += "ß";
      if (pick == 2) out += "\u2028";
      out += pick < 10 ? kAlphabet[below(kAlphabet.size())] : static_cast<char>('a' + below(26));
    }
    return out;
  }

  FieldPtr attribute() { return leaf({Attribute{static_cast<Scope>(below(6)), text(false)}, Type::Unknown, 1, 0}); }

  FieldPtr intrinsic(Type type) {
    while (true) {
      const auto pick = static_cast<Intrinsic>(below(kIntrinsicCount));
      if (word_of(pick).type == type) return leaf({pick, type, 1, 0});
    }
  }

  int64_t integer() {
    switch (below(8)) {
      case 0:
        return std::numeric_limits<int64_t>::min();
      case 1:
        return std::numeric_limits<int64_t>::max();
      case 2:
        return static_cast<int64_t>(random_());
      default:
        return static_cast<int64_t>(below(2000)) - 1000;
    }
  }

  double real() {
    const auto any = std::bit_cast<double>(random_());
    if (below(3) == 0 && std::isfinite(any)) return any;
    return (static_cast<double>(below(2000)) - 1000) / 8;
  }

  FieldPtr number_leaf() {
    switch (below(6)) {
      case 0:
        return constant(integer());
      case 1:
        return constant(real());
      case 2:
        return constant(Duration{std::max(integer(), -std::numeric_limits<int64_t>::max()) / (1 + below(3))});
      case 3:
        return intrinsic(Type::Duration);
      case 4:
        return intrinsic(Type::Int);
      default:
        return attribute();
    }
  }

  FieldPtr number(int depth) {
    if (depth == 0 || below(4) == 0) return number_leaf();
    if (below(4) == 0) return built(make_unary(UnaryOp::Negate, 0, number(depth - 1)));
    const auto op = static_cast<BinaryOp>(static_cast<uint32_t>(BinaryOp::Add) + below(6));
    return binary(op, number(depth - 1), number(depth - 1));
  }

  FieldPtr string() { return below(2) == 0 ? constant(text(true)) : intrinsic(Type::String); }

  FieldPtr comparison(int depth) {
    const auto any_order = static_cast<BinaryOp>(static_cast<uint32_t>(BinaryOp::Equal) + below(6));
    const auto equality = below(2) == 0 ? BinaryOp::Equal : BinaryOp::NotEqual;
    switch (below(7)) {
      case 0:
        return binary(any_order, string(), string());
      case 1:
        return binary(equality, intrinsic(Type::Status), constant(static_cast<Status>(below(3))));
      case 2:
        return binary(equality, constant(static_cast<Kind>(below(6))), intrinsic(Type::Kind));
      case 3:
        return binary(equality, attribute(), constant(Nil{}));
      case 4:
        return binary(equality, boolean(depth - 1), boolean(depth - 1));
      case 5: {
        static constexpr std::string_view kPatterns[] = {"", "a.*", R"(\d+)", R"(a"`\\)", "(?i)x|y", "\n"};
        const auto op = below(2) == 0 ? BinaryOp::Match : BinaryOp::NotMatch;
        return binary(op, string(), constant(std::string(kPatterns[below(6)])));
      }
      default:
        return binary(any_order, number(depth - 1), number(depth - 1));
    }
  }

  FieldPtr boolean(int depth) {
    if (depth == 0) return below(4) == 0 ? constant(below(2) == 0) : attribute();
    switch (below(4)) {
      case 0:
        return built(make_unary(UnaryOp::Not, 0, boolean(depth - 1)));
      case 1:
        return binary(BinaryOp::And, boolean(depth - 1), boolean(depth - 1));
      case 2:
        return binary(BinaryOp::Or, boolean(depth - 1), boolean(depth - 1));
      default:
        return comparison(depth);
    }
  }

  std::mt19937_64 random_;
};

TEST(Print, RandomTreesComeBack) {
  constexpr uint32_t kTrees = 3000;
  const uint32_t first_seed = std::random_device{}();
  for (uint32_t i = 0; i < kTrees; ++i) {
    const uint32_t seed = first_seed + i;
    const Query query{Generator(seed).spanset(3)};
    const std::string text = to_string(query);
    const ParseResult parsed = parse(text);
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << "\n" << explain(parsed.error(), text) << "\n" << text;
    ASSERT_EQ(query, parsed.query()) << "seed " << seed << "\n" << text << "\n" << to_string(parsed.query());
    ASSERT_EQ(text, to_string(parsed.query())) << "seed " << seed;
  }
}

// Operands of lower level and prefix operators are where parentheses matter; the smallest of those, all of them.
TEST(Print, ParenthesesAreFewest) {
  for (const char* text :
       {"{ (-5) * .a = 0 }", "{ -5 * .a = 0 }", "{ 2 ^ (-.a) * .b = 0 }", "{ .a * -.b + .c = 0 }",
        "{ (.a ^ .b) ^ .c = 0 }", "{ .a - (.b - .c) = 0 }", "{ !(!.a && .b) }", "{ (-0.0) ^ 2 = 0 }"}) {
    const ParseResult parsed = parse(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(to_string(parsed.query()), text);
  }
}

}  // namespace
}  // namespace clew::query
