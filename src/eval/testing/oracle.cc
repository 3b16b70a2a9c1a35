// SPDX-License-Identifier: Apache-2.0
#include "eval/testing/oracle.h"

#include <re2/re2.h>

#include <cmath>
#include <optional>
#include <variant>

#include "model/testing/naive_tree.h"

namespace clew::eval::testing {
namespace {

using query::BinaryOp;
using query::Intrinsic;
using query::Scope;

struct Nil {};
struct Opaque {};  // exists and passes no comparison
// Integers of a duration are integers. Enums carry their number, so that unknown ones fit.
struct StatusNumber {
  int32_t number;
};
struct KindNumber {
  int32_t number;
};
using Value = std::variant<Nil, Opaque, bool, int64_t, double, std::string, StatusNumber, KindNumber>;

using Group = std::vector<Value>;
struct Field {
  bool ownerless = false;  // an event's or a link's, and there is none
  std::vector<Group> groups;
};

Field one(Value value) { return {false, {{std::move(value)}}}; }

std::optional<Value> scalar(const PlainValue& value) {
  switch (value.type) {
    case model::ValueType::Bool:
      return value.truth;
    case model::ValueType::Int:
      return value.integer;
    case model::ValueType::Double:
      return value.number;
    case model::ValueType::String:
      return value.text;
    default:
      return std::nullopt;
  }
}

Group group_of(const PlainValue& value) {
  if (const auto plain = scalar(value)) return {*plain};
  if (value.type != model::ValueType::Array || value.elements.empty()) return {Opaque{}};
  Group group;
  for (const PlainValue& element : value.elements) {
    const auto plain = scalar(element);
    if (!plain || element.type != value.elements[0].type) return {Opaque{}};
    group.push_back(*plain);
  }
  return group;
}

void add_groups(const PlainAttributes& attributes, const std::string& key, Field& out) {
  for (const PlainAttribute& attribute : attributes) {
    if (attribute.key != key || attribute.value.type == model::ValueType::Empty) continue;
    out.groups.push_back(group_of(attribute.value));
  }
}

template <class Owners>
Field of_each(const Owners& owners, const std::string& key) {
  Field field;
  field.ownerless = owners.empty();
  for (const auto& owner : owners) {
    Field own;
    add_groups(owner.attributes, key, own);
    if (own.groups.empty()) own.groups = {{Nil{}}};
    field.groups.insert(field.groups.end(), own.groups.begin(), own.groups.end());
  }
  return field;
}

bool is_number(const Value& value) {
  return std::holds_alternative<int64_t>(value) || std::holds_alternative<double>(value);
}
double as_double(const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}
// 64 bits of mantissa: holds every int64 and every double.
long double as_long(const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<long double>(*integer);
  return static_cast<long double>(std::get<double>(value));
}

template <class T>
bool compare(BinaryOp op, const T& a, const T& b) {
  switch (op) {
    case BinaryOp::Equal:
      return a == b;
    case BinaryOp::NotEqual:
      return a != b;
    case BinaryOp::Less:
      return a < b;
    case BinaryOp::LessEqual:
      return a <= b;
    case BinaryOp::Greater:
      return a > b;
    default:
      return a >= b;
  }
}

bool passes(BinaryOp op, const Value& a, const Value& b) {
  if (is_number(a) && is_number(b)) return compare(op, as_long(a), as_long(b));
  if (a.index() != b.index()) return false;
  const bool ordered = op != BinaryOp::Equal && op != BinaryOp::NotEqual;
  if (const auto* text = std::get_if<std::string>(&a)) {
    const std::string& other = std::get<std::string>(b);
    if (op == BinaryOp::Match) return RE2::FullMatch(*text, "(?s:" + other + ")");
    if (op == BinaryOp::NotMatch) return !RE2::FullMatch(*text, "(?s:" + other + ")");
    return compare(op, *text, other);
  }
  if (ordered) return false;
  if (std::holds_alternative<bool>(a)) return compare(op, std::get<bool>(a), std::get<bool>(b));
  if (const auto* status = std::get_if<StatusNumber>(&a))
    return compare(op, status->number, std::get<StatusNumber>(b).number);
  if (const auto* kind = std::get_if<KindNumber>(&a)) return compare(op, kind->number, std::get<KindNumber>(b).number);
  return false;
}

bool passes(BinaryOp op, const Field& a, const Field& b) {
  const bool all = op == BinaryOp::NotEqual || op == BinaryOp::NotMatch;
  for (const Group& as : a.groups) {
    for (const Group& bs : b.groups) {
      size_t passed = 0;
      for (const Value& x : as) {
        for (const Value& y : bs) passed += passes(op, x, y) ? 1 : 0;
      }
      if (all ? passed == as.size() * bs.size() : passed > 0) return true;
    }
  }
  return false;
}

Value in_int_range(__int128 value) {
  if (value < INT64_MIN || value > INT64_MAX) return Nil{};
  return static_cast<int64_t>(value);
}

Value power(int64_t base, int64_t exponent) {
  if (exponent < 0) return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  if (base == 0 || base == 1) return exponent == 0 ? int64_t{1} : base;
  if (base == -1) return exponent % 2 == 0 ? int64_t{1} : int64_t{-1};
  __int128 result = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    result *= base;
    if (std::holds_alternative<Nil>(in_int_range(result))) return Nil{};
  }
  return in_int_range(result);
}

Value calculate(BinaryOp op, const Value& a, const Value& b) {
  if (!is_number(a) || !is_number(b)) return Nil{};
  if (std::holds_alternative<int64_t>(a) && std::holds_alternative<int64_t>(b)) {
    const __int128 x = std::get<int64_t>(a);
    const __int128 y = std::get<int64_t>(b);
    switch (op) {
      case BinaryOp::Add:
        return in_int_range(x + y);
      case BinaryOp::Subtract:
        return in_int_range(x - y);
      case BinaryOp::Multiply:
        return in_int_range(x * y);
      case BinaryOp::Divide:
        return y == 0 ? Value(Nil{}) : in_int_range(x / y);
      case BinaryOp::Modulo:
        return y == 0 ? Value(Nil{}) : in_int_range(x % y);
      default:
        return power(std::get<int64_t>(a), std::get<int64_t>(b));
    }
  }
  const double x = as_double(a);
  const double y = as_double(b);
  switch (op) {
    case BinaryOp::Add:
      return x + y;
    case BinaryOp::Subtract:
      return x - y;
    case BinaryOp::Multiply:
      return x * y;
    case BinaryOp::Divide:
      return x / y;
    case BinaryOp::Modulo:
      return std::fmod(x, y);
    default:
      return std::pow(x, y);
  }
}

Value literal_value(const query::Literal& literal) {
  if (const auto* truth = std::get_if<bool>(&literal)) return *truth;
  if (const auto* integer = std::get_if<int64_t>(&literal)) return *integer;
  if (const auto* number = std::get_if<double>(&literal)) return *number;
  if (const auto* duration = std::get_if<query::Duration>(&literal)) return duration->nanos;
  if (const auto* text = std::get_if<std::string>(&literal)) return *text;
  if (const auto* status = std::get_if<query::Status>(&literal)) return StatusNumber{static_cast<int32_t>(*status)};
  if (const auto* kind = std::get_if<query::Kind>(&literal)) return KindNumber{static_cast<int32_t>(*kind)};
  return Nil{};
}

class Oracle {
 public:
  Oracle(std::span<const PlainSpan> trace, uint64_t duration_nanos)
      : trace_(trace), duration_nanos_(duration_nanos), links_(links_of(trace)), tree_(links_) {}

