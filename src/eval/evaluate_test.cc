// SPDX-License-Identifier: Apache-2.0
//
// Proves that the evaluator means what docs/reference/traceql.md says: on random traces and random queries it chooses
// exactly the spans that the oracle, a naive evaluator on plain structs, chooses. Every pair of a trace and a query is
// looked at; the seed is printed on failure.
#include "eval/evaluate.h"

#include <gtest/gtest.h>

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
using testing::PlainValue;

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

TEST(Evaluator, EqualsTheOracleOnRandomTracesAndQueries) {
  const char* given = std::getenv("CLEW_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
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

}  // namespace
}  // namespace clew::eval
