// SPDX-License-Identifier: Apache-2.0
//
// A column is dense, so its values are asked first, whatever rows they belong to; only where one passes are the first
// values of rows worked out. In most row groups none does.
#include "scan/row_test.h"

#include <algorithm>
#include <numeric>

#include "block/filter.h"

namespace clew::scan {
namespace {

using block::ColumnId;
using block::Level;
using eval::ValueKind;
using model::ValueType;

class Constant final : public RowTest {
 public:
  explicit Constant(bool truth) : RowTest(Cost::Known), truth_(truth) {}
  bool is_never() const override { return !truth_; }
  bool is_always() const override { return truth_; }
  Result<void> select(block::RowGroup& group, RowBits& out) override {
    out.reset(group.row_count(), truth_);
    return {};
  }

 private:
  const bool truth_;
};

class AllOf final : public RowTest {
 public:
  AllOf(RowTestPtr a, RowTestPtr b) : RowTest(std::max(a->cost(), b->cost())), a_(std::move(a)), b_(std::move(b)) {
    if (b_->cost() < a_->cost()) std::swap(a_, b_);
  }
  Result<void> select(block::RowGroup& group, RowBits& out) override {
    TRY(a_->select(group, out));
    if (!out.any()) return {};
    both_.reset(group.row_count());
    TRY(b_->select(group, both_));
    out &= both_;
    return {};
  }

 private:
  RowTestPtr a_;
  RowTestPtr b_;
  RowBits both_;
};

class AnyOf final : public RowTest {
 public:
  AnyOf(RowTestPtr a, RowTestPtr b) : RowTest(std::max(a->cost(), b->cost())), a_(std::move(a)), b_(std::move(b)) {}
  Result<void> select(block::RowGroup& group, RowBits& out) override {
    TRY(a_->select(group, out));
    either_.reset(group.row_count());
    TRY(b_->select(group, either_));
    out |= either_;
    return {};
  }

 private:
  RowTestPtr a_;
  RowTestPtr b_;
  RowBits either_;
};

class TableTest final : public RowTest {
 public:
  TableTest(block::FixedColumn column, std::vector<uint8_t> marked)
      : RowTest(Cost::Table), column_(column), marked_(std::move(marked)) {}
  Result<void> select(block::RowGroup& group, RowBits& out) override {
    const std::span<const uint32_t> numbers = TRY(group.rows(column_));
    out.add_where([&](uint32_t row) { return marked_[numbers[row]] != 0; });
    return {};
  }

 private:
  const block::FixedColumn column_;
  const std::vector<uint8_t> marked_;
};

class RootTest final : public RowTest {
 public:
  RootTest() : RowTest(Cost::Table) {}
  Result<void> select(block::RowGroup& group, RowBits& out) override {
    const std::span<const uint32_t> deltas = TRY(group.rows(block::kParentDelta));
    out.add_where([&](uint32_t row) { return deltas[row] == 0; });
    return {};
  }
};

class ChildrenTest final : public RowTest {
 public:
  explicit ChildrenTest(Level level) : RowTest(Cost::Table), level_(level) {}
  Result<void> select(block::RowGroup& group, RowBits& out) override {
    const auto column = level_ == Level::Event ? block::kEventCount : block::kLinkCount;
    if (!group.has(column)) return {};
    const std::span<const uint32_t> counts = TRY(group.rows(column));
    out.add_where([&](uint32_t row) { return counts[row] != 0; });
    return {};
  }

 private:
  const Level level_;
};

// owners[i] = who has item items[i], where first[o] is the first item of owner o; `items` ascend.
void find_owners(std::span<const uint32_t> first, std::vector<uint32_t>& items) {
  uint32_t owner = 0;
  for (uint32_t& item : items) {
    for (int steps = 0; steps < 8 && first[owner + 1] <= item; ++steps) ++owner;
    if (first[owner + 1] <= item) {
      const auto after = std::upper_bound(first.begin() + owner + 1, first.end(), item);
      owner = static_cast<uint32_t>(after - first.begin()) - 1;
    }
    item = owner;
  }
}

class ColumnTest final : public RowTest {
 public:
  ColumnTest(ColumnId id, Level level, ValueType type, bool is_name, Question question, Cost cost)
      : RowTest(cost), id_(id), level_(level), type_(type), is_name_(is_name), question_(std::move(question)) {
    if (question_.condition != nullptr) test_ = ValueTest::create(*question_.condition);
  }

