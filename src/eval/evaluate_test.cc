// SPDX-License-Identifier: Apache-2.0
//
// Proves that the evaluator means what docs/reference/traceql.md says: on random traces and random queries it chooses
// exactly the spans that the oracle, a naive evaluator on plain structs, chooses. Every pair of a trace and a query is
// looked at; the seed is printed on failure. The same holds for a view that is made as a block's is: rows in pre-order,
// parents known, texts that no dictionary holds.
#include "eval/evaluate.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <set>

#include "eval/batch_view.h"
#include "eval/testing/oracle.h"
#include "eval/testing/random_data.h"
#include "query/parse.h"

namespace clew::eval {
namespace {

using testing::PlainAttributes;
using testing::PlainSpan;

// Traces whose spans arrived mixed with each other, as one batch and as plain spans.
struct World {
  explicit World(testing::Random& random, size_t count) {
    std::vector<PlainSpan> mixed;
    for (uint64_t i = 1; i <= count; ++i) {
      traces.push_back(testing::random_trace(random, {0, i}));
      mixed.insert(mixed.end(), traces.back().begin(), traces.back().end());
      durations.push_back(random() % 40);
    }
    // Interleaves without changing the order within a trace.
    std::vector<size_t> next(count);
    std::vector<std::vector<uint32_t>> rows_of(count);
    std::vector<PlainSpan> arrived;
    while (arrived.size() < mixed.size()) {
      const size_t trace = random() % count;
      if (next[trace] == traces[trace].size()) continue;
      rows_of[trace].push_back(static_cast<uint32_t>(arrived.size()));
      arrived.push_back(traces[trace][next[trace]++]);
    }
    batch = testing::batch_of(arrived);
    for (const std::vector<uint32_t>& of_trace : rows_of) {
      rows.insert(rows.end(), of_trace.begin(), of_trace.end());
      ends.push_back(static_cast<uint32_t>(rows.size()));
    }
  }

  Traces chunk() const { return {rows, ends, durations}; }

  std::vector<std::vector<PlainSpan>> traces;
  std::vector<uint64_t> durations;
  std::vector<uint32_t> rows;
  std::vector<uint32_t> ends;
  model::SpanBatch batch;
};

// Looks at a world through a BatchView, whose rows it has in pre-order.
class PreorderView final : public ColumnView {
 public:
  explicit PreorderView(const World& world) : batch_(world.batch) {
    model::TraceTree tree;
    const Traces chunk = world.chunk();
    parents_.resize(world.batch.span_count());
    for (uint32_t trace = 0; trace < chunk.count(); ++trace) {
      const auto of_trace = chunk.rows.subspan(chunk.begin(trace), chunk.end(trace) - chunk.begin(trace));
      tree.build(world.batch, of_trace);
      std::vector<uint32_t> place(of_trace.size());
      for (uint32_t i = 0; i < place.size(); ++i) place[tree.preorder()[i]] = i;
      for (const uint32_t position : tree.preorder()) {
        const uint32_t parent = tree.parent(position);
        parents_[of_trace[position]] = model::is_top(parent) ? parent : place[parent];
        rows.push_back(of_trace[position]);
        arrival.push_back(position);
      }
    }
  }

  FieldId bind(const query::Attribute& attribute) override {
    const FieldId id = batch_.bind(attribute);
    if (attribute.scope == query::Scope::Resource) of_resource_.insert(id);
    return id;
  }
  FieldId bind(query::Intrinsic intrinsic) override { return batch_.bind(intrinsic); }
  FieldFacts facts(FieldId field) override { return {batch_.facts(field).may_exist, true}; }
  void read(FieldId field, std::span<const uint32_t> of, ValueColumn& out) override {
    batch_.read(field, of, out);
    if (of_resource_.contains(field)) return;  // those are codes in a block, too
    for (size_t i = 0; i < of.size(); ++i) out.set(i, as_text(out.get(i), out));
    for (Value& element : out.elements) element = as_text(element, out);
  }
  void read_links(std::span<const uint32_t> /*rows*/, std::span<model::SpanLink> /*out*/) override { FAIL(); }
  bool knows_trees() const override { return true; }
  void read_tree(std::span<const uint32_t> of, std::span<uint32_t> parents, std::span<uint32_t> preorder) override {
    std::ranges::transform(of, parents.begin(), [&](uint32_t row) { return parents_[row]; });
    std::iota(preorder.begin(), preorder.end(), 0);
  }
  std::optional<StringCode> code(std::string_view text) const override { return batch_.code(text); }
  std::string_view text(StringCode code) const override { return batch_.text(code); }

