// SPDX-License-Identifier: Apache-2.0
#include "scan/leaves.h"

#include <algorithm>

#include "eval/column_view.h"

namespace clew::scan {
namespace {

using query::BinaryOp;
using query::FieldExpr;
using query::FieldPtr;

bool speaks_of_trace(const FieldExpr& expression) {
  if (const auto* intrinsic = std::get_if<query::Intrinsic>(&expression.node)) return eval::is_of_trace(*intrinsic);
  if (const auto* unary = std::get_if<query::Unary>(&expression.node)) return speaks_of_trace(*unary->operand);
  const auto* binary = std::get_if<query::Binary>(&expression.node);
  return binary != nullptr && (speaks_of_trace(*binary->left) || speaks_of_trace(*binary->right));
}

FieldPtr copy_with(const FieldExpr& from, decltype(FieldExpr::node) node) {
  FieldExpr made;
  made.node = std::move(node);
  made.type = from.type;
  made.height = from.height;
  made.offset = from.offset;
  return std::make_unique<const FieldExpr>(std::move(made));
}

FieldPtr copy(const FieldExpr& from) {
  if (const auto* unary = std::get_if<query::Unary>(&from.node)) {
    return copy_with(from, query::Unary{unary->op, copy(*unary->operand)});
  }
  if (const auto* binary = std::get_if<query::Binary>(&from.node)) {
    return copy_with(from, query::Binary{binary->op, copy(*binary->left), copy(*binary->right)});
  }
  if (const auto* literal = std::get_if<query::Literal>(&from.node)) return copy_with(from, *literal);
  if (const auto* attribute = std::get_if<query::Attribute>(&from.node)) return copy_with(from, *attribute);
  return copy_with(from, std::get<query::Intrinsic>(from.node));
}

// A copy that is true of every span that `from` is true of (if `wanted`), or false of every one that it is false of.
FieldPtr local_copy(const FieldExpr& from, bool wanted) {
  if (const auto* unary = std::get_if<query::Unary>(&from.node); unary != nullptr && unary->op == query::UnaryOp::Not) {
    return copy_with(from, query::Unary{unary->op, local_copy(*unary->operand, !wanted)});
  }
  const auto* binary = std::get_if<query::Binary>(&from.node);
  if (binary != nullptr && (binary->op == BinaryOp::And || binary->op == BinaryOp::Or)) {
    return copy_with(from,
                     query::Binary{binary->op, local_copy(*binary->left, wanted), local_copy(*binary->right, wanted)});
  }
  if (speaks_of_trace(from)) {
    FieldExpr truth;
    truth.node = query::Literal(wanted);
    truth.type = query::Type::Bool;
    return std::make_unique<const FieldExpr>(std::move(truth));
  }
  return copy(from);
}

void collect_attributes(const FieldExpr& expression, std::vector<query::Attribute>& out) {
  if (const auto* attribute = std::get_if<query::Attribute>(&expression.node)) {
    if (std::ranges::find(out, *attribute) == out.end()) out.push_back(*attribute);
  } else if (const auto* unary = std::get_if<query::Unary>(&expression.node)) {
    collect_attributes(*unary->operand, out);
  } else if (const auto* binary = std::get_if<query::Binary>(&expression.node)) {
    collect_attributes(*binary->left, out);
    collect_attributes(*binary->right, out);
  }
}

void collect_attributes(const query::SpansetExpr& expression, std::vector<query::Attribute>& out) {
  if (const auto* filter = std::get_if<query::Filter>(&expression.node)) {
    collect_attributes(*filter->condition, out);
  } else {
    const auto& join = std::get<query::Join>(expression.node);
    collect_attributes(*join.left, out);
    collect_attributes(*join.right, out);
  }
}

}  // namespace

Leaves::Leaves(const query::Query& query) : query_(query) {
  collect(*query.spans);
  for (const FieldExpr* condition : conditions_) {
    query::SpansetExpr filter;
    filter.node = query::Filter{local_copy(*condition, true)};
    locals_.push_back(query::Query{std::make_unique<const query::SpansetExpr>(std::move(filter))});
  }
}

void Leaves::collect(const query::SpansetExpr& expression) {
  if (const auto* filter = std::get_if<query::Filter>(&expression.node)) {
    if (conditions_.size() == kLeavesMax) return;
    conditions_.push_back(filter->condition.get());
    filters_.push_back(&expression);
  } else {
    const auto& join = std::get<query::Join>(expression.node);
    collect(*join.left);
    collect(*join.right);
  }
}

bool Leaves::may_match(const query::SpansetExpr& expression, uint64_t leaves) const {
  if (const auto* join = std::get_if<query::Join>(&expression.node)) {
    const bool left = may_match(*join->left, leaves);
    if (join->op == query::SpansetOp::Or) return left || may_match(*join->right, leaves);
    return left && may_match(*join->right, leaves);
  }
  const auto at = std::ranges::find(filters_, &expression);
  return at == filters_.end() || (leaves >> (at - filters_.begin()) & 1) != 0;
}

std::vector<query::Attribute> mentioned_attributes(const query::Query& query) {
  std::vector<query::Attribute> attributes;
  collect_attributes(*query.spans, attributes);
  return attributes;
}

}  // namespace clew::scan
