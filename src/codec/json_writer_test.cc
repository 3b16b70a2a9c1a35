// SPDX-License-Identifier: Apache-2.0
//
// Commas and escapes by example, and for any bytes: what is written is valid UTF-8 with balanced quotes.
#include "codec/json_writer.h"

#include <gtest/gtest.h>

#include <limits>

#include "codec/utf8.h"

namespace clew::codec {
namespace {

std::string text_of(std::string_view value) {
  std::string out;
  append_json_text(out, value);
  return out;
}

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("a").begin_array().number(int64_t{1}).null().begin_object().end_object().end_array();
  json.key("b").boolean(false).key("c").quoted(uint64_t{UINT64_MAX}).key("d").raw("[1]").end_object();
  EXPECT_EQ(out, R"({"a":[1,null,{}],"b":false,"c":"18446744073709551615","d":[1]})");
}

TEST(JsonWriter, WritesNumbersShortAndExact) {
  std::string out;
  JsonWriter json(out);
  json.begin_array().number(0.1).number(1e300).number(-0.0).number(INT64_MIN);
  json.number(std::numeric_limits<double>::infinity()).end_array();
  EXPECT_EQ(out, R"([0.1,1e+300,-0,-9223372036854775808,"Infinity"])");
}

TEST(JsonWriter, EscapesControlCharactersQuotesAndBackslashes) {
  EXPECT_EQ(text_of(std::string_view("a\"b\\c\n\t\0\x1f", 9)), R"("a\"b\\c\n\t\u0000\u001f")");
  EXPECT_EQ(text_of("grün 文"), "\"grün 文\"");
}

TEST(JsonWriter, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(text_of("a\xFFü\xC3"), "\"a\uFFFDü\uFFFD\"");
  std::string all;
  for (int first = 0; first < 256; ++first)
    for (const int second : {0x00, 0x41, 0x7F, 0x80, 0xBF, 0xC2, 0xE0, 0xF4, 0xFF}) {
      all += static_cast<char>(first);
      all += static_cast<char>(second);
    }
  EXPECT_TRUE(valid_utf8(text_of(all)));
}

}  // namespace
}  // namespace clew::codec
