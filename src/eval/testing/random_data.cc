// SPDX-License-Identifier: Apache-2.0
#include "eval/testing/random_data.h"

#include <array>
#include <cstdlib>
#include <limits>
#include <memory>

namespace clew::eval::testing {
namespace {

using query::BinaryOp;
using query::FieldExpr;
using query::FieldPtr;
using query::Intrinsic;
using query::Literal;
using query::Scope;
using query::SpansetOp;
using query::Type;
using query::UnaryOp;

const std::array<std::string, 4> kKeys = {"a", "b", "c", "service.name"};
const std::array<std::string, 6> kTexts = {"", "x", "y", "xy", "500", "line\nbreak"};
const std::array<int64_t, 8> kInts = {
    0, 1, 2, 3, -1, 500, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
const std::array<double, 7> kFloats = {
    0.0, 1.0, 1.5, 2.0, 500.0, 9223372036854775808.0, std::numeric_limits<double>::quiet_NaN()};
const std::array<std::string, 6> kPatterns = {"x", "x|y", ".*", "x.*", ".+", "[^x]"};

constexpr UnixNanos kStart = 1'700'000'000'000'000'000;
constexpr uint64_t kIds = 14;

bool chance(Random& random, uint64_t one_in) { return random() % one_in == 0; }

template <class List>
const auto& pick(Random& random, const List& list) {
  return list[random() % list.size()];
}

PlainValue random_scalar(Random& random) {
  switch (random() % 5) {
    case 0:
      return PlainValue::of(chance(random, 2));
    case 1:
      return PlainValue::of(pick(random, kFloats));
    case 2:
      return PlainValue::of(pick(random, kTexts));
    case 3:
      return PlainValue::of(pick(random, kInts));
    default:
      return PlainValue::of(static_cast<int64_t>(random() % 4));
  }
}

PlainValue random_array(Random& random) {
  std::vector<PlainValue> values;
  const size_t count = random() % 4;
  for (size_t i = 0; i < count; ++i) {
    PlainValue value = random_scalar(random);
    while (!chance(random, 10) && i > 0 && value.type != values[0].type) value = random_scalar(random);
    values.push_back(chance(random, 30) ? PlainValue::bytes("x") : std::move(value));
  }
  return PlainValue::array(std::move(values));
}

PlainValue random_value(Random& random) {
  switch (random() % 24) {
    case 0:
      return PlainValue::empty();
    case 1:
      return PlainValue::bytes("x");
    case 2:
      return PlainValue::list_of_pairs();
    case 3:
    case 4:
    case 5:
      return random_array(random);
    default:
      return random_scalar(random);
  }
}

PlainAttributes random_attributes(Random& random) {
  PlainAttributes attributes;
  const size_t count = random() % 4;
  for (size_t i = 0; i < count; ++i) attributes.push_back({pick(random, kKeys), random_value(random)});
  return attributes;
}

PlainSpan random_span(Random& random, model::TraceId trace_id) {
  PlainSpan span;
  span.trace_id = trace_id;
  span.span_id = {1 + random() % kIds};
  span.parent_id = {random() % (kIds + 2)};
  span.name = pick(random, kTexts);
  span.kind = static_cast<int32_t>(random() % 7);
  span.status = static_cast<int32_t>(random() % 4);
  span.status_message = pick(random, kTexts);
  span.start = kStart + random() % 20;
  span.end = kStart + random() % 30;
  span.attributes = random_attributes(random);
  span.resource = random_attributes(random);
  span.scope_name = pick(random, kTexts);
  span.scope_version = pick(random, kTexts);
  span.scope = random_attributes(random);
  for (size_t i = random() % 6; i > 3; --i)
    span.events.push_back({kStart + random() % 20, pick(random, kTexts), random_attributes(random)});
  for (size_t i = random() % 6; i > 3; --i)
    span.links.push_back({{random() % 3, 1 + random() % 3}, {1 + random() % 5}, random_attributes(random)});
  return span;
}

// Builds trees; every leaf and operator has the type asked for, or Unknown.
class QueryMaker {
 public:
  explicit QueryMaker(Random& random) : random_(random) {}

  query::SpansetPtr spanset(int depth) {
    query::SpansetExpr expression;
    if (depth == 0 || chance(random_, 3)) {
      expression.node = query::Filter{condition(3)};
    } else {
      auto left = spanset(depth - 1);
      auto right = spanset(depth - 1);
      expression.height = static_cast<uint16_t>(1 + std::max(left->height, right->height));
      expression.node = query::Join{static_cast<SpansetOp>(random_() % 7), std::move(left), std::move(right)};
    }
    return std::make_unique<const query::SpansetExpr>(std::move(expression));
  }

 private:
  static FieldPtr leaf(auto node, Type type) {
    FieldExpr expression;
    expression.node = std::move(node);
    expression.type = type;
    return std::make_unique<const FieldExpr>(std::move(expression));
  }
  static FieldPtr unary(UnaryOp op, FieldPtr operand, Type type) {
    return leaf(query::Unary{op, std::move(operand)}, type);
  }
  static FieldPtr binary(BinaryOp op, FieldPtr left, FieldPtr right, Type type) {
    return leaf(query::Binary{op, std::move(left), std::move(right)}, type);
  }

  FieldPtr attribute() {
    return leaf(query::Attribute{static_cast<Scope>(random_() % 6), pick(random_, kKeys)}, Type::Unknown);
  }

  FieldPtr condition(int depth) {
    if (depth > 0) {
      switch (random_() % 8) {
        case 0:
        case 1:
          return binary(BinaryOp::And, condition(depth - 1), condition(depth - 1), Type::Bool);
        case 2:
        case 3:
          return binary(BinaryOp::Or, condition(depth - 1), condition(depth - 1), Type::Bool);
        case 4:
          return unary(UnaryOp::Not, condition(depth - 1), Type::Bool);
        default:
          break;
      }
    }
    switch (random_() % 12) {
      case 0:
        return attribute();
      case 1:
        return leaf(Literal(chance(random_, 2)), Type::Bool);
      case 2:
        return unary(chance(random_, 2) ? UnaryOp::Exists : UnaryOp::Absent, attribute(), Type::Bool);
      case 3:
        return unary(UnaryOp::Exists, intrinsic(), Type::Bool);
      case 4:
        return binary(chance(random_, 2) ? BinaryOp::Match : BinaryOp::NotMatch, text(false),
                      leaf(Literal(pick(random_, kPatterns)), Type::String), Type::Bool);
      case 5:
      case 6:
        return compared(text(true), text(true), 6);
      case 7:
        return compared(attribute(), leaf(Literal(chance(random_, 2)), Type::Bool), 2);
      case 8:
        return compared(leaf(chance(random_, 2) ? Intrinsic::SpanStatus : Intrinsic::SpanKind, Type::Status),
                        chance(random_, 2) ? attribute() : enum_literal(), 2);
      case 9:
        return compared(attribute(), attribute(), 6);
      default:
        return compared(number(2), number(2), 6);
    }
  }

  // One of the first `ops` comparisons.
  FieldPtr compared(FieldPtr left, FieldPtr right, uint64_t ops) {
    const auto first = static_cast<uint64_t>(BinaryOp::Equal);
    if (chance(random_, 2)) std::swap(left, right);
    return binary(static_cast<BinaryOp>(first + random_() % ops), std::move(left), std::move(right), Type::Bool);
  }

  FieldPtr enum_literal() {
    if (chance(random_, 2)) return leaf(Literal(static_cast<query::Status>(random_() % 3)), Type::Status);
    return leaf(Literal(static_cast<query::Kind>(random_() % 6)), Type::Kind);
  }

  FieldPtr intrinsic() { return leaf(static_cast<Intrinsic>(random_() % query::kIntrinsicCount), Type::Unknown); }

  FieldPtr text(bool literals) {
    static constexpr std::array kIntrinsics = {
        Intrinsic::SpanName,     Intrinsic::SpanStatusMessage,   Intrinsic::SpanId,
        Intrinsic::SpanParentId, Intrinsic::TraceRootName,       Intrinsic::TraceRootService,
        Intrinsic::TraceId,      Intrinsic::EventName,           Intrinsic::LinkTraceId,
        Intrinsic::LinkSpanId,   Intrinsic::InstrumentationName, Intrinsic::InstrumentationVersion};
    switch (random_() % (literals ? 4 : 2)) {
      case 0:
        return attribute();
      case 1:
        return leaf(pick(random_, kIntrinsics), Type::String);
      case 2: {
        const uint64_t id = 1 + random_() % 5;
        return leaf(Literal(chance(random_, 2) ? model::SpanId{id}.hex() : std::to_string(id)), Type::String);
      }
      default:
        return leaf(Literal(chance(random_, 8) ? std::string("nowhere") : pick(random_, kTexts)), Type::String);
    }
  }

  FieldPtr number(int depth) {
    static constexpr std::array kIntrinsics = {
        Intrinsic::SpanDuration,  Intrinsic::SpanChildCount,  Intrinsic::NestedSetLeft,      Intrinsic::NestedSetRight,
        Intrinsic::TraceDuration, Intrinsic::NestedSetParent, Intrinsic::EventTimeSinceStart};
    if (depth > 0 && chance(random_, 3)) {
      if (chance(random_, 6)) return unary(UnaryOp::Negate, number(depth - 1), Type::Unknown);
      const auto first = static_cast<uint64_t>(BinaryOp::Add);
      return binary(static_cast<BinaryOp>(first + random_() % 6), number(depth - 1), number(depth - 1), Type::Unknown);
    }
    switch (random_() % 6) {
      case 0:
      case 1:
        return attribute();
      case 2:
        return leaf(pick(random_, kIntrinsics), Type::Int);
      case 3:
        return leaf(Literal(pick(random_, kFloats)), Type::Float);
      case 4:
        return leaf(Literal(query::Duration{static_cast<int64_t>(random_() % 20)}), Type::Duration);
      default:
        return leaf(Literal(pick(random_, kInts)), Type::Int);
    }
  }

  Random& random_;
};

}  // namespace

uint64_t seed_of_run() {
  const char* given = std::getenv("CLEW_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

std::vector<PlainSpan> random_trace(Random& random, model::TraceId id) {
  std::vector<PlainSpan> spans;
  const size_t count = 1 + random() % 12;
  const bool is_tree = !chance(random, 4);
  for (size_t i = 0; i < count; ++i) {
    PlainSpan span = random_span(random, id);
    if (is_tree) {
      span.span_id = {i + 1};
      span.parent_id = {chance(random, 8) ? 99 : random() % (i + 1)};
    }
    spans.push_back(std::move(span));
  }
  if (chance(random, 2)) std::shuffle(spans.begin(), spans.end(), random);
  return spans;
}

query::Query random_query(Random& random) { return query::Query{QueryMaker(random).spanset(2)}; }

}  // namespace clew::eval::testing
