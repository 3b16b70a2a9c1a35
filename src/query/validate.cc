// SPDX-License-Identifier: Apache-2.0
//
// An operator looks only at the types of its operands, and at their text where a hint can be given. An attribute is
// of type Unknown and passes everywhere; what it really holds is the evaluator's business.
#include "query/validate.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "query/lexer.h"
#include "query/vocabulary.h"

namespace clew::query {

namespace {

ParseError problem(uint32_t offset, std::string message, std::string expected = {}, std::string hint = {}) {
  ParseError error;
  error.offset = offset;
  error.message = std::move(message);
  error.expected = std::move(expected);
  error.hint = std::move(hint);
  return error;
}

bool is_number(Type type) {
  return type == Type::Int || type == Type::Float || type == Type::Duration || type == Type::Number;
}
bool may_be_number(Type type) { return is_number(type) || type == Type::Unknown; }
bool may_be(Type type, Type wanted) { return type == wanted || type == Type::Unknown; }

bool is_arithmetic(BinaryOp op) { return level(op) > level(BinaryOp::Equal); }
bool is_order(BinaryOp op) { return op >= BinaryOp::Less && op <= BinaryOp::GreaterEqual; }

const std::string* as_string(const FieldExpr& expression) {
  const auto* literal = std::get_if<Literal>(&expression.node);
  return literal == nullptr ? nullptr : std::get_if<std::string>(literal);
}

bool is_nil(const FieldExpr& expression) { return expression.type == Type::Nil; }

Built finish(FieldExpr expression) {
  uint16_t below = 0;
  if (const auto* unary = std::get_if<Unary>(&expression.node)) {
    below = unary->operand->height;
  } else if (const auto* binary = std::get_if<Binary>(&expression.node)) {
    below = std::max(binary->left->height, binary->right->height);
  }
  if (below >= kHeightMax) {
    return problem(expression.offset, fmt::format("more than {} operators in a row", kHeightMax), "",
                   "a list of values is shorter as one regular expression: .a =~ \"x|y|z\"");
  }
  expression.height = static_cast<uint16_t>(below + 1);
  return std::make_unique<const FieldExpr>(std::move(expression));
}

constexpr std::string_view kKindsHint = "a kind is unspecified, internal, server, client, producer or consumer";

// What to write instead of a string literal that is compared with something of type `wanted`.
std::string without_quotes(const FieldExpr& expression, Type wanted) {
  const std::string* text = as_string(expression);
  if (text == nullptr) return {};
  const auto constant = find_constant(*text);
  const bool same_type = constant && static_cast<Type>(constant->index()) == wanted;
  if (same_type || (is_number(wanted) && reads_as_number(*text))) return fmt::format("write {} without quotes", *text);
  if (wanted == Type::Status) return "a status is error, ok or unset";
  if (wanted == Type::Kind) return std::string(kKindsHint);
  return {};
}

bool is_negation(const FieldExpr& expression) {
  const auto* unary = std::get_if<Unary>(&expression.node);
  return unary != nullptr && unary->op == UnaryOp::Not;
}

std::string comparison_hint(const FieldExpr& left, const FieldExpr& right) {
  if (is_negation(left)) return "`!` binds tighter than a comparison; negate the whole with parentheses: !(…)";
  if (std::string hint = without_quotes(right, left.type); !hint.empty()) return hint;
  if (std::string hint = without_quotes(left, right.type); !hint.empty()) return hint;
  for (const auto& [one, other] : {std::pair(&left, &right), std::pair(&right, &left)}) {
    if (one->type == Type::String && std::holds_alternative<Literal>(other->node)) {
      return fmt::format("a text is written in quotes: \"{}\"", to_string(*other));
    }
    if (one->type == Type::Status) return "a status is error, ok or unset";
    if (one->type == Type::Kind) return std::string(kKindsHint);
  }
  return {};
}

std::optional<ParseError> check_comparison(BinaryOp op, uint32_t offset, const FieldExpr& left,
                                           const FieldExpr& right) {
  const bool numbers = may_be_number(left.type) && may_be_number(right.type);
  const bool equal_types = left.type == right.type || left.type == Type::Unknown || right.type == Type::Unknown;
  if (!numbers && !equal_types) {
    return problem(offset, fmt::format("{} is not comparable with {}", spelling(left.type), spelling(right.type)), "",
                   comparison_hint(left, right));
  }
  const Type type = left.type == Type::Unknown ? right.type : left.type;
  if (is_order(op) && !may_be_number(type) && type != Type::String) {
    return problem(offset, fmt::format("`{}` does not apply to {}", spelling(op), spelling(type)), "`=` or `!=`");
  }
  return std::nullopt;
}

std::optional<ParseError> check_pattern(const std::string& pattern, uint32_t offset, RegexUse& use) {
  constexpr std::string_view kJoinHint = "several can be joined with `|` inside one";
  if (++use.count > kRegexCountMax) {
    return problem(offset, fmt::format("more than {} regular expressions", kRegexCountMax), "", std::string(kJoinHint));
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexBytesMax);
  const RE2 compiled(pattern, options);
  if (!compiled.ok()) {
    return problem(offset, fmt::format("invalid regular expression: {}", compiled.error()), "RE2 syntax",
                   pattern.starts_with('*') ? "any text is `.*`" : "");
  }
  use.instructions += static_cast<uint32_t>(compiled.ProgramSize());
  if (use.instructions > kRegexInstructionsMax) {
    return problem(offset, "the regular expressions of this query are too large", "",
                   "a repetition like {100} counts as often as it says");
  }
  return std::nullopt;
}

std::optional<ParseError> check_match(BinaryOp op, uint32_t offset, const FieldExpr& left, const FieldExpr& right,
                                      RegexUse& regexes) {
  if (!may_be(left.type, Type::String)) {
    return problem(offset, fmt::format("`{}` does not apply to {}", spelling(op), spelling(left.type)),
                   "a string or an attribute before it");
  }
  const std::string* pattern = as_string(right);
  if (pattern == nullptr) {
    return problem(right.offset, "a regular expression must be written out", "a string in quotes");
  }
  return check_pattern(*pattern, right.offset, regexes);
}

std::optional<ParseError> check_operands(BinaryOp op, uint32_t offset, const FieldExpr& left, const FieldExpr& right,
                                         RegexUse& regexes) {
  switch (op) {
    case BinaryOp::And:
    case BinaryOp::Or:
      for (const FieldExpr* side : {&left, &right}) {
        if (may_be(side->type, Type::Bool)) continue;
        return problem(offset, fmt::format("`{}` does not apply to {}", spelling(op), spelling(side->type)),
                       "a condition on both sides",
                       as_string(*side) != nullptr ? "write the whole comparison again: .a = \"x\" || .a = \"y\"" : "");
      }
      return std::nullopt;
    case BinaryOp::Match:
    case BinaryOp::NotMatch:
      return check_match(op, offset, left, right, regexes);
    default:
      break;
  }
  if (!is_arithmetic(op)) return check_comparison(op, offset, left, right);
  for (const FieldExpr* side : {&left, &right}) {
    if (may_be_number(side->type)) continue;
    return problem(offset, fmt::format("`{}` does not apply to {}", spelling(op), spelling(side->type)), "two numbers");
  }
  return std::nullopt;
}

Type result_type(BinaryOp op, Type left, Type right) {
  if (!is_arithmetic(op)) return Type::Bool;
  if (left == Type::Float || right == Type::Float) return Type::Float;
  if (op == BinaryOp::Power) return Type::Number;  // a negative exponent yields a float
  for (const Type side : {left, right}) {
    if (side == Type::Unknown || side == Type::Number) return Type::Number;
  }
  if (left == Type::Duration || right == Type::Duration) return Type::Duration;
  return Type::Int;
}

bool is_service_name(const FieldExpr& expression) {
  const auto* attribute = std::get_if<Attribute>(&expression.node);
  return attribute != nullptr && attribute->scope == Scope::Resource && attribute->name == "service.name";
}

Built make_nil_test(BinaryOp op, uint32_t offset, FieldPtr left, FieldPtr right) {
  if (op != BinaryOp::Equal && op != BinaryOp::NotEqual) {
    return problem(offset, fmt::format("`{}` does not apply to nil", spelling(op)), "`= nil` or `!= nil`");
  }
  if (is_nil(*left) && is_nil(*right)) return finish({Literal(false), Type::Bool, 1, offset});
  FieldPtr operand = is_nil(*left) ? std::move(right) : std::move(left);
  const auto* intrinsic = std::get_if<Intrinsic>(&operand->node);
  if (op == BinaryOp::Equal && (intrinsic != nullptr || is_service_name(*operand))) {
    const bool may_lack =
        intrinsic != nullptr && (*intrinsic >= Intrinsic::EventName || *intrinsic == Intrinsic::TraceRootName ||
                                 *intrinsic == Intrinsic::TraceRootService);
    return problem(offset, "only an attribute that may be missing is compared with `= nil`", "`!= nil`",
                   may_lack
                       ? fmt::format("to find spans without one, write !({} != nil)", word_of(*intrinsic).canonical)
                       : "every span has this");
  }
  const UnaryOp test = op == BinaryOp::Equal ? UnaryOp::Absent : UnaryOp::Exists;
  return finish({Unary{test, std::move(operand)}, Type::Bool, 1, offset});
}

std::optional<Literal> negated(const FieldExpr& expression) {
  const auto* literal = std::get_if<Literal>(&expression.node);
  if (literal == nullptr) return std::nullopt;
  if (const auto* integer = std::get_if<int64_t>(literal)) {
    if (*integer == std::numeric_limits<int64_t>::min()) return std::nullopt;
    return Literal(-*integer);
  }
  if (const auto* number = std::get_if<double>(literal)) return Literal(-*number);
  if (const auto* duration = std::get_if<Duration>(literal)) return Literal(Duration{-duration->nanos});
  return std::nullopt;
}

}  // namespace

Built make_unary(UnaryOp op, uint32_t offset, FieldPtr operand) {
  const Type type = operand->type;
  if (op == UnaryOp::Not) {
    if (!may_be(type, Type::Bool)) {
      return problem(offset, fmt::format("`!` does not apply to {}", spelling(type)), "a condition",
                     "`!` binds tighter than `=`; negate a comparison with `!=` or parentheses: !(…)");
    }
    return finish({Unary{op, std::move(operand)}, Type::Bool, 1, offset});
  }
  if (!may_be_number(type)) {
    return problem(offset, fmt::format("`-` does not apply to {}", spelling(type)), "a number");
  }
  if (auto literal = negated(*operand)) return finish({*std::move(literal), type, 1, offset});
  const Type result = type == Type::Unknown ? Type::Number : type;
  return finish({Unary{op, std::move(operand)}, result, 1, offset});
}

Built make_binary(BinaryOp op, uint32_t offset, FieldPtr left, FieldPtr right, RegexUse& regexes) {
  if (is_nil(*left) || is_nil(*right)) return make_nil_test(op, offset, std::move(left), std::move(right));
  if (auto error = check_operands(op, offset, *left, *right, regexes)) return *std::move(error);
  const Type type = result_type(op, left->type, right->type);
  return finish({Binary{op, std::move(left), std::move(right)}, type, 1, offset});
}

std::optional<ParseError> check_condition(const FieldExpr& expression) {
  if (may_be(expression.type, Type::Bool)) return std::nullopt;
  return problem(expression.offset, fmt::format("{} is not a condition", spelling(expression.type)),
                 "a comparison, or an attribute that is true or false");
}

}  // namespace clew::query
