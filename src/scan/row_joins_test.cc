// SPDX-License-Identifier: Apache-2.0
//
// Proves that joins over sets of rows choose the spans that eval::Evaluator chooses: on random forests in pre-order,
// with random spans on each side, for every operator and for random trees of operators. And that they choose no fewer
// spans when a leaf chooses more, which is what lets them work on what leaves may choose.
#include "scan/row_joins.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <random>
#include <string>

#include "eval/evaluate.h"
#include "eval/testing/random_data.h"
#include "query/parse.h"

namespace clew::scan {
namespace {

using query::SpansetOp;
using Random = std::mt19937_64;

constexpr uint32_t kLeaves = 4;
constexpr uint32_t kOperators = 7;

// Traces as a block has them.
struct Forest {
  std::vector<uint32_t> counts;
  std::vector<uint32_t> deltas;
  std::vector<uint32_t> parents;  // in the trace

  TreeRows rows() const { return {counts, deltas}; }
};

Forest random_forest(Random& random) {
  Forest forest;
  const size_t traces = 1 + random() % 12;
  for (size_t t = 0; t < traces; ++t) {
    const auto count = static_cast<uint32_t>(1 + random() % (random() % 4 == 0 ? 150 : 12));
    const uint64_t steepness = 1 + random() % 4;
    std::vector<uint32_t> open;  // the last row and those above it
    for (uint32_t i = 0; i < count; ++i) {
      while (!open.empty() && random() % steepness == 0) open.pop_back();
      const bool root = random() % 2 == 0;
      forest.deltas.push_back(open.empty() ? (root ? 0 : 1) : 1 + i - open.back());
      forest.parents.push_back(open.empty() ? (root ? model::kRoot : model::kOrphan) : open.back());
      open.push_back(i);
    }
    forest.counts.push_back(count);
  }
  return forest;
}

std::vector<RowBits> random_leaves(Random& random, uint32_t rows) {
  std::vector<RowBits> leaves(kLeaves);
  for (RowBits& leaf : leaves) {
    leaf.reset(rows);
    const uint64_t rarity = uint64_t{1} << random() % 8;
    for (uint32_t row = 0; row < rows; ++row) {
      if (random() % rarity == 0) leaf.add(row);
    }
  }
  return leaves;
}

// Leaves as attributes a, b, c, d, true or missing.
class View final : public eval::ColumnView {
 public:
  View(const Forest& forest, const std::vector<RowBits>& leaves) : forest_(forest), leaves_(leaves) {}

  eval::FieldId bind(const query::Attribute& attribute) override {
    return attribute.name.size() == 1 ? static_cast<eval::FieldId>(attribute.name[0] - 'a') : kLeaves;
  }
  eval::FieldId bind(query::Intrinsic /*intrinsic*/) override { return kLeaves; }
  eval::FieldFacts facts(eval::FieldId /*field*/) override { return {}; }
  void read(eval::FieldId field, std::span<const uint32_t> rows, eval::ValueColumn& out) override {
    out.reset(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const bool chosen = field < kLeaves && leaves_[field].contains(rows[i]);
      out.set(i, chosen ? eval::Value{eval::ValueKind::Bool, 1} : eval::Value{});
    }
  }
  void read_links(std::span<const uint32_t> /*rows*/, std::span<model::SpanLink> /*out*/) override { CHECK(false); }
  bool knows_trees() const override { return true; }
  void read_tree(std::span<const uint32_t> rows, std::span<uint32_t> parents, std::span<uint32_t> preorder) override {
    for (size_t i = 0; i < rows.size(); ++i) parents[i] = forest_.parents[rows[i]];
    std::iota(preorder.begin(), preorder.end(), 0);
  }
  std::optional<eval::StringCode> code(std::string_view /*text*/) const override { return std::nullopt; }
  std::string_view text(eval::StringCode /*code*/) const override { return {}; }