  std::set<size_t> choose(const query::SpansetExpr& expression) const {
    if (const auto* filter = std::get_if<query::Filter>(&expression.node)) {
      std::set<size_t> chosen;
      for (size_t i = 0; i < trace_.size(); ++i) {
        if (holds(*filter->condition, i)) chosen.insert(i);
      }
      return chosen;
    }
    const auto& join = std::get<query::Join>(expression.node);
    const std::set<size_t> left = choose(*join.left);
    const std::set<size_t> right = choose(*join.right);
    std::set<size_t> both = left;
    both.insert(right.begin(), right.end());
    if (join.op == query::SpansetOp::Or) return both;
    if (join.op == query::SpansetOp::And) return left.empty() || right.empty() ? std::set<size_t>() : both;
    std::set<size_t> chosen;
    for (const size_t b : right) {
      for (const size_t a : left) {
        if (related(join.op, a, b)) chosen.insert(b);
      }
    }
    return chosen;
  }

 private:
  static std::vector<model::SpanLink> links_of(std::span<const PlainSpan> trace) {
    std::vector<model::SpanLink> links;
    for (const PlainSpan& span : trace)
      links.push_back({span.span_id.value, span.parent_id.value, span.start, span.kind == 2 || span.kind == 5});
    return links;
  }

  bool below(size_t span, size_t above) const {
    for (uint32_t at = tree_.parents[span]; !model::is_top(at); at = tree_.parents[at]) {
      if (at == above) return true;
    }
    return false;
  }