  // Decides every entry of the dictionary.
  void ask(std::shared_ptr<const block::Dictionary> dictionary) {
    dictionary_ = std::move(dictionary);
    if (question_.equal_to) {
      if (const auto code = dictionary_->find(*question_.equal_to)) passing_codes_ = {*code};
    } else {
      test_->texts(
          dictionary_->size(), [&](size_t code) { return (*dictionary_)[static_cast<uint32_t>(code)]; },
          passing_codes_);
      marked_.resize(dictionary_->size());
      for (const uint32_t code : passing_codes_) marked_[code] = 1;
    }
  }
  bool has_passing_code() const { return !passing_codes_.empty(); }

  Result<void> select(block::RowGroup& group, RowBits& out) override {
    if (!group.has(id_)) return {};
    passed_.clear();
    TRY(find_values(group));
    if (passed_.empty()) return {};
    const bool dense = id_ >= block::kFirstAttribute || id_ == block::kRareSpanKey || id_ == block::kRareEventKey ||
                       id_ == block::kRareLinkKey;
    if (level_ == Level::Span) {
      if (dense || is_name_) find_owners(TRY(group.first_values(id_)), passed_);
    } else {
      if (dense) find_owners(TRY(group.first_child_values(id_)), passed_);
      find_owners(level_ == Level::Event ? TRY(group.first_events()) : TRY(group.first_links()), passed_);
    }
    for (const uint32_t row : passed_) out.add(row);
    return {};
  }

 private:
  Result<void> find_values(block::RowGroup& group) {
    if (question_.any_value) {
      passed_.resize(group.value_count(id_));
      std::iota(passed_.begin(), passed_.end(), 0);
      return {};
    }
    if (block::is_text(type_)) return group.is_coded(id_) ? find_codes(group) : find_texts(group);
    if (question_.range && type_ == ValueType::Int) return find_in_range(group);
    const ValueKind kind = type_ == ValueType::Bool  ? ValueKind::Bool
                           : type_ == ValueType::Int ? ValueKind::Int
                                                     : ValueKind::Float;
    test_->numbers(kind, TRY(group.ints(id_)), passed_);
    return {};
  }

  Result<void> find_codes(block::RowGroup& group) {
    if (!has_passing_code()) return {};
    const std::span<const uint32_t> codes = TRY(group.codes(id_));
    if (passing_codes_.size() == 1) {
      collect(codes.size(), [&, code = passing_codes_[0]](size_t i) { return codes[i] == code; });
    } else {
      collect(codes.size(), [&](size_t i) { return marked_[codes[i]] != 0; });
    }
    return {};
  }

  Result<void> find_texts(block::RowGroup& group) {
    if (question_.equal_to) {
      if (!TRY(group.may_hold_plain(id_, block::filter_hash(*question_.equal_to)))) return {};
      const block::TextValues& texts = *TRY(group.texts(id_));
      collect(texts.size(), [&](size_t i) { return texts[i] == *question_.equal_to; });
      return {};
    }
    const block::TextValues& texts = *TRY(group.texts(id_));
    test_->texts(texts.size(), [&](size_t i) { return texts[i]; }, passed_);
    return {};
  }

  Result<void> find_in_range(block::RowGroup& group) {
    const IntRange range = *question_.range;
    if (const std::optional<block::Zone> zone = group.zone(id_)) {
      const auto min = static_cast<int64_t>(zone->min);
      const auto max = static_cast<int64_t>(zone->max);
      const bool meets = max >= range.min && min <= range.max;
      const bool inside = min >= range.min && max <= range.max;
      if (range.inverted ? inside : !meets) return {};
    }
    const std::span<const uint64_t> values = TRY(group.ints(id_));
    collect(values.size(), [&](size_t i) { return range.contains(static_cast<int64_t>(values[i])); });
    return {};
  }

  // In pieces: most hold none, and whether one does is told without a branch for each value.
  template <class Test>
  void collect(size_t count, Test test) {
    constexpr size_t kPiece = 256;
    for (size_t begin = 0; begin < count; begin += kPiece) {
      const size_t end = std::min(begin + kPiece, count);
      uint32_t found = 0;
      for (size_t i = begin; i < end; ++i) found += test(i) ? 1 : 0;
      for (size_t i = begin; i < end && found > 0; ++i) {
        if (test(i)) passed_.push_back(static_cast<uint32_t>(i));
      }
    }
  }

