// SPDX-License-Identifier: Apache-2.0
//
// A hand-written scanner: what a token is, is decided by its first character. Slips from other languages that no
// TraceQL text contains (`==`, `<>`, single quotes, `#`) are caught here, where the hint is cheap.
#include "query/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "query/rune.h"
#include "query/vocabulary.h"

namespace clew::query {

namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
// Letters outside ASCII belong to words too, so that a message can name the whole of it.
constexpr bool is_word_byte(char c) { return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80; }

// What ends an attribute's name, beside white space.
constexpr std::string_view kNameEnds = "{}()=~!<>&|^,";

struct Unit {
  std::string_view name;
  int64_t nanos;
};
constexpr int64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 11> kUnits = {{{"ns", 1},
                                          {"us", 1'000},
                                          {"\u00B5s", 1'000},  // micro sign
                                          {"\u03BCs", 1'000},  // Greek mu
                                          {"ms", 1'000'000},
                                          {"s", kSecond},
                                          {"m", 60 * kSecond},
                                          {"h", 3'600 * kSecond},
                                          {"d", 86'400 * kSecond},
                                          {"w", 7 * 86'400 * kSecond},
                                          {"y", 365 * 86'400 * kSecond}}};
constexpr std::string_view kUnitList = "a unit: y, w, d, h, m, s, ms, us, ns";

// Longest first, so that the first that fits is meant.
constexpr std::array<std::string_view, 35> kOperators = {
    "!>>", "!<<", "&>>", "&<<", "&&", "||", "!=", "!~", "=~", "<=", ">=", "<<", ">>", "!>", "!<", "&>", "&<", "&~",
    "{",   "}",   "(",   ")",   "=",  "<",  ">",  "!",  "~",  "+",  "-",  "*",  "/",  "%",  "^",  "|",  ","};

struct Slip {
  std::string_view text;
  std::string_view expected;
  std::string_view hint;
};
// Looked at before the operators.
constexpr std::array<Slip, 17> kSlips = {{
    {"==", "`=`", "equality is written `=`"},
    {"<>", "`!=`", "inequality is written `!=`"},
    {"~=", "`=~`", "a regular expression is matched with `=~`"},
    {"'", "a string in double quotes or back quotes", "strings are written \"…\", not '…'"},
    {"\u201C", "a string in double quotes or back quotes", "typographic quotes are letters here; write \"…\""},
    {"\u201D", "a string in double quotes or back quotes", "typographic quotes are letters here; write \"…\""},
    {"\u2018", "a string in double quotes or back quotes", "typographic quotes are letters here; write \"…\""},
    {"\u2260", "`!=`", ""},
    {"\u2264", "`<=`", ""},
    {"\u2265", "`>=`", ""},
    {"#", "", "comments are written // … or /* … */"},
    {"[", "", "there are no lists; write `.a = 1 || .a = 2`, or a regular expression: `.a =~ \"1|2\"`"},
    {"]", "", ""},
    {"$", "", "variables have to be filled in before the query is sent"},
    {"@", "", ""},
    {";", "", "a query is one expression and has no `;`"},
    {"?", "", "there are no optional attributes; `.a != nil` asks whether there is one"},
}};

// Prefixes of attributes that belong to the resource by OpenTelemetry's conventions.
constexpr std::array<std::string_view, 12> kResourcePrefixes = {"service", "k8s",     "host",       "container",
                                                                "cloud",   "process", "deployment", "telemetry",
                                                                "os",      "faas",    "device",     "aws"};

}  // namespace

bool Lexer::fail(size_t offset, std::string message, std::string expected, std::string hint) {
  error_.offset = static_cast<uint32_t>(offset);
  error_.message = std::move(message);
  error_.expected = std::move(expected);
  error_.hint = std::move(hint);
  return false;
}

bool Lexer::at_word() const { return !at_end() && is_word_byte(peek()) && !is_space(rune_at(text_, position_).value); }

Token Lexer::next() {
  Token token;
  bool good = skip_blanks();
  token.offset = static_cast<uint32_t>(position_);
  if (good && !at_end()) {
    const char c = peek();
    if (c == '"') {
      good = string(token);
    } else if (c == '`') {
      good = raw_string(token);
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      good = number(token);
    } else if (c == '.') {
      ++position_;
      good = attribute_name(token);
    } else if (slip()) {
      good = false;
    } else if (at_word()) {
      good = word(token);
    } else {
      good = punctuation(token);
    }
  }
  if (!good) token.kind = TokenKind::Invalid;
  token.end = static_cast<uint32_t>(position_);
  return token;
}

bool Lexer::skip_blanks() {
  while (!at_end()) {
    const Rune rune = rune_at(text_, position_);
    if (is_space(rune.value)) {
      position_ += rune.bytes;
    } else if (rest().starts_with("//")) {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else if (rest().starts_with("/*")) {
      const size_t close = text_.find("*/", position_ + 2);
      if (close == std::string_view::npos) return fail(position_, "this comment is not closed", "`*/`");
      position_ = close + 2;
    } else {
      break;
    }
  }
  return true;
}

bool Lexer::string(Token& token) {
  const size_t begin = position_++;
  std::string value;
  while (true) {
    const char c = peek();
    if (at_end() || c == '\n') {
      return fail(begin, "this string is not closed", "`\"`",
                  c == '\n' ? "a string over several lines stands in back quotes" : "");
    }
    if (c == '"') break;
    if (c == '\\') {
      if (!escape(value)) return false;
    } else {
      value += c;
      ++position_;
    }
  }
  ++position_;
  token.kind = TokenKind::Constant;
  token.literal = std::move(value);
  return true;
}

bool Lexer::raw_string(Token& token) {
  const size_t begin = position_ + 1;
  const size_t close = text_.find('`', begin);
  if (close == std::string_view::npos) return fail(position_, "this string is not closed", "a back quote");
  position_ = close + 1;
  token.kind = TokenKind::Constant;
  token.literal = std::string(text_.substr(begin, close - begin));
  return true;
}

namespace {

void append_utf8(std::string& out, uint32_t rune) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((rune >> shift) & 0x3F)); };
  if (rune < 0x80) {
    out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    out += static_cast<char>(0xC0 | (rune >> 6)), tail(0);
  } else if (rune < 0x10000) {
    out += static_cast<char>(0xE0 | (rune >> 12)), tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | (rune >> 18)), tail(12), tail(6), tail(0);
  }
}

}  // namespace

// At a backslash. Go's escapes: \a \b \f \n \r \t \v \\ \" and \ooo \xhh for a byte, \uhhhh \Uhhhhhhhh for a code
// point.
bool Lexer::escape(std::string& out) {
  constexpr std::string_view kLetters = "abfnrtv\\\"";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\\"";
  const size_t begin = position_++;
  const char c = peek();
  if (const size_t simple = kLetters.find(c); simple != std::string_view::npos) {
    out += kMeanings[simple];
    ++position_;
    return true;
  }
  const bool octal = c >= '0' && c <= '7';
  const size_t digits = octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits == 0) {
    return fail(begin, "unknown escape in a string", "one of \\n \\r \\t \\\\ \\\" \\xhh \\uhhhh",
                "in back quotes a backslash stands for itself: `\\d+`");
  }
  if (!octal) ++position_;
  const std::string_view text = rest().substr(0, digits);
  uint32_t value = 0;
  const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), value, octal ? 8 : 16);
  if (status != std::errc() || text.size() < digits || stop != text.data() + digits) {
    return fail(begin, "incomplete escape in a string",
                fmt::format("{} {} digits", digits, octal ? "octal" : "hexadecimal"));
  }
  const bool is_byte = digits <= 3;
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (is_byte ? value > 0xFF : surrogate || value > 0x10FFFF) return fail(begin, "this escape is not a character");
  position_ += digits;
  if (is_byte) {
    out += static_cast<char>(value);
  } else {
    append_utf8(out, value);
  }
  return true;
}

bool Lexer::number(Token& token) {
  const size_t begin = position_;
  const auto digits = [this] {
    while (is_digit(peek())) ++position_;
  };
  digits();
  bool is_float = false;
  if (peek() == '.' && is_digit(peek(1))) {
    is_float = true;
    ++position_;
    digits();
  }
  if (peek() == 'e' || peek() == 'E') {
    const size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (is_digit(peek(1 + sign))) {
      is_float = true;
      position_ += 1 + sign;
      digits();
      if (at_word()) return fail(position_, "unexpected letters behind a number", "", "a duration has no exponent");
    }
  }
  if (at_word()) {
    position_ = begin;
    return duration(token);
  }
  const char* first = text_.data() + begin;
  const char* last = text_.data() + position_;
  token.kind = TokenKind::Constant;
  if (is_float) {
    double value = 0;
    if (std::from_chars(first, last, value).ec != std::errc()) return fail(begin, "this number does not fit a float");
    token.literal = value;
    return true;
  }
  int64_t value = 0;
  if (std::from_chars(first, last, value).ec != std::errc()) {
    return fail(begin, "this number does not fit 64 bits", "an integer up to maxInt, 9223372036854775807",
                "a float is written with a point, and the lowest integer is minInt");
  }
  token.literal = value;
  return true;
}

// One or more of number and unit. The fraction is cut to whole nanoseconds, as Go does.
bool Lexer::duration(Token& token) {
  const size_t begin = position_;
  constexpr std::string_view kTooLong = "this duration does not fit 64 bits of nanoseconds";
  int64_t total = 0;
  while (is_digit(peek()) || (peek() == '.' && is_digit(peek(1)))) {
    const size_t first = position_;
    while (is_digit(peek())) ++position_;
    const std::string_view whole = text_.substr(first, position_ - first);
    std::string_view fraction;
    if (peek() == '.' && is_digit(peek(1))) {
      const size_t behind_point = ++position_;
      while (is_digit(peek())) ++position_;
      fraction = text_.substr(behind_point, position_ - behind_point);
    }
    const size_t unit_begin = position_;
    while (at_word() && !is_digit(peek())) position_ += rune_at(text_, position_).bytes;
    const std::string_view name = text_.substr(unit_begin, position_ - unit_begin);
    const auto* unit = std::find_if(kUnits.begin(), kUnits.end(), [name](const Unit& u) { return u.name == name; });
    if (unit == kUnits.end()) {
      if (name.empty()) return fail(unit_begin, "a part of this duration has no unit", std::string(kUnitList));
      return fail(unit_begin, fmt::format("unknown unit `{}`", name), std::string(kUnitList));
    }
    int64_t count = 0;
    if (!whole.empty() && std::from_chars(whole.data(), whole.data() + whole.size(), count).ec != std::errc()) {
      return fail(begin, std::string(kTooLong));
    }
    // From the last digit to the first; exact, since cutting at each step is cutting once at the end.
    int64_t part = 0;
    for (size_t i = fraction.size(); i > 0; --i) part = (part + (fraction[i - 1] - '0') * unit->nanos) / 10;
    if (__builtin_mul_overflow(count, unit->nanos, &count) || __builtin_add_overflow(count, part, &count) ||
        __builtin_add_overflow(total, count, &total)) {
      return fail(begin, std::string(kTooLong));
    }
  }
  if (at_word()) return fail(position_, "unexpected letters behind a duration");
  token.kind = TokenKind::Constant;
  token.literal = Duration{total};
  return true;
}

// Behind the dot.
bool Lexer::attribute_name(Token& token) {
  const size_t begin = position_;
  while (!at_end()) {
    const Rune rune = rune_at(text_, position_);
    if (rune.value == '"') {
      if (!quoted_part(token.text)) return false;
      continue;
    }
    if (is_space(rune.value)) break;
    if (rune.bytes == 1 && kNameEnds.find(static_cast<char>(rune.value)) != std::string_view::npos) break;
    token.text += text_.substr(position_, rune.bytes);
    position_ += rune.bytes;
  }
  if (position_ == begin) {
    return fail(begin, "an attribute's name is missing after `.`", "a name",
                "a name with blanks or signs stands in quotes: span.\"a b\"");
  }
  token.kind = TokenKind::Attribute;
  return true;
}

bool Lexer::quoted_part(std::string& name) {
  const size_t begin = position_++;
  while (!at_end() && peek() != '"') {
    if (peek() == '\\') {
      ++position_;
      if (peek() != '"' && peek() != '\\') {
        return fail(position_ - 1, "unknown escape in a quoted name", "\\\" or \\\\");
      }
    }
    name += peek();
    ++position_;
  }
  if (at_end()) return fail(begin, "this quoted name is not closed", "`\"`");
  ++position_;
  return true;
}

bool Lexer::word(Token& token) {
  const size_t begin = position_;
  while (at_word()) position_ += rune_at(text_, position_).bytes;
  token.kind = TokenKind::Word;
  token.text = text_.substr(begin, position_ - begin);
  if (peek() == '.') return dotted_word(token);
  if (peek() == ':') {
    ++position_;
    // No intrinsic has a dot, but who writes `event:exception.type` should see all of it in the message.
    while (is_letter(peek()) || is_digit(peek()) || peek() == '.') ++position_;
    token.kind = TokenKind::Pair;
    token.text = text_.substr(begin, position_ - begin);
  }
  return true;
}

// At the dot behind a word: an attribute if the word is a scope, otherwise somebody forgot the scope.
bool Lexer::dotted_word(Token& token) {
  const size_t begin = position_ - token.text.size();
  const std::string first = token.text;
  if (first == "parent") {
    return fail(begin, "not supported yet: `parent.`", "", "a condition on the parent is written { … } > { … }");
  }
  ++position_;
  if (const auto scope = find_scope(first)) {
    token.scope = *scope;
    token.text.clear();
    return attribute_name(token);
  }
  Token name;
  if (!attribute_name(name)) return false;
  position_ = begin;
  std::string hint;
  const std::string full = fmt::format("{}.{}", first, name.text);
  if (find_intrinsic(fmt::format("{}:{}", first, name.text))) {
    hint = fmt::format("did you mean `{}:{}`?", first, name.text);
  } else if (std::find(kResourcePrefixes.begin(), kResourcePrefixes.end(), first) != kResourcePrefixes.end()) {
    hint = fmt::format("did you mean `resource.{}`?", full);
  } else {
    hint = fmt::format("did you mean `span.{}`, or `.{}` for span and resource?", full, full);
  }
  return fail(
      begin, fmt::format("`{}` is not a scope", first),
      "an attribute with its scope: span. resource. event. link. instrumentation. or a dot for span and resource",
      std::move(hint));
}

// Fills in the error if what is here comes from another language.
bool Lexer::slip() {
  for (const Slip& known : kSlips) {
    if (!rest().starts_with(known.text)) continue;
    fail(position_, fmt::format("`{}` is not part of TraceQL", known.text), std::string(known.expected),
         std::string(known.hint));
    return true;
  }
  return false;
}

bool Lexer::punctuation(Token& token) {
  for (const std::string_view op : kOperators) {
    if (!rest().starts_with(op)) continue;
    position_ += op.size();
    token.kind = TokenKind::Operator;
    token.text = op;
    return true;
  }
  const char c = peek();
  if (c == '&') return fail(position_, "`&` is not part of TraceQL", "`&&`", "`and` is written `&&`");
  if (is_control(static_cast<unsigned char>(c))) {
    return fail(position_, fmt::format("unexpected control character U+{:04X}", c));
  }
  return fail(position_, fmt::format("unexpected character `{}`", c));
}

bool reads_as_number(std::string_view text) {
  if (text.empty() || !(is_digit(text[0]) || text[0] == '.')) return false;
  Lexer lexer(text);
  const Token token = lexer.next();
  return token.kind == TokenKind::Constant && token.end == text.size();
}

}  // namespace clew::query