 private:
  const Forest& forest_;
  const std::vector<RowBits>& leaves_;
};

RowBits chosen_by_evaluator(const query::Query& query, const Forest& forest, const std::vector<RowBits>& leaves) {
  View view(forest, leaves);
  eval::Evaluator evaluator = MUST(eval::Evaluator::bind(query, view));  // there are no patterns
  std::vector<uint32_t> rows(forest.deltas.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<uint32_t> ends(forest.counts.size());
  std::inclusive_scan(forest.counts.begin(), forest.counts.end(), ends.begin());
  const std::vector<uint64_t> durations(ends.size());
  eval::Matches matches;
  EXPECT_TRUE(evaluator.run({rows, ends, durations}, matches));
  RowBits chosen;
  chosen.reset(static_cast<uint32_t>(rows.size()));
  for (const uint32_t position : matches.positions) chosen.add(position);
  return chosen;
}

query::SpansetPtr leaf(uint32_t number) {
  query::FieldExpr field;
  field.node = query::Attribute{query::Scope::Any, std::string(1, static_cast<char>('a' + number))};
  query::SpansetExpr filter;
  filter.node = query::Filter{std::make_unique<const query::FieldExpr>(std::move(field))};
  filter.height = 2;
  return std::make_unique<const query::SpansetExpr>(std::move(filter));
}

query::SpansetPtr join(SpansetOp op, query::SpansetPtr left, query::SpansetPtr right) {
  query::SpansetExpr made;
  made.height = static_cast<uint16_t>(1 + std::max(left->height, right->height));
  made.node = query::Join{op, std::move(left), std::move(right)};
  return std::make_unique<const query::SpansetExpr>(std::move(made));
}

SpansetOp random_operator(Random& random) { return static_cast<SpansetOp>(random() % kOperators); }

// Over leaves [first, first + count), each once and in this order.
query::SpansetPtr random_tree(Random& random, uint32_t first, uint32_t count) {
  if (count == 1) return leaf(first);
  const auto left = static_cast<uint32_t>(1 + random() % (count - 1));
  query::SpansetPtr on_left = random_tree(random, first, left);
  return join(random_operator(random), std::move(on_left), random_tree(random, first + left, count - left));
}

TEST(RowJoins, ChooseWhatTheEvaluatorChooses) {
  const uint64_t seed = eval::testing::seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  std::vector<uint64_t> found(kOperators);
  for (int round = 0; round < 300; ++round) {
    const Forest forest = random_forest(random);
    const std::vector<RowBits> leaves = random_leaves(random, static_cast<uint32_t>(forest.deltas.size()));
    for (uint32_t op = 0; op < kOperators; ++op) {
      const query::Query query{join(static_cast<SpansetOp>(op), leaf(0), leaf(1))};
      RowJoins joins(query);
      const RowBits& chosen = joins.choose(forest.rows(), leaves);
      ASSERT_EQ(chosen, chosen_by_evaluator(query, forest, leaves)) << query::to_string(query);
      chosen.for_each([&](uint32_t) { ++found[op]; });
    }
    for (int i = 0; i < 20; ++i) {
      const query::Query query{random_tree(random, 0, kLeaves)};
      RowJoins joins(query);
      // Again and again, as for one row group after the other.
      for (int again = 0; again < 2; ++again) {
        ASSERT_EQ(joins.choose(forest.rows(), leaves), chosen_by_evaluator(query, forest, leaves))
            << query::to_string(query);
      }
    }
  }
  for (const uint64_t spans : found) EXPECT_GT(spans, 100u);
}

TEST(RowJoins, MoreRowsOfALeafChooseNoFewer) {
  const uint64_t seed = eval::testing::seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 1000; ++round) {
    const Forest forest = random_forest(random);
    const auto rows = static_cast<uint32_t>(forest.deltas.size());
    const std::vector<RowBits> leaves = random_leaves(random, rows);
    std::vector<RowBits> more = random_leaves(random, rows);
    for (uint32_t i = 0; i < kLeaves; ++i) more[i] |= leaves[i];
    const query::Query query{random_tree(random, 0, kLeaves)};
    RowJoins joins(query);
    RowBits chosen = joins.choose(forest.rows(), leaves);
    const RowBits chosen_of_more = joins.choose(forest.rows(), more);
    chosen.keep_where([&](uint32_t row) { return !chosen_of_more.contains(row); });
    ASSERT_FALSE(chosen.any()) << query::to_string(query);
  }
}

// What a damaged block says of parents is believed as little as that it leads nowhere.
TEST(RowJoins, AParentOutsideOfTheRowsIsNone) {
  const std::vector<uint32_t> counts = {3};
  const std::vector<uint32_t> deltas = {0, 3, UINT32_MAX};
  std::vector<RowBits> leaves(2);
  for (RowBits& each : leaves) each.reset(3, true);
  for (const SpansetOp op :
       {SpansetOp::Child, SpansetOp::Descendant, SpansetOp::Parent, SpansetOp::Ancestor, SpansetOp::Sibling}) {
    const query::Query query{join(op, leaf(0), leaf(1))};
    RowJoins joins(query);
    EXPECT_FALSE(joins.choose({counts, deltas}, leaves).any()) << query::to_string(query);
  }
}

TEST(RowJoins, LeavesBeyondTheGivenChooseEverything) {
  Random random(1);
  const Forest forest = random_forest(random);
  std::vector<RowBits> leaves = random_leaves(random, static_cast<uint32_t>(forest.deltas.size()));
  const query::Query query{random_tree(random, 0, kLeaves)};
  std::vector<RowBits> full = leaves;
  for (uint32_t i = 2; i < kLeaves; ++i) full[i].reset(full[i].rows(), true);
  RowJoins joins(query);
  const RowBits expected = joins.choose(forest.rows(), full);
  EXPECT_EQ(joins.choose(forest.rows(), std::span(leaves).first(2)), expected);
}

}  // namespace
}  // namespace clew::scan
