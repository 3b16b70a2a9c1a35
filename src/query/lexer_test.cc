// SPDX-License-Identifier: Apache-2.0
//
// Proves where tokens begin and end, and what their values are, in the corners that the corpus of whole queries would
// hide: names that run on through signs, numbers beside names, escapes, fractions of durations, blanks of Unicode.
#include "query/lexer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace clew::query {
namespace {

// Kind and text of every token, "A:" for an attribute and so on; an error ends the list with "!".
std::vector<std::string> tokens(std::string_view text) {
  std::vector<std::string> list;
  Lexer lexer(text);
  while (true) {
    const Token token = lexer.next();
    switch (token.kind) {
      case TokenKind::End:
        return list;
      case TokenKind::Invalid:
        list.emplace_back("!");
        return list;
      case TokenKind::Word:
        list.push_back("W:" + token.text);
        break;
      case TokenKind::Pair:
        list.push_back("P:" + token.text);
        break;
      case TokenKind::Attribute:
        list.push_back("A:" + token.text);
        break;
      case TokenKind::Constant:
        list.push_back("C:" + std::string(text.substr(token.offset, token.end - token.offset)));
        break;
      case TokenKind::Operator:
        list.push_back(token.text);
        break;
    }
  }
}

using List = std::vector<std::string>;

Literal constant(std::string_view text) {
  Lexer lexer(text);
  Token token = lexer.next();
  EXPECT_EQ(token.kind, TokenKind::Constant) << text << ": " << lexer.error().message;
  EXPECT_EQ(token.end, text.size()) << text;
  return token.literal;
}

ParseError error(std::string_view text) {
  Lexer lexer(text);
  Token token;
  do token = lexer.next();
  while (token.kind != TokenKind::End && token.kind != TokenKind::Invalid);
  EXPECT_EQ(token.kind, TokenKind::Invalid) << text;
  return lexer.error();
}

TEST(Lexer, NamesEndOnlyAtBlanksAndTheirFewSigns) {
  EXPECT_EQ(tokens(".a-b+c*d/e%f:g.h"), (List{"A:a-b+c*d/e%f:g.h"}));
  EXPECT_EQ(tokens(".a - .b"), (List{"A:a", "-", "A:b"}));
  for (const std::string_view end : {"{", "}", "(", ")", "=", "~", "!", "<", ">", "|", "^", ","}) {
    EXPECT_EQ(tokens(".a" + std::string(end)), (List{"A:a", std::string(end)}));
  }
  EXPECT_EQ(tokens(".a&&.b||.c"), (List{"A:a", "&&", "A:b", "||", "A:c"}));
  EXPECT_EQ(tokens(".a\u00A0.b"), (List{"A:a", "A:b"}));
  EXPECT_EQ(tokens(".a\u3000=\u20281"), (List{"A:a", "=", "C:1"}));
  EXPECT_EQ(tokens(".a//b /*c*/ //d"), (List{"A:a//b"}));
}

TEST(Lexer, QuotedPartsOfNames) {
  EXPECT_EQ(tokens(R"(span."a b")"), (List{"A:a b"}));
  EXPECT_EQ(tokens(R"(span.x"a = b"y.z)"), (List{"A:xa = by.z"}));
  EXPECT_EQ(tokens(R"(."\"\\")"), (List{"A:\"\\"}));
  EXPECT_EQ(tokens(R"(."")"), (List{"A:"}));
  EXPECT_EQ(tokens("span.\"a\nb\""), (List{"A:a\nb"}));
  EXPECT_EQ(tokens(R"(."a\n")"), (List{"!"}));
  EXPECT_EQ(tokens(R"(."a)"), (List{"!"}));
  EXPECT_EQ(tokens(R"(."a\)"), (List{"!"}));
}

TEST(Lexer, ScopesAreKnownByTheirDot) {
  Lexer lexer("span.a resource.a event.a link.a instrumentation.a .a");
  for (const Scope scope :
       {Scope::Span, Scope::Resource, Scope::Event, Scope::Link, Scope::Instrumentation, Scope::Any}) {
    const Token token = lexer.next();
    EXPECT_EQ(token.kind, TokenKind::Attribute);
    EXPECT_EQ(token.scope, scope);
    EXPECT_EQ(token.text, "a");
  }
  EXPECT_EQ(tokens("span .a"), (List{"W:span", "A:a"}));
  EXPECT_EQ(tokens(".span.a"), (List{"A:span.a"}));
  EXPECT_EQ(tokens("span.parent.a"), (List{"A:parent.a"}));
  EXPECT_EQ(tokens("parent.a"), (List{"!"}));
  EXPECT_EQ(tokens("spans.a"), (List{"!"}));
}

TEST(Lexer, WordsAndPairs) {
  EXPECT_EQ(tokens("duration-1"), (List{"W:duration", "-", "C:1"}));
  EXPECT_EQ(tokens("span:duration-1"), (List{"P:span:duration", "-", "C:1"}));
  EXPECT_EQ(tokens("span:duration>1"), (List{"P:span:duration", ">", "C:1"}));
  EXPECT_EQ(tokens("größe_2"), (List{"W:größe_2"}));
  EXPECT_EQ(tokens("trace: id"), (List{"P:trace:", "W:id"}));
}

TEST(Lexer, TheLongestOperatorWins) {
  EXPECT_EQ(tokens("!>>!>!<<!<!~!=!"), (List{"!>>", "!>", "!<<", "!<", "!~", "!=", "!"}));
  EXPECT_EQ(tokens("&>>&>&<<&<&~&&"), (List{"&>>", "&>", "&<<", "&<", "&~", "&&"}));
  EXPECT_EQ(tokens(">>= >="), (List{">>", "=", ">="}));
  EXPECT_EQ(tokens("=~ ~ =!"), (List{"=~", "~", "=", "!"}));
}

TEST(Lexer, Integers) {
  EXPECT_EQ(constant("0"), Literal(int64_t{0}));
  EXPECT_EQ(constant("0010"), Literal(int64_t{10}));
  EXPECT_EQ(constant("9223372036854775807"), Literal(std::numeric_limits<int64_t>::max()));
  EXPECT_EQ(error("9223372036854775808").offset, 0U);
  EXPECT_EQ(error("0x10").offset, 1U);
}

TEST(Lexer, Floats) {
  EXPECT_EQ(constant("1.5"), Literal(1.5));
  EXPECT_EQ(constant(".5"), Literal(0.5));
  EXPECT_EQ(constant("1e3"), Literal(1000.0));
  EXPECT_EQ(constant("1.5E-1"), Literal(0.15));
  EXPECT_EQ(constant("4.9e-324"), Literal(std::numeric_limits<double>::denorm_min()));
  EXPECT_EQ(error("1e400").offset, 0U);
  EXPECT_EQ(error("1e").offset, 1U);
  EXPECT_EQ(tokens("1.5.a"), (List{"C:1.5", "A:a"}));
}

TEST(Lexer, Durations) {
  constexpr int64_t kSecond = 1'000'000'000;
  EXPECT_EQ(constant("1ns"), Literal(Duration{1}));
  EXPECT_EQ(constant("1us"), Literal(Duration{1000}));
  EXPECT_EQ(constant("1\u00B5s"), Literal(Duration{1000}));
  EXPECT_EQ(constant("1\u03BCs"), Literal(Duration{1000}));
  EXPECT_EQ(constant("1ms"), Literal(Duration{1'000'000}));
  EXPECT_EQ(constant("1m"), Literal(Duration{60 * kSecond}));
  EXPECT_EQ(constant("1h30m"), Literal(Duration{5400 * kSecond}));
  EXPECT_EQ(constant("1d"), Literal(Duration{86400 * kSecond}));
  EXPECT_EQ(constant("1y2w3d4h5m6s7ms"),
            Literal(Duration{(((365 + 14 + 3) * 24 + 4) * 3600 + 5 * 60 + 6) * kSecond + 7'000'000}));
  EXPECT_EQ(constant("1.5s"), Literal(Duration{3 * kSecond / 2}));
  EXPECT_EQ(constant(".5s"), Literal(Duration{kSecond / 2}));
  EXPECT_EQ(constant("0.1ns"), Literal(Duration{0}));
  EXPECT_EQ(constant("0.3us"), Literal(Duration{300}));
  EXPECT_EQ(constant("1.123456789s"), Literal(Duration{1'123'456'789}));
  EXPECT_EQ(constant("0.999999999999999999999999999999s"), Literal(Duration{999'999'999}));
  EXPECT_EQ(constant("9223372036854775807ns"), Literal(Duration{std::numeric_limits<int64_t>::max()}));
  EXPECT_EQ(error("9223372036854775808ns").offset, 0U);
  EXPECT_EQ(error("9223372036s1s").offset, 0U);
  EXPECT_EQ(error("1h2").offset, 3U);
  EXPECT_EQ(error("1h2x").offset, 3U);
}

TEST(Lexer, Strings) {
  EXPECT_EQ(constant(R"("a\"b\\\n\t")"), Literal(std::string("a\"b\\\n\t")));
  EXPECT_EQ(constant(R"("\x00\377")"), Literal(std::string("\0\377", 2)));
  EXPECT_EQ(constant(R"("\u00e9\U0001F600\u0800\u007f")"), Literal(std::string("é😀\u0800\u007f")));
  EXPECT_EQ(constant("`a\\n\"\n`"), Literal(std::string("a\\n\"\n")));
  for (const char* bad :
       {R"("\q")", R"("\x1")", R"("\400")", R"("\ud800")", R"("\uDFFF")", R"("\U00110000")", R"("\x-1")"}) {
    EXPECT_EQ(error(bad).offset, 1U) << bad;
  }
  EXPECT_EQ(error("\"abc").offset, 0U);
  EXPECT_EQ(error("\"abc\\").offset, 4U);
  EXPECT_EQ(error("\"a\nb\"").offset, 0U);
}

TEST(Lexer, ReadsAsNumber) {
  EXPECT_TRUE(reads_as_number("12"));
  EXPECT_TRUE(reads_as_number("1.5s"));
  EXPECT_FALSE(reads_as_number(""));
  EXPECT_FALSE(reads_as_number("12 "));
  EXPECT_FALSE(reads_as_number(".a"));
  EXPECT_FALSE(reads_as_number("12x"));
}

}  // namespace
}  // namespace clew::query
