// SPDX-License-Identifier: Apache-2.0
//
// `!` is pushed down to the comparisons, where it can be answered only if the comparison is decided exactly: by a table
// of templates or resources. Elsewhere the negated comparison may be true of any row.
#include "scan/prefilter.h"

#include <algorithm>
#include <limits>

#include "block/filter.h"
#include "eval/batch_view.h"
#include "eval/condition.h"
#include "scan/row_test.h"

namespace clew::scan {
namespace {

using block::Level;
using model::ValueType;
using query::BinaryOp;
using query::FieldExpr;
using query::Intrinsic;
using query::Literal;
using query::Scope;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

bool is_comparison(BinaryOp op) { return op >= BinaryOp::Equal && op <= BinaryOp::NotMatch; }

// Templates, or resources, as rows of a view.
class TableView final : public eval::ColumnView {
 public:
  TableView(const block::Tables& tables, block::FixedColumn table)
      : tables_(tables), table_(table), owners_(tables.batch) {}

  eval::FieldId bind(const query::Attribute& attribute) override {
    const Scope scope = table_ == block::kTemplate ? Scope::Instrumentation : Scope::Resource;
    fields_.push_back({std::nullopt, owners_.bind(query::Attribute{scope, attribute.name})});
    return static_cast<eval::FieldId>(fields_.size() - 1);
  }
  eval::FieldId bind(Intrinsic intrinsic) override {
    fields_.push_back({intrinsic, 0});
    return static_cast<eval::FieldId>(fields_.size() - 1);
  }
  eval::FieldFacts facts(eval::FieldId /*field*/) override { return {}; }
  void read(eval::FieldId id, std::span<const uint32_t> rows, eval::ValueColumn& out) override {
    const Field& field = fields_[id];
    if (field.intrinsic) {
      out.reset(rows.size());
      for (size_t i = 0; i < rows.size(); ++i) out.set(i, value(*field.intrinsic, tables_.templates[rows[i]]));
    } else if (table_ == block::kResource) {
      owners_.read_of_owners(field.owners, rows, out);
    } else {
      scopes_.clear();
      for (const uint32_t row : rows) scopes_.push_back(tables_.templates[row].scope);
      owners_.read_of_owners(field.owners, scopes_, out);
    }
  }
  void read_links(std::span<const uint32_t> /*rows*/, std::span<model::SpanLink> /*out*/) override { CHECK(false); }
  std::optional<eval::StringCode> code(std::string_view text) const override {
    return tables_.batch.strings.find(text);
  }
  std::string_view text(eval::StringCode code) const override { return tables_.batch.strings.at(code); }

 private:
  struct Field {
    std::optional<Intrinsic> intrinsic;
    eval::FieldId owners;
  };

  eval::Value value(Intrinsic intrinsic, const block::Template& of) const {
    const auto string = [](model::StringId id) { return eval::Value{eval::ValueKind::String, id}; };
    switch (intrinsic) {
      case Intrinsic::SpanName:
        return of.name == block::Template::kSpilled ? eval::Value{} : string(of.name);
      case Intrinsic::SpanKind:
        return {eval::ValueKind::Kind, static_cast<uint32_t>(of.kind)};
      case Intrinsic::SpanStatus:
        return {eval::ValueKind::Status, static_cast<uint32_t>(of.status_code)};
      case Intrinsic::InstrumentationName:
        return string(tables_.batch.scopes[of.scope].name);
      case Intrinsic::InstrumentationVersion:
        return string(tables_.batch.scopes[of.scope].version);
      default:
        return {};
    }
  }

