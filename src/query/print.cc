// SPDX-License-Identifier: Apache-2.0
//
// Two things call for parentheses. An operator that binds looser than its place asks for, as everywhere. And a prefix
// operator that another operator follows: it would take that one's left side for its own, since `2 ^ -x * y` reads
// `2 ^ -(x * y)`; so every call knows the level of the operator that follows it.
#include "query/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "query/parse.h"
#include "query/rune.h"
#include "query/vocabulary.h"

namespace clew::query {

namespace {

bool is_negative(const Literal& literal) {
  if (const auto* integer = std::get_if<int64_t>(&literal)) {
    return *integer < 0 && *integer != std::numeric_limits<int64_t>::min();  // that one is the word minInt
  }
  if (const auto* number = std::get_if<double>(&literal)) return std::signbit(*number);
  if (const auto* duration = std::get_if<Duration>(&literal)) return duration->nanos < 0;
  return false;
}

// In the largest unit that needs no fraction.
std::string spelled(Duration duration) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 6> kUnits = {{{"d", 86'400'000'000'000},
                                                                           {"h", 3'600'000'000'000},
                                                                           {"m", 60'000'000'000},
                                                                           {"s", 1'000'000'000},
                                                                           {"ms", 1'000'000},
                                                                           {"us", 1'000}}};
  if (duration.nanos == 0) return "0s";
  for (const auto& [unit, nanos] : kUnits) {
    if (duration.nanos % nanos == 0) return fmt::format("{}{}", duration.nanos / nanos, unit);
  }
  return fmt::format("{}ns", duration.nanos);
}

std::string spelled(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// Can the name of an attribute stand without quotes?
bool is_plain(const Attribute& attribute) {
  const std::string_view name = attribute.name;
  if (name.empty()) return false;
  if (attribute.scope == Scope::Any && name[0] >= '0' && name[0] <= '9') return false;  // .5 is a number
  for (size_t at = 0; at < name.size();) {
    const Rune rune = rune_at(name, at);
    if (rune.bytes == 0 || is_space(rune.value) || is_control(rune.value)) return false;
    if (rune.bytes == 1 && std::string_view("{}()=~!<>&|^,\"\\").find(name[at]) != std::string_view::npos) return false;
    at += rune.bytes;
  }
  return true;
}

bool is_printable(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    if (rune.bytes == 0 || is_control(rune.value)) return false;
    at += rune.bytes;
  }
  return true;
}

}  // namespace

std::string to_string(const Query& query) {
  Printer printer;
  printer.spanset(*query.spans, kLevelMin);
  return printer.take();
}

std::string to_string(const FieldExpr& expression) {
  Printer printer;
  printer.field(expression, kLevelMin, 0);
  return printer.take();
}

void Printer::spanset(const SpansetExpr& expression, int level_min) {
  if (const auto* filter = std::get_if<Filter>(&expression.node)) {
    const auto* literal = std::get_if<Literal>(&filter->condition->node);
    if (literal != nullptr && *literal == Literal(true)) {
      out_ += "{}";
      return;
    }
    out_ += "{ ";
    field(*filter->condition, kLevelMin, 0);
    out_ += " }";
    return;
  }
  const auto& join = std::get<Join>(expression.node);
  const bool enclosed = level(join.op) < level_min;
  if (enclosed) out_ += '(';
  spanset(*join.left, level(join.op));
  fmt::format_to(std::back_inserter(out_), " {} ", spelling(join.op));
  spanset(*join.right, level(join.op) + 1);
  if (enclosed) out_ += ')';
}

void Printer::field(const FieldExpr& expression, int level_min, int follows) {
  std::visit([&](const auto& what) { node(what, level_min, follows); }, expression.node);
}

void Printer::node(const Literal& literal, int /*level_min*/, int follows) {
  const bool enclosed = is_negative(literal) && follows > level(UnaryOp::Negate);
  if (enclosed) out_ += '(';
  switch (static_cast<Type>(literal.index())) {
    case Type::Nil:
      out_ += "nil";
      break;
    case Type::Bool:
      out_ += std::get<bool>(literal) ? "true" : "false";
      break;
    case Type::String:
      quoted(std::get<std::string>(literal));
      break;
    case Type::Status:
      out_ += spelling(std::get<Status>(literal));
      break;
    case Type::Kind:
      out_ += spelling(std::get<Kind>(literal));
      break;
    default:
      number(literal);
      break;
  }
  if (enclosed) out_ += ')';
}

void Printer::number(const Literal& literal) {
  if (const auto* real = std::get_if<double>(&literal)) {
    out_ += spelled(*real);
  } else if (const auto* duration = std::get_if<Duration>(&literal)) {
    out_ += spelled(*duration);
  } else {
    const int64_t integer = std::get<int64_t>(literal);
    out_ += integer == std::numeric_limits<int64_t>::min() ? "minInt" : fmt::format("{}", integer);
  }
}

void Printer::node(const Attribute& attribute, int /*level_min*/, int /*follows*/) {
  out_ += spelling(attribute.scope);
  out_ += '.';
  if (is_plain(attribute)) {
    out_ += attribute.name;
    return;
  }
  out_ += '"';
  for (const char c : attribute.name) {
    if (c == '"' || c == '\\') out_ += '\\';
    out_ += c;
  }
  out_ += '"';
}

void Printer::node(Intrinsic intrinsic, int /*level_min*/, int /*follows*/) { out_ += word_of(intrinsic).canonical; }

void Printer::node(const Unary& unary, int level_min, int follows) {
  const int own = level(unary.op);
  const bool is_prefix = unary.op == UnaryOp::Not || unary.op == UnaryOp::Negate;
  const bool enclosed = is_prefix ? follows > own : own < level_min;
  if (enclosed) out_ += '(';
  if (is_prefix) {
    out_ += spelling(unary.op);
    field(*unary.operand, own + 1, enclosed ? 0 : follows);
  } else {
    field(*unary.operand, own, own);
    fmt::format_to(std::back_inserter(out_), " {} nil", spelling(unary.op));
  }
  if (enclosed) out_ += ')';
}

void Printer::node(const Binary& binary, int level_min, int follows) {
  const int own = level(binary.op);
  const bool to_the_right = binary.op == BinaryOp::Power;
  const bool enclosed = own < level_min;
  if (enclosed) out_ += '(';
  field(*binary.left, to_the_right ? own + 1 : own, own);
  fmt::format_to(std::back_inserter(out_), " {} ", spelling(binary.op));
  if (binary.op == BinaryOp::Match || binary.op == BinaryOp::NotMatch) {
    pattern(std::get<std::string>(std::get<Literal>(binary.right->node)));
  } else {
    field(*binary.right, to_the_right ? own : own + 1, enclosed ? 0 : follows);
  }
  if (enclosed) out_ += ')';
}

// Regular expressions are easier to read without doubled backslashes.
void Printer::pattern(const std::string& text) {
  const bool has_escapes = text.find_first_of("\\\"") != std::string::npos;
  if (has_escapes && text.find('`') == std::string::npos && is_printable(text)) {
    fmt::format_to(std::back_inserter(out_), "`{}`", text);
  } else {
    quoted(text);
  }
}

// Characters that would not show, and bytes that are not UTF-8, are escaped: the canonical text is printable UTF-8.
void Printer::quoted(std::string_view text) {
  out_ += '"';
  for (size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    if (rune.value == '"' || rune.value == '\\') {
      out_ += '\\';
      out_ += static_cast<char>(rune.value);
    } else if (rune.value == '\n') {
      out_ += "\\n";
    } else if (rune.value == '\r') {
      out_ += "\\r";
    } else if (rune.value == '\t') {
      out_ += "\\t";
    } else if (rune.bytes == 0) {
      fmt::format_to(std::back_inserter(out_), "\\x{:02x}", static_cast<unsigned char>(text[at]));
    } else if (is_control(rune.value)) {
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<uint32_t>(rune.value));
    } else {
      out_ += text.substr(at, rune.bytes);
    }
    at += std::max<uint32_t>(rune.bytes, 1);
  }
  out_ += '"';
}

std::string to_string(const ParseError& error) {
  std::string out = fmt::format("{}:{}: {}", error.line, error.column, error.message);
  if (!error.expected.empty()) out += fmt::format("; expected {}", error.expected);
  if (!error.hint.empty()) out += fmt::format(" ({})", error.hint);
  return out;
}

std::string explain(const ParseError& error, std::string_view text) {
  const size_t offset = std::min<size_t>(error.offset, text.size());
  const size_t line_break = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  const size_t begin = line_break == std::string_view::npos ? 0 : line_break + 1;
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  std::string out = to_string(error);
  if (line.empty() || !is_printable(line)) return out;
  fmt::format_to(std::back_inserter(out), "\n  {}\n  {:>{}}", line, "^", error.column);
  return out;
}

}  // namespace clew::query