  bool related(query::SpansetOp op, size_t a, size_t b) const {
    const uint32_t parent_of_b = tree_.parents[b];
    switch (op) {
      case query::SpansetOp::Child:
        return parent_of_b == a;
      case query::SpansetOp::Parent:
        return tree_.parents[a] == b;
      case query::SpansetOp::Descendant:
        return below(b, a);
      case query::SpansetOp::Ancestor:
        return below(a, b);
      default:
        return a != b && !model::is_top(parent_of_b) && tree_.parents[a] == parent_of_b;
    }
  }

  bool holds(const query::FieldExpr& expression, size_t span) const {
    if (const auto* binary = std::get_if<query::Binary>(&expression.node)) {
      if (binary->op == BinaryOp::And) return holds(*binary->left, span) && holds(*binary->right, span);
      if (binary->op == BinaryOp::Or) return holds(*binary->left, span) || holds(*binary->right, span);
      if (binary->op <= BinaryOp::NotMatch) {
        return passes(binary->op, spelled(*binary->left, *binary->right, binary->op, span),
                      spelled(*binary->right, *binary->left, binary->op, span));
      }
    }
    if (const auto* unary = std::get_if<query::Unary>(&expression.node)) {
      if (unary->op == query::UnaryOp::Not) return !holds(*unary->operand, span);
      const bool wants_nil = unary->op == query::UnaryOp::Absent;
      if (wants_nil || unary->op == query::UnaryOp::Exists) {
        const Field field = value(*unary->operand, span);
        return !field.ownerless &&
               any(field, [&](const Value& v) { return std::holds_alternative<Nil>(v) == wants_nil; });
      }
    }
    return any(value(expression, span), [](const Value& v) {
      const auto* truth = std::get_if<bool>(&v);
      return truth != nullptr && *truth;
    });
  }

  template <class Pass>
  static bool any(const Field& field, Pass pass) {
    for (const Group& group : field.groups) {
      for (const Value& v : group) {
        if (pass(v)) return true;
      }
    }
    return false;
  }

  // The value of a side of a comparison; a literal that stands beside an id intrinsic is read as an id if it spells
  // one.
  Field spelled(const query::FieldExpr& expression, const query::FieldExpr& other, BinaryOp op, size_t span) const {
    const auto* literal = std::get_if<query::Literal>(&expression.node);
    const auto* text = literal != nullptr ? std::get_if<std::string>(literal) : nullptr;
    const auto* intrinsic = std::get_if<Intrinsic>(&other.node);
    if (text != nullptr && intrinsic != nullptr && (op == BinaryOp::Equal || op == BinaryOp::NotEqual)) {
      if (*intrinsic == Intrinsic::SpanId || *intrinsic == Intrinsic::SpanParentId ||
          *intrinsic == Intrinsic::LinkSpanId) {
        if (const auto id = model::SpanId::parse(*text)) return one(id->hex());
      }
      if (*intrinsic == Intrinsic::TraceId || *intrinsic == Intrinsic::LinkTraceId) {
        if (const auto id = model::TraceId::parse(*text)) return one(id->hex());
      }
    }
    return value(expression, span);
  }

  Field value(const query::FieldExpr& expression, size_t span) const {
    if (const auto* literal = std::get_if<query::Literal>(&expression.node)) return one(literal_value(*literal));
    if (const auto* attribute = std::get_if<query::Attribute>(&expression.node)) return attribute_of(*attribute, span);
    if (const auto* intrinsic = std::get_if<Intrinsic>(&expression.node)) return intrinsic_of(*intrinsic, span);
    if (const auto* unary = std::get_if<query::Unary>(&expression.node)) {
      if (unary->op != query::UnaryOp::Negate) return one(holds(expression, span));
      return calculated(BinaryOp::Subtract, one(int64_t{0}), value(*unary->operand, span), true);
    }
    const auto& binary = std::get<query::Binary>(expression.node);
    if (binary.op <= BinaryOp::NotMatch) return one(holds(expression, span));
    return calculated(binary.op, value(*binary.left, span), value(*binary.right, span), false);
  }

  static Field calculated(BinaryOp op, const Field& a, const Field& b, bool negation) {
    Field field;
    field.ownerless = a.ownerless || b.ownerless;
    if (field.ownerless) return field;
    for (const Group& as : a.groups) {
      for (const Group& bs : b.groups) {
        Group group;
        for (const Value& x : as) {
          for (const Value& y : bs) {
            const auto* number = std::get_if<double>(&y);
            group.push_back(negation && number != nullptr ? Value(-*number) : calculate(op, x, y));
          }
        }
        field.groups.push_back(group);
      }
    }
    return field;
  }