  const block::Tables& tables_;
  const block::FixedColumn table_;
  eval::BatchView owners_;
  std::vector<Field> fields_;
  std::vector<uint32_t> scopes_;
};

bool is_of_template(const FieldExpr& field) {
  if (const auto* attribute = std::get_if<query::Attribute>(&field.node))
    return attribute->scope == Scope::Instrumentation;
  switch (std::get<Intrinsic>(field.node)) {
    case Intrinsic::SpanName:
    case Intrinsic::SpanKind:
    case Intrinsic::SpanStatus:
    case Intrinsic::InstrumentationName:
    case Intrinsic::InstrumentationVersion:
      return true;
    default:
      return false;
  }
}

bool is_of_resource(const FieldExpr& field) {
  const auto* attribute = std::get_if<query::Attribute>(&field.node);
  return attribute != nullptr && attribute->scope == Scope::Resource;
}

// The fields of an operand that is built of fields, literals and arithmetic; false if there is more to it.
bool collect_fields(const FieldExpr& operand, std::vector<const FieldExpr*>& fields) {
  if (std::holds_alternative<Literal>(operand.node)) return true;
  if (const auto* unary = std::get_if<query::Unary>(&operand.node)) {
    return unary->op == query::UnaryOp::Negate && collect_fields(*unary->operand, fields);
  }
  if (const auto* binary = std::get_if<query::Binary>(&operand.node)) {
    return binary->op >= BinaryOp::Add && collect_fields(*binary->left, fields) &&
           collect_fields(*binary->right, fields);
  }
  fields.push_back(&operand);
  return true;
}

// A comparison of a field itself with a literal, the field on the left.
struct Direct {
  BinaryOp op;
  const Literal& literal;
};

std::optional<Direct> direct_of(const FieldExpr& atom, const FieldExpr& field) {
  const auto* binary = std::get_if<query::Binary>(&atom.node);
  if (binary == nullptr) return std::nullopt;
  const auto* right = std::get_if<Literal>(&binary->right->node);
  if (right != nullptr && binary->left.get() == &field) return Direct{binary->op, *right};
  const auto* left = std::get_if<Literal>(&binary->left->node);
  if (left == nullptr || binary->right.get() != &field) return std::nullopt;
  switch (binary->op) {
    case BinaryOp::Less:
      return Direct{BinaryOp::Greater, *left};
    case BinaryOp::LessEqual:
      return Direct{BinaryOp::GreaterEqual, *left};
    case BinaryOp::Greater:
      return Direct{BinaryOp::Less, *left};
    case BinaryOp::GreaterEqual:
      return Direct{BinaryOp::LessEqual, *left};
    default:
      return Direct{binary->op, *left};
  }
}

std::optional<int64_t> integer_of(const Literal& literal) {
  if (const auto* integer = std::get_if<int64_t>(&literal)) return *integer;
  if (const auto* duration = std::get_if<query::Duration>(&literal)) return duration->nanos;
  return std::nullopt;
}

// The integers that stand in the relation to the literal; nothing if that is no range.
std::optional<IntRange> range_of(const Direct& direct) {
  const std::optional<int64_t> number = integer_of(direct.literal);
  if (!number) return std::nullopt;
  switch (direct.op) {
    case BinaryOp::Equal:
      return IntRange{*number, *number};
    case BinaryOp::NotEqual:
      return IntRange{*number, *number, true};
    case BinaryOp::Less:
      return *number == kMin ? IntRange{kMin, kMax, true} : IntRange{kMin, *number - 1};
    case BinaryOp::LessEqual:
      return IntRange{kMin, *number};
    case BinaryOp::Greater:
      return *number == kMax ? IntRange{kMin, kMax, true} : IntRange{*number + 1, kMax};
    case BinaryOp::GreaterEqual:
      return IntRange{*number, kMax};
    default:
      return std::nullopt;
  }
}

class Compiler {
 public:
  Compiler(const block::Block& block, const block::Tables& tables) : block_(block), tables_(tables) {}