  const ColumnId id_;
  const Level level_;
  const ValueType type_;
  const bool is_name_;
  const Question question_;
  std::unique_ptr<ValueTest> test_;
  std::shared_ptr<const block::Dictionary> dictionary_;
  std::vector<uint32_t> passing_codes_;
  std::vector<uint8_t> marked_;
  std::vector<uint32_t> passed_;
};

// A duration is kept modulo 2^64; one that looks negative is that of a span that ends before it starts, or one of
// centuries: nothing is said of it.
class DurationTest final : public RowTest {
 public:
  DurationTest(std::optional<IntRange> range, const query::FieldExpr& condition)
      : RowTest(Cost::Numbers), range_(range), test_(range ? nullptr : ValueTest::create(condition)) {}

  Result<void> select(block::RowGroup& group, RowBits& out) override {
    if (range_) {
      if (const auto zone = group.zone(block::kDuration); zone && zone->max <= INT64_MAX) {
        const auto min = static_cast<int64_t>(zone->min);
        const auto max = static_cast<int64_t>(zone->max);
        const bool inside = min >= range_->min && max <= range_->max;
        if (range_->inverted ? inside : max < range_->min || min > range_->max) return {};
      }
    }
    const std::span<const uint64_t> values = TRY(group.ints(block::kDuration));
    if (range_) {
      out.add_where([&, range = *range_](uint32_t row) {
        const auto value = static_cast<int64_t>(values[row]);
        return value < 0 || range.contains(value);
      });
      return {};
    }
    passed_.clear();
    test_->numbers(ValueKind::Int, values, passed_);
    for (const uint32_t row : passed_) out.add(row);
    for (uint32_t row = 0; row < values.size(); ++row) {
      if (static_cast<int64_t>(values[row]) < 0) out.add(row);
    }
    return {};
  }

 private:
  const std::optional<IntRange> range_;
  const std::unique_ptr<ValueTest> test_;
  std::vector<uint32_t> passed_;
};

class IdTest final : public RowTest {
 public:
  IdTest(IdColumn column, const query::FieldExpr& condition)
      : RowTest(Cost::Values), column_(column), test_(ValueTest::create(condition)) {}

  Result<void> select(block::RowGroup& group, RowBits& out) override {
    passed_.clear();
    if (column_ == IdColumn::Trace) {
      const std::span<const block::TraceRows> traces = TRY(group.traces());
      std::vector<std::string> ids;
      for (const block::TraceRows& trace : traces) ids.push_back(trace.summary.id.hex());
      test_->texts(ids.size(), [&](size_t i) { return std::string_view(ids[i]); }, passed_);
      for (const uint32_t trace : passed_) {
        for (uint32_t i = 0; i < traces[trace].row_count; ++i) out.add(traces[trace].first_row + i);
      }
      return {};
    }
    const std::span<const uint64_t> ids = column_ == IdColumn::Span     ? TRY(group.ints(block::kSpanId))
                                          : column_ == IdColumn::Parent ? TRY(group.parent_ids())
                                                                        : TRY(group.ints(block::kLinkSpanId));
    test_->numbers(ValueKind::SpanId, ids, passed_);
    if (passed_.empty()) return {};
    if (column_ == IdColumn::LinkedSpan) find_owners(TRY(group.first_links()), passed_);
    for (const uint32_t row : passed_) out.add(row);
    return {};
  }

