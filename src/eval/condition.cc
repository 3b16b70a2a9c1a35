// SPDX-License-Identifier: Apache-2.0
//
// Running a bound condition. Every operator is a loop over a list of spans; a list of survivors is written without
// branches, because whether a span survives is what the processor cannot guess. Recursion follows the query's tree,
// whose height has a limit (query::kHeightMax).
#include "eval/condition.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace clew::eval {
namespace {

using query::BinaryOp;

constexpr uint32_t bit(ValueKind kind) { return 1u << static_cast<uint32_t>(kind); }
constexpr uint32_t kTextBits =
    bit(ValueKind::String) | bit(ValueKind::Text) | bit(ValueKind::SpanId) | bit(ValueKind::TraceId);

// Keeps the spans whose value is of kind `fast` and passes `pass`; those of a kind in the set `slow` are asked about
// one by one.
template <class Pass, class PassSlowly>
void keep(const ValueColumn& column, const Selection& in, SelectionList& out, ValueKind fast, uint32_t slow, Pass pass,
          PassSlowly pass_slowly) {
  for (size_t i = 0; i < in.size(); ++i) {
    const ValueKind kind = column.kinds[i];
    bool passes = (kind == fast) & pass(column.bits[i]);
    if ((bit(kind) & slow) != 0) [[unlikely]]
      passes = pass_slowly(column.get(i));
    out.add(in.positions[i], in.rows[i], passes);
  }
}

// Calls run(compare) with a function object for the comparison `op` of two T.
template <class T, class Run>
void with_comparison(BinaryOp op, Run run) {
  switch (op) {
    case BinaryOp::Equal:
      return run(std::equal_to<T>());
    case BinaryOp::NotEqual:
      return run(std::not_equal_to<T>());
    case BinaryOp::Less:
      return run(std::less<T>());
    case BinaryOp::LessEqual:
      return run(std::less_equal<T>());
    case BinaryOp::Greater:
      return run(std::greater<T>());
    case BinaryOp::GreaterEqual:
      return run(std::greater_equal<T>());
    default:
      CHECK(false);
  }
}

// Keeps the spans whose value in `left` stands in relation `op` to the constant in `right`.
void keep_compared(BinaryOp op, const Operand& left, const Operand& right, const Selection& in, SelectionList& out,
                   bool& gave_up) {
  const Value constant = right.column.get(0);
  const auto slowly = [&](Value value) { return passes_many(op, left, value, right, constant, gave_up); };
  const uint32_t many = bit(ValueKind::Many);
  const auto by_bits = [&](ValueKind fast, uint32_t slow, uint64_t bits) {
    if (op == BinaryOp::Equal) {
      keep(left.column, in, out, fast, slow, [bits](uint64_t v) { return v == bits; }, slowly);
    } else if (op == BinaryOp::NotEqual) {
      keep(left.column, in, out, fast, slow, [bits](uint64_t v) { return v != bits; }, slowly);
    } else {
      keep(left.column, in, out, ValueKind::Ownerless, slow, [](uint64_t) { return false; }, slowly);
    }
  };
  switch (constant.kind) {
    case ValueKind::Int:
      return with_comparison<int64_t>(op, [&](auto compare) {
        const auto pass = [&](uint64_t v) {
          return compare(static_cast<int64_t>(v), static_cast<int64_t>(constant.bits));
        };
        keep(left.column, in, out, ValueKind::Int, bit(ValueKind::Float) | many, pass, slowly);
      });
    case ValueKind::Float:
      return with_comparison<double>(op, [&](auto compare) {
        const auto number = std::bit_cast<double>(constant.bits);
        const auto pass = [&](uint64_t v) { return compare(std::bit_cast<double>(v), number); };
        keep(left.column, in, out, ValueKind::Float, bit(ValueKind::Int) | many, pass, slowly);
      });
    case ValueKind::String:
    case ValueKind::Text: {  // a Text is in no dictionary, so it differs from every code
      const uint64_t code = constant.kind == ValueKind::String ? constant.bits : UINT64_MAX;
      return by_bits(ValueKind::String, (kTextBits & ~bit(ValueKind::String)) | many, code);
    }
    case ValueKind::SpanId:
      return by_bits(ValueKind::SpanId, (kTextBits & ~bit(ValueKind::SpanId)) | many, constant.bits);
    case ValueKind::TraceId:
      return by_bits(ValueKind::TraceId, kTextBits | many, 0);
    default:
      return by_bits(constant.kind, many, constant.bits);
  }
}

bool is_true(Value value) { return value.kind == ValueKind::Bool && value.bits != 0; }
bool exists(Value value) { return value.kind != ValueKind::Nil && value.kind != ValueKind::Ownerless; }
bool is_nil(Value value) { return value.kind == ValueKind::Nil; }

// Keeps the spans with a value for which `pass` is true, in whichever group.
template <class Pass>
void keep_any(const ValueColumn& column, const Selection& in, SelectionList& out, Pass pass) {
  for (size_t i = 0; i < in.size(); ++i) {
    const bool passes = any_group(column, column.get(i),
                                  [&](std::span<const Value> group) { return std::ranges::any_of(group, pass); });
    out.add(in.positions[i], in.rows[i], passes);
  }
}

// out = the spans of `in` that are not in `some`, a part of `in`.
void subtract(const Selection& in, const Selection& some, SelectionList& out) {
  out.reset(in.size());
  size_t next = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    const bool there = next < some.size() && some.positions[next] == in.positions[i];
    next += static_cast<size_t>(there);
    out.add(in.positions[i], in.rows[i], !there);
  }
}

}  // namespace

