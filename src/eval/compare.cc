// SPDX-License-Identifier: Apache-2.0
#include "eval/compare.h"

#include <bit>
#include <cmath>
#include <limits>

namespace clew::eval {
namespace {

using query::BinaryOp;

int64_t as_int(Value value) { return static_cast<int64_t>(value.bits); }
double as_float(Value value) {
  return value.kind == ValueKind::Float ? std::bit_cast<double>(value.bits) : static_cast<double>(as_int(value));
}
Value of_int(int64_t value) { return {ValueKind::Int, static_cast<uint64_t>(value)}; }
Value of_float(double value) { return {ValueKind::Float, std::bit_cast<uint64_t>(value)}; }

// Exact: a conversion of `a` to double would call 2^53 and 2^53 + 1 equal.
std::partial_ordering compare(int64_t a, double b) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= kTwoTo63) return std::partial_ordering::less;
  if (b < -kTwoTo63) return std::partial_ordering::greater;
  const double whole = std::trunc(b);
  const auto whole_int = static_cast<int64_t>(whole);
  if (a != whole_int) return a <=> whole_int;
  return 0.0 <=> b - whole;
}

bool holds(BinaryOp op, std::partial_ordering order) {
  switch (op) {
    case BinaryOp::Equal:
      return order == 0;
    case BinaryOp::NotEqual:
      return order != 0;
    case BinaryOp::Less:
      return order < 0;
    case BinaryOp::LessEqual:
      return order <= 0;
    case BinaryOp::Greater:
      return order > 0;
    case BinaryOp::GreaterEqual:
      return order >= 0;
    default:
      return false;
  }
}

// The `digits` low half-bytes of `value`, highest first.
void write_hex(uint64_t value, char* out, int digits) {
  for (int i = digits - 1; i >= 0; --i, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}

Value power_of_ints(int64_t base, int64_t exponent) {
  if (exponent < 0) return of_float(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  int64_t result = 1;
  for (int64_t square = base; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, square, &result)) return {};
    // The square that nobody needs any more may overflow.
    if (exponent > 1 && __builtin_mul_overflow(square, square, &square)) return {};
  }
  return of_int(result);
}

Value calculate_ints(BinaryOp op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case BinaryOp::Add:
      return __builtin_add_overflow(a, b, &result) ? Value{} : of_int(result);
    case BinaryOp::Subtract:
      return __builtin_sub_overflow(a, b, &result) ? Value{} : of_int(result);
    case BinaryOp::Multiply:
      return __builtin_mul_overflow(a, b, &result) ? Value{} : of_int(result);
    case BinaryOp::Divide:
      if (b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min())) return {};
      return of_int(a / b);
    case BinaryOp::Modulo:
      if (b == 0) return {};
      return of_int(b == -1 ? 0 : a % b);
    case BinaryOp::Power:
      return power_of_ints(a, b);
    default:
      return {};
  }
}

Value calculate_floats(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::Add:
      return of_float(a + b);
    case BinaryOp::Subtract:
      return of_float(a - b);
    case BinaryOp::Multiply:
      return of_float(a * b);
    case BinaryOp::Divide:
      return of_float(a / b);
    case BinaryOp::Modulo:
      return of_float(std::fmod(a, b));
    case BinaryOp::Power:
      return of_float(std::pow(a, b));
    default:
      return {};
  }
}

}  // namespace

std::string_view text_of(const Operand& operand, Value value, IdText& room) {
  switch (value.kind) {
    case ValueKind::String:
      return operand.view.text(static_cast<StringCode>(value.bits));
    case ValueKind::Text:
      return operand.column.texts[value.bits];
    case ValueKind::SpanId:
      if (value.bits == 0) return {};
      write_hex(value.bits, room.digits, 16);
      return {room.digits, 16};
    case ValueKind::TraceId: {
      const model::TraceId& id = operand.column.trace_ids[value.bits];
      write_hex(id.high, room.digits, 16);
      write_hex(id.low, room.digits + 16, 16);
      return {room.digits, 32};
    }
    default:
      CHECK(false);
  }
}

std::partial_ordering compare_numbers(Value a, Value b) {
  if (a.kind == ValueKind::Int && b.kind == ValueKind::Int) return as_int(a) <=> as_int(b);
  if (a.kind == ValueKind::Int) return compare(as_int(a), as_float(b));
  if (b.kind == ValueKind::Int) return 0 <=> compare(as_int(b), as_float(a));
  return as_float(a) <=> as_float(b);
}