  // Rows of which the expression may be true, or, if not `wanted`, may be false.
  Result<RowTestPtr> compile(const FieldExpr& expression, bool wanted) {
    if (const auto* literal = std::get_if<Literal>(&expression.node)) {
      const auto* truth = std::get_if<bool>(literal);
      return truth != nullptr && *truth == wanted ? always() : never();
    }
    const auto* unary = std::get_if<query::Unary>(&expression.node);
    if (unary != nullptr && unary->op == query::UnaryOp::Not) return compile(*unary->operand, !wanted);
    const auto* binary = std::get_if<query::Binary>(&expression.node);
    if (binary != nullptr && (binary->op == BinaryOp::And || binary->op == BinaryOp::Or)) {
      RowTestPtr left = TRY(compile(*binary->left, wanted));
      RowTestPtr right = TRY(compile(*binary->right, wanted));
      const bool both = (binary->op == BinaryOp::And) == wanted;
      return both ? all_of(std::move(left), std::move(right)) : any_of(std::move(left), std::move(right));
    }
    return compile_atom(expression, wanted);
  }

 private:
  // A comparison, a question of existence, or a field on its own.
  Result<RowTestPtr> compile_atom(const FieldExpr& atom, bool wanted) {
    std::vector<const FieldExpr*> fields;
    const auto* unary = std::get_if<query::Unary>(&atom.node);
    const auto* binary = std::get_if<query::Binary>(&atom.node);
    bool plain = true;
    if (binary != nullptr) {
      if (!is_comparison(binary->op)) return always();
      plain = collect_fields(*binary->left, fields) && collect_fields(*binary->right, fields);
    } else if (unary != nullptr) {
      plain = unary->op != query::UnaryOp::Negate && collect_fields(*unary->operand, fields);
    } else {
      fields.push_back(&atom);
    }
    if (!plain || fields.empty()) return always();
    if (std::ranges::all_of(fields, [](const FieldExpr* field) { return is_of_template(*field); }))
      return by_template(atom, fields, wanted);
    if (std::ranges::all_of(fields, [](const FieldExpr* field) { return is_of_resource(*field); }))
      return by_resource(atom, wanted);
    if (!wanted || (unary != nullptr && unary->op == query::UnaryOp::Absent)) return always();
    if (unary != nullptr && !is_field(*unary->operand)) return always();
    if (unary != nullptr) return presence(*fields[0]);
    if (fields.size() == 1) return compile_single(atom, *fields[0]);
    RowTestPtr both = always();  // a comparison with nil is false
    for (const FieldExpr* field : fields) both = all_of(std::move(both), TRY(presence(*field)));
    return both;
  }

  static bool is_field(const FieldExpr& expression) {
    return std::holds_alternative<query::Attribute>(expression.node) ||
           std::holds_alternative<Intrinsic>(expression.node);
  }

  Result<RowTestPtr> by_template(const FieldExpr& atom, const std::vector<const FieldExpr*>& fields, bool wanted) {
    std::vector<uint8_t> marked = decide(atom, block::kTemplate, tables_.templates.size(), wanted);
    const bool of_name = std::ranges::any_of(fields, [](const FieldExpr* field) {
      const auto* intrinsic = std::get_if<Intrinsic>(&field->node);
      return intrinsic != nullptr && *intrinsic == Intrinsic::SpanName;
    });
    if (!of_name) return table_test(block::kTemplate, std::move(marked));
    std::vector<uint8_t> spilled(marked.size());
    for (size_t i = 0; i < marked.size(); ++i) {
      if (tables_.templates[i].name != block::Template::kSpilled) continue;
      marked[i] = 0;
      spilled[i] = 1;
    }
    RowTestPtr unknown = table_test(block::kTemplate, std::move(spilled));
    if (wanted && fields.size() == 1 && !unknown->is_never()) {
      unknown = TRY(column_test(block_, block::kName, question(atom, *fields[0])));
    }
    return any_of(table_test(block::kTemplate, std::move(marked)), std::move(unknown));
  }

  Result<RowTestPtr> by_resource(const FieldExpr& atom, bool wanted) {
    return table_test(block::kResource, decide(atom, block::kResource, tables_.batch.resources.size(), wanted));
  }