std::unique_ptr<ValueColumn> Condition::take_column() {
  if (free_columns_.empty()) return std::make_unique<ValueColumn>();
  auto column = std::move(free_columns_.back());
  free_columns_.pop_back();
  return column;
}

std::unique_ptr<SelectionList> Condition::take_list() {
  if (free_lists_.empty()) return std::make_unique<SelectionList>();
  auto list = std::move(free_lists_.back());
  free_lists_.pop_back();
  return list;
}

bool Condition::select(const Selection& in, SelectionList& out) {
  DCHECK(in.size() <= kSpansMax);
  overflowed_ = false;
  select_node(root_, in, out);
  return !overflowed_;
}

bool Condition::is_always_true() const {
  return nodes_[root_].op == Op::Constant && is_true(nodes_[root_].constant.get(0));
}

void Condition::append_cached_fields(std::vector<FieldId>& fields) const {
  for (const Node& node : nodes_) {
    if (node.cached) fields.push_back(node.field);
  }
}

uint64_t Condition::pattern_bytes() const {
  uint64_t bytes = 0;
  for (const Node& node : nodes_) {
    if (node.test) bytes += TextTest::kUsualBytes;
  }
  return bytes;
}

void Condition::select_node(uint32_t index, const Selection& in, SelectionList& out) {
  out.reset(in.size());
  Node& node = nodes_[index];
  if (in.size() == 0 || overflowed_ || node.never) return;
  switch (node.op) {
    case Op::And:
      return select_and(node, in, out);
    case Op::Or:
      return select_or(node, in, out);
    case Op::Not:
      return select_not(node, in, out);
    case Op::Compare:
    case Op::CompareConstant:
      return select_compare(node, in, out);
    case Op::Test:
      return select_test(node, in, out);
    case Op::Exists:
    case Op::Absent:
      return select_present(node, in, out);
    default:
      return select_true(index, in, out);
  }
}

void Condition::select_and(const Node& node, const Selection& in, SelectionList& out) {
  auto kept = take_list();
  select_node(node.left, in, *kept);
  select_node(node.right, kept->view(), out);
  give(std::move(kept));
}

void Condition::select_or(const Node& node, const Selection& in, SelectionList& out) {
  auto left = take_list();
  auto rest = take_list();
  auto right = take_list();
  select_node(node.left, in, *left);
  subtract(in, left->view(), *rest);
  select_node(node.right, rest->view(), *right);
  size_t i = 0;
  size_t j = 0;
  while (i < left->size || j < right->size) {
    const bool from_left = j == right->size || (i < left->size && left->positions[i] < right->positions[j]);
    const SelectionList& from = from_left ? *left : *right;
    const size_t at = from_left ? i++ : j++;
    out.add(from.positions[at], from.rows[at], true);
  }
  give(std::move(left));
  give(std::move(rest));
  give(std::move(right));
}

