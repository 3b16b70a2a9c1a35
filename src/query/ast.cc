// SPDX-License-Identifier: Apache-2.0
//
// Structural equality. It recurses along the tree, whose height the parser has bounded by kHeightMax.
#include "query/ast.h"

namespace clew::query {

namespace {

bool operator==(const Unary& a, const Unary& b) { return a.op == b.op && *a.operand == *b.operand; }

bool operator==(const Binary& a, const Binary& b) { return a.op == b.op && *a.left == *b.left && *a.right == *b.right; }

bool operator==(const Filter& a, const Filter& b) { return *a.condition == *b.condition; }

bool operator==(const Join& a, const Join& b) { return a.op == b.op && *a.left == *b.left && *a.right == *b.right; }

template <class Variant>
bool same(const Variant& a, const Variant& b) {
  if (a.index() != b.index()) return false;
  return std::visit([&b]<class Node>(const Node& node) { return node == std::get<Node>(b); }, a);
}

}  // namespace

bool operator==(const FieldExpr& a, const FieldExpr& b) { return a.type == b.type && same(a.node, b.node); }

bool operator==(const SpansetExpr& a, const SpansetExpr& b) { return same(a.node, b.node); }

bool operator==(const Query& a, const Query& b) { return *a.spans == *b.spans; }

}  // namespace clew::query