  // For each entry of the table: is the atom true of it, or, if not `wanted`, false?
  std::vector<uint8_t> decide(const FieldExpr& atom, block::FixedColumn table, size_t count, bool wanted) {
    TableView view(tables_, table);
    eval::TraceFacts facts(view);
    Result<eval::Condition> condition = eval::Condition::bind(atom, view, facts);
    if (!condition.ok()) return std::vector<uint8_t>(count, 1);
    std::vector<uint8_t> marked(count, wanted ? 0 : 1);
    eval::SelectionList kept;
    std::vector<uint32_t> rows;
    for (size_t begin = 0; begin < count; begin += eval::Condition::kSpansMax) {
      rows.clear();
      for (size_t i = begin; i < std::min(begin + eval::Condition::kSpansMax, count); ++i) {
        rows.push_back(static_cast<uint32_t>(i));
      }
      if (!condition->select({rows, rows}, kept)) return std::vector<uint8_t>(count, 1);
      for (size_t i = 0; i < kept.size; ++i) marked[kept.rows[i]] = wanted ? 1 : 0;
    }
    if (condition->gave_up()) return std::vector<uint8_t>(count, 1);
    return marked;
  }

  static Question question(const FieldExpr& atom, const FieldExpr& field) {
    Question made;
    made.condition = &atom;
    if (const std::optional<Direct> direct = direct_of(atom, field)) {
      const auto* text = std::get_if<std::string>(&direct->literal);
      if (text != nullptr && direct->op == BinaryOp::Equal) made.equal_to = *text;
      made.range = range_of(*direct);
    }
    return made;
  }

  // A comparison in which one field stands once, or an attribute on its own.
  Result<RowTestPtr> compile_single(const FieldExpr& atom, const FieldExpr& field) {
    if (const auto* attribute = std::get_if<query::Attribute>(&field.node)) {
      RowTestPtr test = TRY(by_columns(atom, field, *attribute));
      if (attribute->scope == Scope::Any) test = any_of(std::move(test), TRY(by_resource(atom, true)));
      return test;
    }
    switch (std::get<Intrinsic>(field.node)) {
      case Intrinsic::SpanDuration:
        return duration_test(question(atom, field).range, atom);
      case Intrinsic::SpanStatusMessage:
        return column_test(block_, block::kStatusMessage, question(atom, field));
      case Intrinsic::EventName:
        return column_test(block_, block::kEventName, question(atom, field));
      case Intrinsic::EventTimeSinceStart:
        return children_test(Level::Event);
      case Intrinsic::LinkTraceId:
        return children_test(Level::Link);
      case Intrinsic::SpanId:
        return id_test(IdColumn::Span, atom);
      case Intrinsic::SpanParentId:
        return id_test(IdColumn::Parent, atom);
      case Intrinsic::TraceId:
        return id_test(IdColumn::Trace, atom);
      case Intrinsic::LinkSpanId:
        return id_test(IdColumn::LinkedSpan, atom);
      case Intrinsic::NestedSetParent:
        return by_place(atom, field);
      default:
        return always();
    }
  }

  // -1 for a root; 0 or more for every other span.
  static Result<RowTestPtr> by_place(const FieldExpr& atom, const FieldExpr& field) {
    const std::optional<Direct> direct = direct_of(atom, field);
    const std::optional<IntRange> range = direct ? range_of(*direct) : std::nullopt;
    if (!range || range->inverted || range->max >= 0) return always();
    return range->contains(-1) ? root_test() : never();
  }

  static Level level_of(Scope scope) {
    return scope == Scope::Event ? Level::Event : scope == Scope::Link ? Level::Link : Level::Span;
  }

  // May a value of this type pass the comparison?
  static bool fits(const FieldExpr& atom, const std::optional<Direct>& direct, ValueType type) {
    const bool is_number = type == ValueType::Int || type == ValueType::Double;
    if (type == ValueType::Empty || type == ValueType::Bytes || type == ValueType::KvList) return false;
    if (type == ValueType::Array) return true;
    if (!std::holds_alternative<query::Binary>(atom.node)) return type == ValueType::Bool;
    if (!direct) return is_number;  // arithmetic
    if (std::holds_alternative<std::string>(direct->literal)) return type == ValueType::String;
    if (std::holds_alternative<bool>(direct->literal)) return type == ValueType::Bool;
    return is_number && (integer_of(direct->literal) || std::holds_alternative<double>(direct->literal));
  }