 private:
  const IdColumn column_;
  const std::unique_ptr<ValueTest> test_;
  std::vector<uint32_t> passed_;
};

}  // namespace

RowTestPtr always() { return std::make_unique<Constant>(true); }
RowTestPtr never() { return std::make_unique<Constant>(false); }

RowTestPtr all_of(RowTestPtr a, RowTestPtr b) {
  if (a->is_never() || b->is_always()) return a;
  if (b->is_never() || a->is_always()) return b;
  return std::make_unique<AllOf>(std::move(a), std::move(b));
}

RowTestPtr any_of(RowTestPtr a, RowTestPtr b) {
  if (a->is_always() || b->is_never()) return a;
  if (b->is_always() || a->is_never()) return b;
  return std::make_unique<AnyOf>(std::move(a), std::move(b));
}

RowTestPtr table_test(block::FixedColumn column, std::vector<uint8_t> marked) {
  const auto is_marked = [](uint8_t mark) { return mark != 0; };
  if (std::ranges::none_of(marked, is_marked)) return never();
  if (std::ranges::all_of(marked, is_marked)) return always();
  return std::make_unique<TableTest>(column, std::move(marked));
}

RowTestPtr root_test() { return std::make_unique<RootTest>(); }
RowTestPtr children_test(Level level) { return std::make_unique<ChildrenTest>(level); }

RowTestPtr duration_test(std::optional<IntRange> range, const query::FieldExpr& condition) {
  return std::make_unique<DurationTest>(range, condition);
}

RowTestPtr id_test(IdColumn column, const query::FieldExpr& condition) {
  return std::make_unique<IdTest>(column, condition);
}

Result<RowTestPtr> column_test(const block::Block& block, ColumnId id, Question question) {
  const block::ColumnFacts& facts = block.column(id);
  const bool fixed = id < block::kFirstAttribute;
  Level level = facts.column.level;
  if (fixed) {
    level = id == block::kEventName || id == block::kRareEventKey ? Level::Event
            : id == block::kRareLinkKey                           ? Level::Link
                                                                  : Level::Span;
  }
  const ValueType type = fixed ? ValueType::String : facts.column.type;
  if (facts.value_count == 0 && !fixed) return never();
  const bool text = block::is_text(type) && !question.any_value;
  const auto cost = text ? RowTest::Cost::Codes : question.range ? RowTest::Cost::Numbers : RowTest::Cost::Values;
  auto test = std::make_unique<ColumnTest>(id, level, type, id == block::kName, std::move(question), cost);
  if (text) {
    if (facts.dictionary_size > 0) test->ask(TRY(block.dictionary(id)));
    if (!test->has_passing_code() && facts.plain_value_count == 0 && facts.value_count > 0) return never();
  }
  return RowTestPtr(std::move(test));
}

// Values as rows of a view that has one field.
class ValueTest::View final : public eval::ColumnView {
 public:
  ValueKind kind = ValueKind::Nil;
  std::span<const uint64_t> numbers;
  const std::function<std::string_view(size_t)>* text_at = nullptr;

  eval::FieldId bind(const query::Attribute& /*attribute*/) override { return 0; }
  eval::FieldId bind(query::Intrinsic /*intrinsic*/) override { return 0; }
  eval::FieldFacts facts(eval::FieldId /*field*/) override { return {}; }
  void read(eval::FieldId /*field*/, std::span<const uint32_t> rows, eval::ValueColumn& out) override {
    out.reset(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      out.set(i, text_at != nullptr ? out.text((*text_at)(rows[i])) : eval::Value{kind, numbers[rows[i]]});
    }
  }
  void read_links(std::span<const uint32_t> /*rows*/, std::span<model::SpanLink> /*out*/) override { CHECK(false); }
  std::optional<eval::StringCode> code(std::string_view /*text*/) const override { return std::nullopt; }
  std::string_view text(eval::StringCode /*code*/) const override { return {}; }
};

ValueTest::ValueTest() : view_(std::make_unique<View>()), facts_(std::make_unique<eval::TraceFacts>(*view_)) {}
ValueTest::~ValueTest() = default;

std::unique_ptr<ValueTest> ValueTest::create(const query::FieldExpr& condition) {
  std::unique_ptr<ValueTest> test(new ValueTest());
  Result<eval::Condition> bound = eval::Condition::bind(condition, *test->view_, *test->facts_);
  if (bound.ok()) test->condition_.emplace(std::move(*bound));
  return test;
}

void ValueTest::run(size_t count, std::vector<uint32_t>& passed) {
  constexpr size_t kPiece = eval::Condition::kSpansMax;
  rows_.resize(kPiece);
  for (size_t begin = 0; begin < count; begin += kPiece) {
    const size_t size = std::min(kPiece, count - begin);
    std::iota(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(size), static_cast<uint32_t>(begin));
    const std::span<const uint32_t> rows = std::span(rows_).first(size);
    if (condition_ && condition_->select({rows, rows}, kept_)) {
      passed.insert(passed.end(), kept_.rows.begin(), kept_.rows.begin() + static_cast<std::ptrdiff_t>(kept_.size));
    } else {
      passed.insert(passed.end(), rows.begin(), rows.end());
    }
  }
}

void ValueTest::numbers(ValueKind kind, std::span<const uint64_t> values, std::vector<uint32_t>& passed) {
  view_->kind = kind;
  view_->numbers = values;
  view_->text_at = nullptr;
  run(values.size(), passed);
}

void ValueTest::texts(size_t count, const std::function<std::string_view(size_t)>& text_at,
                      std::vector<uint32_t>& passed) {
  view_->text_at = &text_at;
  run(count, passed);
  view_->text_at = nullptr;
}

}  // namespace clew::scan