  std::vector<uint32_t> rows;
  std::vector<uint32_t> arrival;  // by position: the place in the trace's order of arrival

 private:
  Value as_text(Value value, ValueColumn& out) const {
    if (value.kind != ValueKind::String) return value;
    return out.text(batch_.text(static_cast<StringCode>(value.bits)));
  }

  BatchView batch_;
  std::set<FieldId> of_resource_;
  std::vector<uint32_t> parents_;  // by row
};

TEST(Evaluator, EqualsTheOracleOnRandomTracesAndQueries) {
  const uint64_t seed = testing::seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  testing::Random random(seed);
  constexpr int kWorlds = 60;
  constexpr int kQueriesPerWorld = 50;
  constexpr size_t kTracesPerWorld = 12;
  size_t pairs = 0;
  size_t chosen_spans = 0;
  for (int round = 0; round < kWorlds; ++round) {
    const World world(random, kTracesPerWorld);
    BatchView view(world.batch);
    for (int i = 0; i < kQueriesPerWorld; ++i) {
      const query::Query query = testing::random_query(random);
      Evaluator evaluator = MUST(Evaluator::bind(query, view));  // every pattern of random_query compiles
      Matches matches;
      ASSERT_TRUE(evaluator.run(world.chunk(), matches));
      ASSERT_FALSE(evaluator.gave_up());
      for (uint32_t trace = 0; trace < world.traces.size(); ++trace) {
        std::set<size_t> chosen;
        for (const uint32_t position : matches.of(trace)) chosen.insert(position - world.chunk().begin(trace));
        const std::set<size_t> expected = testing::choose(query, world.traces[trace], world.durations[trace]);
        ASSERT_EQ(chosen, expected) << "round " << round << ", query " << i << ", trace " << trace << "\n"
                                    << query::to_string(query);
        ++pairs;
        chosen_spans += chosen.size();
      }
    }
  }
  EXPECT_GE(pairs, 20'000u);
  EXPECT_GE(chosen_spans, 20'000u);  // the world is small enough for queries to find something
}

TEST(Evaluator, EqualsTheOracleWhereTheViewKnowsTheParents) {
  const uint64_t seed = testing::seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  testing::Random random(seed);
  size_t chosen_spans = 0;
  for (int round = 0; round < 40; ++round) {
    const World world(random, 12);
    PreorderView view(world);
    const Traces chunk{view.rows, world.ends, world.durations};
    for (int i = 0; i < 50; ++i) {
      const query::Query query = testing::random_query(random);
      Evaluator evaluator = MUST(Evaluator::bind(query, view));  // every pattern of random_query compiles
      Matches matches;
      ASSERT_TRUE(evaluator.run(chunk, matches));
      for (uint32_t trace = 0; trace < chunk.count(); ++trace) {
        std::set<size_t> chosen;
        for (const uint32_t position : matches.of(trace)) chosen.insert(view.arrival[position]);
        ASSERT_EQ(chosen, testing::choose(query, world.traces[trace], world.durations[trace]))
            << query::to_string(query);
        chosen_spans += chosen.size();
      }
    }
  }
  EXPECT_GE(chosen_spans, 10'000u);
}

}  // namespace
}  // namespace clew::eval