  Field attribute_of(const query::Attribute& attribute, size_t index) const {
    const PlainSpan& span = trace_[index];
    if (attribute.scope == Scope::Event) return of_each(span.events, attribute.name);
    if (attribute.scope == Scope::Link) return of_each(span.links, attribute.name);
    Field field;
    const bool anywhere = attribute.scope == Scope::Any;
    if (anywhere || attribute.scope == Scope::Span) add_groups(span.attributes, attribute.name, field);
    if (anywhere || attribute.scope == Scope::Resource) add_groups(span.resource, attribute.name, field);
    if (attribute.scope == Scope::Instrumentation) add_groups(span.scope, attribute.name, field);
    if (field.groups.empty()) field.groups = {{Nil{}}};
    return field;
  }

  Value root_value(bool service) const {
    std::optional<uint32_t> root;
    for (uint32_t i = 0; i < trace_.size(); ++i) {
      if (tree_.parents[i] == model::kRoot && (!root || tree_.age(i) < tree_.age(*root))) root = i;
    }
    if (!root) return Nil{};
    if (!service) return trace_[*root].name;
    Value name = Nil{};
    for (const PlainAttribute& attribute : trace_[*root].resource) {
      if (attribute.key == "service.name" && attribute.value.type == model::ValueType::String)
        name = attribute.value.text;
    }
    return name;
  }

  template <class Owners, class Read>
  static Field each(const Owners& owners, Read read) {
    Field field;
    field.ownerless = owners.empty();
    for (const auto& owner : owners) field.groups.push_back({Value(read(owner))});
    return field;
  }

  Field intrinsic_of(Intrinsic intrinsic, size_t index) const {
    const PlainSpan& span = trace_[index];
    const auto i = static_cast<uint32_t>(index);
    switch (intrinsic) {
      case Intrinsic::SpanDuration:
        return one(
            static_cast<int64_t>(span.end > span.start ? std::min<uint64_t>(span.end - span.start, INT64_MAX) : 0));
      case Intrinsic::SpanName:
        return one(span.name);
      case Intrinsic::SpanKind:
        return one(KindNumber{span.kind});
      case Intrinsic::SpanStatus:
        return one(StatusNumber{span.status});
      case Intrinsic::SpanStatusMessage:
        return one(span.status_message);
      case Intrinsic::SpanId:
        return one(span.span_id.hex());
      case Intrinsic::SpanParentId:
        return one(span.parent_id.is_zero() ? std::string() : span.parent_id.hex());
      case Intrinsic::SpanChildCount:
        return one(static_cast<int64_t>(tree_.children.contains(i) ? tree_.children.at(i).size() : 0));
      case Intrinsic::NestedSetLeft:
        return one(static_cast<int64_t>(tree_.places.at(i).left));
      case Intrinsic::NestedSetRight:
        return one(static_cast<int64_t>(tree_.places.at(i).right));
      case Intrinsic::NestedSetParent: {
        const uint32_t parent = tree_.parents[i];
        if (parent == model::kRoot) return one(int64_t{-1});
        return one(static_cast<int64_t>(parent == model::kOrphan ? 0 : tree_.places.at(parent).left));
      }
      case Intrinsic::TraceDuration:
        return one(static_cast<int64_t>(duration_nanos_));
      case Intrinsic::TraceRootName:
        return one(root_value(false));
      case Intrinsic::TraceRootService:
        return one(root_value(true));
      case Intrinsic::TraceId:
        return one(span.trace_id.hex());
      case Intrinsic::EventName:
        return each(span.events, [](const PlainEvent& event) { return event.name; });
      case Intrinsic::EventTimeSinceStart:
        return each(span.events,
                    [&](const PlainEvent& event) { return static_cast<int64_t>(event.time - span.start); });
      case Intrinsic::LinkTraceId:
        return each(span.links, [](const PlainLink& link) { return link.trace_id.hex(); });
      case Intrinsic::LinkSpanId:
        return each(span.links, [](const PlainLink& link) { return link.span_id.hex(); });
      case Intrinsic::InstrumentationName:
        return one(span.scope_name);
      case Intrinsic::InstrumentationVersion:
        return one(span.scope_version);
    }
    return one(Nil{});
  }

  std::span<const PlainSpan> trace_;
  uint64_t duration_nanos_;
  std::vector<model::SpanLink> links_;
  model::testing::NaiveTree tree_;
};

}  // namespace

std::set<size_t> choose(const query::Query& query, std::span<const PlainSpan> trace, uint64_t duration_nanos) {
  return Oracle(trace, duration_nanos).choose(*query.spans);
}

}  // namespace clew::eval::testing
