// SPDX-License-Identifier: Apache-2.0
//
// Binding a condition to a view: fields get their numbers, literals their codes, patterns are compiled. A comparison
// with a literal is turned so that the literal stands right. Beside an intrinsic that is an id, a literal that spells
// an id in any usual way becomes that id.
#include "eval/condition.h"

#include <bit>

namespace clew::eval {

using query::BinaryOp;
using query::FieldExpr;
using query::Intrinsic;
using query::Literal;

namespace {

BinaryOp turned(BinaryOp op) {
  switch (op) {
    case BinaryOp::Less:
      return BinaryOp::Greater;
    case BinaryOp::LessEqual:
      return BinaryOp::GreaterEqual;
    case BinaryOp::Greater:
      return BinaryOp::Less;
    case BinaryOp::GreaterEqual:
      return BinaryOp::LessEqual;
    default:
      return op;
  }
}

// Whether the answer of `nestedSetParent op number` is the same for all positive left sides.
bool tells_only_tops(BinaryOp op, int64_t number) {
  return number <= (op == BinaryOp::Less || op == BinaryOp::GreaterEqual ? 1 : 0);
}

bool is_comparison(BinaryOp op) { return op >= BinaryOp::Equal && op <= BinaryOp::NotMatch; }
bool is_equality(BinaryOp op) { return op == BinaryOp::Equal || op == BinaryOp::NotEqual; }

}  // namespace

Result<Condition> Condition::bind(const FieldExpr& expression, ColumnView& view, TraceFacts& facts) {
  Condition condition(view, facts);
  condition.root_ = TRY(condition.bind_node(expression));
  return condition;
}

bool Condition::is_nil_everywhere(uint32_t node) const {
  return nodes_[node].op == Op::Field && !view_->facts(nodes_[node].field).may_exist;
}

// Whether the condition `node`, whose operands are bound, can be seen to be false of every span.
bool Condition::finds_nothing(const Node& node) const {
  switch (node.op) {
    case Op::And:
      return nodes_[node.left].never || nodes_[node.right].never;
    case Op::Compare:
      return is_nil_everywhere(node.left) || is_nil_everywhere(node.right);
    case Op::Test:
    case Op::Exists:
      return is_nil_everywhere(node.left);
    case Op::CompareConstant: {
      if (is_nil_everywhere(node.left)) return true;
      const Node& field = nodes_[node.left];
      // A text that no dictionary holds can be a Text only.
      return node.operation == BinaryOp::Equal && field.op == Op::Field &&
             nodes_[node.right].constant.get(0).kind == ValueKind::Text && !view_->facts(field.field).may_be_text;
    }
    default:
      return false;
  }
}

Condition::Node& Condition::add(Op op) {
  nodes_.emplace_back();
  nodes_.back().op = op;
  return nodes_.back();
}

Result<uint32_t> Condition::bind_node(const FieldExpr& expression) {
  if (const auto* unary = std::get_if<query::Unary>(&expression.node)) return bind_unary(*unary);
  if (const auto* binary = std::get_if<query::Binary>(&expression.node)) return bind_binary(*binary);
  if (const auto* literal = std::get_if<Literal>(&expression.node)) {
    bind_constant(*literal, std::nullopt);
  } else if (const auto* attribute = std::get_if<query::Attribute>(&expression.node)) {
    Node& node = add(Op::Field);
    node.field = view_->bind(*attribute);
    node.cached = view_->facts(node.field).may_exist;
  } else {
    bind_intrinsic(std::get<Intrinsic>(expression.node));
  }
  return last();
}

void Condition::bind_intrinsic(Intrinsic intrinsic) {
  if (is_of_trace(intrinsic)) {
    add(Op::TraceField).intrinsic = intrinsic;
    needs_tree_ |= intrinsic != Intrinsic::TraceDuration;
  } else {
    add(Op::Field).field = view_->bind(intrinsic);
  }
}

void Condition::bind_constant(const Literal& literal, std::optional<Intrinsic> compared_with) {
  Node& node = add(Op::Constant);
  node.constant.reset(1);
  Value value;
  if (const auto* truth = std::get_if<bool>(&literal)) {
    value = {ValueKind::Bool, *truth};
  } else if (const auto* integer = std::get_if<int64_t>(&literal)) {
    value = {ValueKind::Int, static_cast<uint64_t>(*integer)};
  } else if (const auto* number = std::get_if<double>(&literal)) {
    value = {ValueKind::Float, std::bit_cast<uint64_t>(*number)};
  } else if (const auto* duration = std::get_if<query::Duration>(&literal)) {
    value = {ValueKind::Int, static_cast<uint64_t>(duration->nanos)};
  } else if (const auto* status = std::get_if<query::Status>(&literal)) {
    value = {ValueKind::Status, static_cast<uint64_t>(*status)};
  } else if (const auto* kind = std::get_if<query::Kind>(&literal)) {
    value = {ValueKind::Kind, static_cast<uint64_t>(*kind)};
  } else if (const auto* text = std::get_if<std::string>(&literal)) {
    node.text = *text;
    const bool is_span_id = compared_with == Intrinsic::SpanId || compared_with == Intrinsic::SpanParentId ||
                            compared_with == Intrinsic::LinkSpanId;
    const bool is_trace_id = compared_with == Intrinsic::TraceId || compared_with == Intrinsic::LinkTraceId;
    const auto span_id = is_span_id ? model::SpanId::parse(*text) : std::nullopt;
    const auto trace_id = is_trace_id ? model::TraceId::parse(*text) : std::nullopt;
    if (span_id || (is_span_id && text->empty())) {
      value = {ValueKind::SpanId, span_id ? span_id->value : 0};
    } else if (trace_id) {
      value = node.constant.trace_id(*trace_id);
    } else if (const auto code = view_->code(*text)) {
      value = {ValueKind::String, *code};
    } else {
      value = node.constant.text(node.text);
    }
  }
  node.constant.set(0, value);
}

Result<uint32_t> Condition::bind_unary(const query::Unary& unary) {
  const uint32_t operand = TRY(bind_node(*unary.operand));
  Op op = Op::Not;
  switch (unary.op) {
    case query::UnaryOp::Not:
      op = Op::Not;
      break;
    case query::UnaryOp::Negate:
      op = Op::Negate;
      break;
    case query::UnaryOp::Exists:
      op = Op::Exists;
      break;
    case query::UnaryOp::Absent:
      op = Op::Absent;
      break;
  }
  Node& node = add(op);
  node.left = operand;
  node.never = finds_nothing(node);
  return last();
}

Result<uint32_t> Condition::bind_binary(const query::Binary& binary) {
  if (is_comparison(binary.op)) {
    if (const auto* right = std::get_if<Literal>(&binary.right->node)) {
      return bind_comparison(binary.op, *binary.left, *right);
    }
    if (const auto* left = std::get_if<Literal>(&binary.left->node)) {
      return bind_comparison(turned(binary.op), *binary.right, *left);
    }
  }
  const uint32_t left = TRY(bind_node(*binary.left));
  const uint32_t right = TRY(bind_node(*binary.right));
  if (binary.op == BinaryOp::Or) {  // a long list of texts shrinks to those that are there
    if (nodes_[left].never) return right;
    if (nodes_[right].never) return left;
  }
  const Op op = binary.op == BinaryOp::And  ? Op::And
                : binary.op == BinaryOp::Or ? Op::Or
                : is_comparison(binary.op)  ? Op::Compare
                                            : Op::Calculate;
  Node& node = add(op);
  node.operation = binary.op;
  node.left = left;
  node.right = right;
  node.never = finds_nothing(node);
  return last();
}

Result<uint32_t> Condition::bind_comparison(BinaryOp op, const FieldExpr& left, const Literal& right) {
  const auto* text = std::get_if<std::string>(&right);
  const uint32_t operand = TRY(bind_node(left));
  if (text != nullptr && !is_equality(op)) {
    TextTest test = TRY(TextTest::create(op, *text));
    Node& node = add(Op::Test);
    node.left = operand;
    node.test = std::move(test);
    node.never = finds_nothing(node);
    return last();
  }
  const auto* intrinsic = std::get_if<Intrinsic>(&left.node);
  bind_constant(right, intrinsic != nullptr ? std::optional(*intrinsic) : std::nullopt);
  const uint32_t constant = last();
  if (const auto* number = std::get_if<int64_t>(&right)) {
    nodes_[operand].coarse =
        intrinsic != nullptr && *intrinsic == Intrinsic::NestedSetParent && tells_only_tops(op, *number);
  }
  Node& node = add(Op::CompareConstant);
  node.operation = op;
  node.left = operand;
  node.right = constant;
  node.never = finds_nothing(node);
  return last();
}

}  // namespace clew::eval