bool passes(BinaryOp op, const Operand& left, Value a, const Operand& right, Value b) {
  if (is_number(a.kind) && is_number(b.kind)) return holds(op, compare_numbers(a, b));
  if (is_text(a.kind) && is_text(b.kind)) {
    const bool equality = op == BinaryOp::Equal || op == BinaryOp::NotEqual;
    if (equality && a.kind == b.kind && (a.kind == ValueKind::String || a.kind == ValueKind::SpanId)) {
      return (a.bits == b.bits) == (op == BinaryOp::Equal);
    }
    IdText room_a;
    IdText room_b;
    return holds(op, text_of(left, a, room_a).compare(text_of(right, b, room_b)) <=> 0);
  }
  const bool plain = a.kind == ValueKind::Bool || a.kind == ValueKind::Status || a.kind == ValueKind::Kind;
  if (!plain || a.kind != b.kind) return false;
  if (op == BinaryOp::Equal) return a.bits == b.bits;
  return op == BinaryOp::NotEqual && a.bits != b.bits;
}

bool passes_many(BinaryOp op, const Operand& left, Value a, const Operand& right, Value b, bool& gave_up) {
  const bool wants_all = op == BinaryOp::NotEqual;
  uint64_t pairs = 0;
  const auto pair_of_groups = [&](std::span<const Value> as, std::span<const Value> bs) {
    for (const Value x : as) {
      for (const Value y : bs) {
        if (++pairs > kPairsMax) {
          gave_up = true;
          return false;
        }
        if (passes(op, left, x, right, y) != wants_all) return !wants_all;
      }
    }
    return wants_all;
  };
  return any_group(left.column, a, [&](std::span<const Value> as) {
    return !gave_up && any_group(right.column, b, [&](std::span<const Value> bs) { return pair_of_groups(as, bs); });
  });
}

Value calculate(BinaryOp op, Value a, Value b) {
  if (a.kind == ValueKind::Ownerless || b.kind == ValueKind::Ownerless) return {ValueKind::Ownerless, 0};
  if (!is_number(a.kind) || !is_number(b.kind)) return {};
  if (a.kind == ValueKind::Int && b.kind == ValueKind::Int) return calculate_ints(op, as_int(a), as_int(b));
  return calculate_floats(op, as_float(a), as_float(b));
}

Value negate(Value value) {
  if (value.kind == ValueKind::Float) return of_float(-as_float(value));
  if (value.kind == ValueKind::Int) return calculate_ints(BinaryOp::Subtract, 0, as_int(value));
  return {value.kind == ValueKind::Ownerless ? ValueKind::Ownerless : ValueKind::Nil, 0};
}

void calculate(BinaryOp op, const ValueColumn& left, const ValueColumn& right, ValueColumn& out) {
  out.reset(left.size);
  for (size_t i = 0; i < left.size; ++i) {
    const Value a = left.get(i);
    const Value b = right.get(i);
    if (a.kind != ValueKind::Many && b.kind != ValueKind::Many) [[likely]] {
      out.set(i, calculate(op, a, b));
      continue;
    }
    const size_t first = out.groups.size();
    any_group(left, a, [&](std::span<const Value> as) {
      return any_group(right, b, [&](std::span<const Value> bs) {
        out.open_group();
        for (const Value x : as) {
          for (const Value y : bs) {
            out.add_element(calculate(op, x, y));
            if (out.overflowed) return true;
          }
        }
        return false;
      });
    });
    if (out.overflowed) return;
    out.close_groups(i, first, ValueKind::Nil);
  }
}

void negate(const ValueColumn& operand, ValueColumn& out) {
  out.reset(operand.size);
  for (size_t i = 0; i < operand.size && !out.overflowed; ++i) {
    const Value value = operand.get(i);
    if (value.kind != ValueKind::Many) {
      out.set(i, negate(value));
      continue;
    }
    const size_t first = out.groups.size();
    for (const Group& group : operand.groups_of(value)) {
      out.open_group();
      for (const Value element : operand.elements_of(group)) out.add_element(negate(element));
    }
    out.close_groups(i, first, ValueKind::Nil);
  }
}

}  // namespace clew::eval
