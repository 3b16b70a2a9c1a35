// SPDX-License-Identifier: Apache-2.0
//
// Proves that a prefilter leaves no span out: on random blocks and random conditions, every span that the evaluator
// chooses is among the rows that the prefilter lets through; and that it is worth having: it leaves most out.
#include "scan/prefilter.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "eval/evaluate.h"
#include "eval/testing/random_data.h"
#include "query/parse.h"
#include "scan/block_view.h"
#include "scan/leaves.h"
#include "scan/testing/scattered_snapshot.h"

namespace clew::scan {
namespace {

using eval::testing::Random;
using eval::testing::seed_of_run;

constexpr UnixNanos kReceived = 1'700'000'000'000'000'000;

testing::ScatterOptions random_options(Random& random) {
  testing::ScatterOptions options;
  options.layout.rows_max = static_cast<uint32_t>(20 + random() % 200);
  if (random() % 2 == 0) options.writer.names_max = static_cast<uint32_t>(random() % 4);
  if (random() % 2 == 0) options.writer.attribute_columns_max = static_cast<uint32_t>(random() % 20);
  if (random() % 2 == 0) options.writer.dictionary_entries_max = static_cast<uint32_t>(random() % 4);
  return options;
}

struct Counts {
  uint64_t rows = 0;
  uint64_t let_through = 0;
  uint64_t chosen = 0;
};

void check(const query::Query& query, const block::Block& block, const std::shared_ptr<const block::Tables>& tables,
           const std::shared_ptr<const block::Block>& shared, Counts& counts) {
  const auto& filter = std::get<query::Filter>(query.spans->node);
  Prefilter prefilter = MUST(Prefilter::compile(*filter.condition, block, tables));  // the block is whole
  BlockView view(shared, tables);
  eval::Evaluator evaluator = MUST(eval::Evaluator::bind(query, view));  // every pattern compiles
  RowBits bits;
  for (uint32_t i = 0; i < block.row_groups().size(); ++i) {
    block::RowGroup group = MUST(block.row_group(i));
    if (prefilter.is_never()) {
      bits.reset(group.row_count());
    } else {
      ASSERT_TRUE(prefilter.select(group, bits).ok());
    }
    std::vector<uint32_t> rows(group.row_count());
    std::iota(rows.begin(), rows.end(), 0);
    std::vector<uint32_t> ends;
    std::vector<uint64_t> durations;
    for (const block::TraceRows& trace : MUST(group.traces())) {
      ends.push_back(trace.first_row + trace.row_count);
      durations.push_back(trace.summary.end - trace.summary.start);
    }
    view.move_to(group);
    eval::Matches matches;
    ASSERT_TRUE(evaluator.run({rows, ends, durations}, matches));
    ASSERT_FALSE(view.error());
    for (const uint32_t row : matches.positions) ASSERT_TRUE(bits.contains(row)) << query::to_string(query);
    counts.rows += rows.size();
    counts.chosen += matches.positions.size();
    for (const uint32_t row : rows) counts.let_through += bits.contains(row) ? 1 : 0;
  }
}

TEST(Prefilter, LeavesNoSpanOut) {
  const uint64_t seed = seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Counts counts;
  for (int round = 0; round < 10; ++round) {
    const auto head = std::make_shared<store::Head>();
    for (uint64_t i = 1; i <= 80; ++i) {
      head->append(eval::testing::batch_of(eval::testing::random_trace(random, {0, i})), kReceived + i);
    }
    testing::ScatteredSnapshot sealed;
    sealed.add_block(*head, random_options(random));
    const auto& block = sealed.snapshot().blocks[0]->shared_block();
    const auto tables = MUST(block->tables());  // the block is whole
    for (int i = 0; i < 60; ++i) {
      query::Query query = eval::testing::random_query(random);
      const Leaves leaves(query);
      for (uint32_t leaf = 0; leaf < leaves.count(); ++leaf) {
        // A filter alone is a query; local() is one, and the whole condition is what a block is asked.
        check(leaves.local(leaf), *block, tables, block, counts);
        if (HasFatalFailure()) return;
      }
      if (leaves.count() == 1) check(query, *block, tables, block, counts);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(counts.chosen, counts.rows / 20);
  EXPECT_LT(counts.let_through, counts.rows * 3 / 4);
}

}  // namespace
}  // namespace clew::scan