void Condition::select_not(const Node& node, const Selection& in, SelectionList& out) {
  auto kept = take_list();
  select_node(node.left, in, *kept);
  subtract(in, kept->view(), out);
  give(std::move(kept));
}

void Condition::select_compare(const Node& node, const Selection& in, SelectionList& out) {
  auto left = take_column();
  if (evaluate(node.left, in, *left)) {
    if (node.op == Op::CompareConstant) {
      keep_compared(node.operation, {*view_, *left}, {*view_, nodes_[node.right].constant}, in, out, gave_up_);
    } else {
      auto right = take_column();
      if (evaluate(node.right, in, *right)) {
        const Operand a{*view_, *left};
        const Operand b{*view_, *right};
        for (size_t i = 0; i < in.size(); ++i) {
          const bool passes = passes_many(node.operation, a, left->get(i), b, right->get(i), gave_up_);
          out.add(in.positions[i], in.rows[i], passes);
        }
      }
      give(std::move(right));
    }
  }
  give(std::move(left));
}

void Condition::select_test(Node& node, const Selection& in, SelectionList& out) {
  auto column = take_column();
  if (evaluate(node.left, in, *column)) {
    TextTest& test = *node.test;
    const Operand operand{*view_, *column};
    const auto passes = [&](Value value) {
      if (value.kind == ValueKind::String) return test.passes(static_cast<StringCode>(value.bits), *view_);
      IdText room;
      return is_text(value.kind) && test.passes(text_of(operand, value, room));
    };
    for (size_t i = 0; i < in.size(); ++i) {
      const bool keeps = any_group(*column, column->get(i), [&](std::span<const Value> group) {
        return test.wants_all() ? std::ranges::all_of(group, passes) : std::ranges::any_of(group, passes);
      });
      out.add(in.positions[i], in.rows[i], keeps);
    }
  }
  give(std::move(column));
}

void Condition::select_present(const Node& node, const Selection& in, SelectionList& out) {
  auto column = take_column();
  if (evaluate(node.left, in, *column)) keep_any(*column, in, out, node.op == Op::Exists ? exists : is_nil);
  give(std::move(column));
}

void Condition::select_true(uint32_t node, const Selection& in, SelectionList& out) {
  auto column = take_column();
  if (evaluate(node, in, *column)) keep_any(*column, in, out, is_true);
  give(std::move(column));
}

bool Condition::evaluate(uint32_t index, const Selection& in, ValueColumn& out) {
  const Node& node = nodes_[index];
  out.overflowed = false;
  switch (node.op) {
    case Op::Constant:
      out.reset(in.size());
      out.texts = node.constant.texts;
      out.trace_ids = node.constant.trace_ids;
      for (size_t i = 0; i < in.size(); ++i) out.set(i, node.constant.get(0));
      break;
    case Op::Field:
      view_->read(node.field, in.rows, out);
      break;
    case Op::TraceField:
      if (node.coarse) {
        facts_->read_top_or_not(in.positions, out);
      } else {
        facts_->read(node.intrinsic, in.positions, out);
      }
      break;
    case Op::Negate:
    case Op::Calculate:
      return calculate_node(node, in, out);
    default:
      evaluate_truth(index, in, out);
      break;
  }
  overflowed_ |= out.overflowed;
  return !overflowed_;
}

void Condition::evaluate_truth(uint32_t node, const Selection& in, ValueColumn& out) {
  auto kept = take_list();
  select_node(node, in, *kept);
  out.reset(in.size());
  size_t next = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    const bool there = next < kept->size && kept->positions[next] == in.positions[i];
    next += static_cast<size_t>(there);
    out.set(i, {ValueKind::Bool, there});
  }
  give(std::move(kept));
}

bool Condition::calculate_node(const Node& node, const Selection& in, ValueColumn& out) {
  auto left = take_column();
  bool done = evaluate(node.left, in, *left);
  if (done && node.op == Op::Negate) {
    negate(*left, out);
  } else if (done) {
    auto right = take_column();
    done = evaluate(node.right, in, *right);
    if (done) calculate(node.operation, *left, *right, out);
    give(std::move(right));
  }
  give(std::move(left));
  overflowed_ |= done && out.overflowed;
  return !overflowed_;
}

}  // namespace clew::eval
