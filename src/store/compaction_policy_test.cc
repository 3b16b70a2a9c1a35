// SPDX-License-Identifier: Apache-2.0
//
// Proves by running long ingests through the policy, with seals of all sizes, what it promises: no span is written more
// than three times, blocks stay few, and force ends with as few as possible.
#include "store/compaction_policy.h"

#include <gtest/gtest.h>

#include <random>

#include "platform/testing/seed.h"

namespace clew::store {
namespace {

using platform::base_seed;

// A tenant whose compactions do what a plan says.
struct Tenant {
  ManifestState state;
  CompactionLimits limits;
  uint64_t spans_sealed = 0;
  uint64_t spans_written = 0;
  uint64_t jobs = 0;

  void add(uint64_t spans, uint32_t level) {
    BlockEntry block;
    block.id = state.next_id++;
    block.level = level;
    block.facts.span_count = spans;
    block.facts.bytes = spans * 40;
    state.blocks[block.id] = block;
    spans_written += spans;
  }
  void seal(uint64_t spans) {
    add(spans, 0);
    spans_sealed += spans;
  }
  bool compact() {
    const std::optional<CompactionPlan> plan = next_compaction(state, limits);
    if (!plan) return false;
    ++jobs;
    EXPECT_GE(plan->inputs.size(), 2U);
    EXPECT_LE(plan->inputs.size(), kBlocksPerJob);
    EXPECT_LE(plan->level, kLevelMax);
    uint64_t spans = 0;
    for (size_t i = 0; i < plan->inputs.size(); ++i) {
      EXPECT_TRUE(i == 0 || plan->inputs[i - 1] < plan->inputs[i]);
      const auto block = state.blocks.find(plan->inputs[i]);
      if (block == state.blocks.end()) {
        ADD_FAILURE() << "no such block";
        return false;
      }
      EXPECT_LT(block->second.level, plan->level);
      EXPECT_LT(block->second.facts.span_count, block::kBlockSpansMax / 2);
      spans += block->second.facts.span_count;
      state.blocks.erase(block);
    }
    EXPECT_LE(plan->output_spans_max, block::kBlockSpansMax);
    const uint64_t most = std::min(plan->output_spans_max, plan->output_bytes_max / 40);
    while (spans > 0) {
      const uint64_t output = std::min(spans, most - std::min<uint64_t>(most / 2, 30'000));  // row groups do not fit
      add(output, plan->level);
      spans -= output;
    }
    return true;
  }
  size_t count(uint32_t level) const {
    size_t blocks = 0;
    for (const auto& [id, block] : state.blocks) blocks += block.level == level ? 1 : 0;
    return blocks;
  }
};

TEST(CompactionPolicy, LeavesFewBlocksAlone) {
  Tenant tenant;
  for (size_t i = 1; i < kBlocksPerJob; ++i) tenant.seal(1000);
  EXPECT_FALSE(tenant.compact());
  tenant.seal(1000);
  EXPECT_TRUE(tenant.compact());
  EXPECT_FALSE(tenant.compact());
  EXPECT_EQ(tenant.count(1), 1U);
}

TEST(CompactionPolicy, LongIngestIsWrittenAtMostThreeTimesAndStaysInFewBlocks) {
  for (uint64_t seed = base_seed(); seed < base_seed() + 30; ++seed) {
    std::mt19937_64 random(seed);
    Tenant tenant;
    const uint64_t typical = uint64_t{1} << (8 + random() % 15);
    uint64_t seals = 0;
    for (; seals < 5000; ++seals) {
      tenant.seal(1 + random() % typical * (random() % 50 == 0 ? 4 : 1));
      while (tenant.compact()) {
      }
      ASSERT_LE(tenant.spans_written, 3 * tenant.spans_sealed) << "seed " << seed;
      // Small ones of each lower level, one of level 2 for those that make a job of jobs, and large ones.
      const uint64_t bound = 2 * (kBlocksPerJob - 1) + seals / (kBlocksPerJob * kBlocksPerJob) + 1 +
                             3 * tenant.spans_sealed / block::kBlockSpansMax;
      ASSERT_LE(tenant.state.blocks.size(), bound) << "seed " << seed << " seal " << seals;
    }
    ASSERT_GT(tenant.jobs, 0U);
  }
}

TEST(CompactionPolicy, OutputsAreSmallAgainstTheBytesOfTheTenant) {
  Tenant tenant;
  tenant.limits.tenant_bytes_max = 20'000'000;  // units of 1 MB are 25,000 spans
  for (int i = 0; i < 400; ++i) {
    tenant.seal(1000);
    while (tenant.compact()) {
    }
  }
  EXPECT_LE(tenant.spans_written, 3 * tenant.spans_sealed);
  for (const auto& [id, block] : tenant.state.blocks) EXPECT_LE(block.facts.bytes, 1'000'000U);
}

TEST(CompactionPolicy, ForceLeavesNothingToDo) {
  for (uint64_t seed = base_seed(); seed < base_seed() + 200; ++seed) {
    std::mt19937_64 random(seed);
    Tenant tenant;
    for (uint64_t i = 0, count = random() % 70; i < count; ++i) {
      tenant.seal(1 + random() % 50'000);
      if (random() % 2 == 0) tenant.compact();
    }
    tenant.limits.urgency = Urgency::Forced;
    while (tenant.compact()) {
    }
    EXPECT_LE(tenant.count(0) + tenant.count(1), 1U) << "seed " << seed;
    EXPECT_LE(tenant.count(2), 2U) << "seed " << seed;
    EXPECT_LE(tenant.spans_written, 3 * tenant.spans_sealed) << "seed " << seed;
  }
}

}  // namespace
}  // namespace clew::store