  Result<RowTestPtr> by_columns(const FieldExpr& atom, const FieldExpr& field, const query::Attribute& attribute) {
    const Level level = level_of(attribute.scope);
    const std::optional<Direct> direct = direct_of(atom, field);
    RowTestPtr any = TRY(by_rare(level, attribute.name));
    for (const block::ColumnId id : block_.find_columns(level, attribute.name)) {
      const ValueType type = block_.column(id).column.type;
      if (!fits(atom, direct, type)) continue;
      Question asked = question(atom, field);
      asked.any_value = type == ValueType::Array;
      if (type != ValueType::Int) asked.range.reset();
      any = any_of(std::move(any), TRY(column_test(block_, id, std::move(asked))));
    }
    return any;
  }

  // Rows that have the key in the rare columns.
  Result<RowTestPtr> by_rare(Level level, const std::string& key) {
    if (!block_.has_rare(level)) return never();
    Question asked;
    asked.equal_to = key;
    const block::ColumnId column = level == Level::Span    ? block::kRareSpanKey
                                   : level == Level::Event ? block::kRareEventKey
                                                           : block::kRareLinkKey;
    return column_test(block_, column, std::move(asked));
  }

  // Rows where the field may have a value.
  Result<RowTestPtr> presence(const FieldExpr& field) {
    const auto* attribute = std::get_if<query::Attribute>(&field.node);
    if (attribute == nullptr || attribute->scope == Scope::Instrumentation) return always();
    if (attribute->scope == Scope::Event) return children_test(Level::Event);
    if (attribute->scope == Scope::Link) return children_test(Level::Link);
    RowTestPtr either = never();
    if (attribute->scope != Scope::Resource) {
      std::vector<block::ColumnId> columns = block_.find_columns(Level::Span, attribute->name);
      std::erase_if(columns, [&](block::ColumnId id) { return block_.column(id).column.type == ValueType::Empty; });
      std::vector<uint8_t> marked;
      for (const block::Template& of : tables_.templates) {
        marked.push_back(std::ranges::find_first_of(tables_.shapes[of.shape], columns) !=
                         tables_.shapes[of.shape].end());
      }
      either = any_of(table_test(block::kTemplate, std::move(marked)), TRY(by_rare(Level::Span, attribute->name)));
    }
    if (attribute->scope != Scope::Span) {
      query::FieldExpr exists;
      exists.node = query::Unary{query::UnaryOp::Exists, copy_of(*attribute)};
      either = any_of(std::move(either), TRY(by_resource(exists, true)));
    }
    return either;
  }

  static query::FieldPtr copy_of(const query::Attribute& attribute) {
    FieldExpr field;
    field.node = attribute;
    return std::make_unique<const FieldExpr>(std::move(field));
  }

  const block::Block& block_;
  const block::Tables& tables_;
};

}  // namespace

Prefilter::Prefilter(std::unique_ptr<RowTest> test) : test_(std::move(test)) {}
Prefilter::Prefilter(Prefilter&&) noexcept = default;
Prefilter& Prefilter::operator=(Prefilter&&) noexcept = default;
Prefilter::~Prefilter() = default;

Result<Prefilter> Prefilter::compile(const query::FieldExpr& condition, const block::Block& block,
                                     std::shared_ptr<const block::Tables> tables) {
  return Prefilter(TRY(Compiler(block, *tables).compile(condition, true)));
}

bool Prefilter::is_never() const { return test_->is_never(); }
bool Prefilter::is_always() const { return test_->is_always(); }

Result<void> Prefilter::select(block::RowGroup& group, RowBits& out) {
  out.reset(group.row_count());
  return test_->select(group, out);
}

}  // namespace clew::scan
