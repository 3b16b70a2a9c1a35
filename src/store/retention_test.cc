// SPDX-License-Identifier: Apache-2.0
//
// Proves for each limit which blocks go and that no more go than must, by cases and by random stores where the limits
// must hold afterwards and the last block of each reason must have been needed.
#include "store/retention.h"

#include <gtest/gtest.h>

#include <random>

#include "platform/testing/seed.h"

namespace clew::store {
namespace {

using Expired = std::vector<ExpiredBlock>;

void add(ManifestState& state, ObjectId id, UnixNanos last_arrival, uint64_t bytes) {
  BlockEntry block;
  block.id = id;
  block.facts.last_arrival = last_arrival;
  block.facts.bytes = bytes;
  state.blocks[id] = block;
}

// Arrivals and ids run against each other.
ManifestState four_blocks() {
  ManifestState state;
  add(state, 1, 400, 10);
  add(state, 2, 300, 10);
  add(state, 3, 200, 10);
  add(state, 4, 100, 10);
  return state;
}

TEST(Retention, WithoutLimitsNothingGoes) {
  const ManifestState state = four_blocks();
  const ManifestState* const tenants[] = {&state};
  EXPECT_EQ(expired_blocks(tenants, {}, {.now = UINT64_MAX}), Expired{});
}

TEST(Retention, ByAgeOfTheLastArrival) {
  const ManifestState state = four_blocks();
  const ManifestState* const tenants[] = {&state};
  EXPECT_EQ(expired_blocks(tenants, {.age_nanos = 50}, {.now = 250}), (Expired{{0, 4, RetentionReason::Age}}));
  EXPECT_EQ(expired_blocks(tenants, {.age_nanos = 50}, {.now = 251}),
            (Expired{{0, 4, RetentionReason::Age}, {0, 3, RetentionReason::Age}}));
  EXPECT_EQ(expired_blocks(tenants, {.age_nanos = 50}, {.now = 10}), Expired{}) << "a clock that was set back";
}

TEST(Retention, ByBytesOfATenantTheFirstArrivalFirst) {
  const ManifestState a = four_blocks();
  ManifestState b = four_blocks();
  b.rollups[9] = {.id = 9, .bytes = 5};
  b.set_aside[8].id = 8;
  b.set_aside[8].facts.bytes = 5;
  const ManifestState* const tenants[] = {&a, &b};
  EXPECT_EQ(stored_bytes(b), 50U);
  EXPECT_EQ(expired_blocks(tenants, {.tenant_bytes_max = 40}, {}), (Expired{{1, 4, RetentionReason::TenantBytes}}));
}

TEST(Retention, ByBytesInAllWithTheJournal) {
  const ManifestState a = four_blocks();
  ManifestState b;
  add(b, 1, 150, 10);
  const ManifestState* const tenants[] = {&a, &b};
  EXPECT_EQ(expired_blocks(tenants, {.bytes_max = 60}, {.journal_bytes = 10}), Expired{});
  EXPECT_EQ(expired_blocks(tenants, {.bytes_max = 60}, {.journal_bytes = 21}),
            (Expired{{0, 4, RetentionReason::Bytes}, {1, 1, RetentionReason::Bytes}}));
}

TEST(Retention, AFullDiskIsFreed) {
  const ManifestState state = four_blocks();
  const ManifestState* const tenants[] = {&state};
  EXPECT_EQ(expired_blocks(tenants, {.free_bytes_min = 100}, {.free_bytes = 85}),
            (Expired{{0, 4, RetentionReason::FreeSpace}, {0, 3, RetentionReason::FreeSpace}}));
}

TEST(Retention, TakesWhatItMustAndNoMore) {
  const uint64_t first = platform::base_seed();
  for (uint64_t seed = first; seed < first + 2000; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<ManifestState> states(1 + random() % 3);
    for (ManifestState& state : states)
      for (ObjectId id = 1, count = random() % 8; id <= count; ++id) add(state, id, random() % 1000, 1 + random() % 50);
    std::vector<const ManifestState*> tenants;
    for (const ManifestState& state : states) tenants.push_back(&state);
    RetentionLimits limits;
    if (random() % 2 == 0) limits.age_nanos = random() % 1000;
    if (random() % 2 == 0) limits.tenant_bytes_max = random() % 300;
    if (random() % 2 == 0) limits.bytes_max = random() % 500;
    if (random() % 2 == 0) limits.free_bytes_min = random() % 500;
    const StorageUse use = {
        .now = 500 + random() % 1000, .journal_bytes = random() % 100, .free_bytes = random() % 500};

    // Which limit is broken by what is there?
    const auto broken = [&](RetentionReason reason, size_t tenant) {
      uint64_t all = use.journal_bytes;
      for (const ManifestState& state : states) all += stored_bytes(state);
      switch (reason) {
        case RetentionReason::TenantBytes:
          return stored_bytes(states[tenant]) > limits.tenant_bytes_max;
        case RetentionReason::Bytes:
          return all > limits.bytes_max;
        default:
          return false;
      }
    };
    uint64_t free_bytes = use.free_bytes;
    for (const ExpiredBlock& expired : expired_blocks(tenants, limits, use)) {
      ManifestState& state = states[expired.tenant];
      ASSERT_TRUE(state.blocks.contains(expired.id)) << "seed " << seed;
      const block::BlockFacts facts = state.blocks[expired.id].facts;
      const bool is_old = use.now > facts.last_arrival && use.now - facts.last_arrival > limits.age_nanos;
      ASSERT_EQ(expired.reason == RetentionReason::Age, is_old) << "seed " << seed;
      if (expired.reason == RetentionReason::FreeSpace) {
        ASSERT_LT(free_bytes, limits.free_bytes_min) << "seed " << seed;
      }
      if (expired.reason == RetentionReason::TenantBytes || expired.reason == RetentionReason::Bytes) {
        ASSERT_TRUE(broken(expired.reason, expired.tenant)) << "seed " << seed;
      }
      free_bytes += facts.bytes;
      state.blocks.erase(expired.id);
    }
    bool any_left = false;
    for (size_t i = 0; i < states.size(); ++i) {
      any_left |= !states[i].blocks.empty();
      ASSERT_FALSE(broken(RetentionReason::TenantBytes, i)) << "seed " << seed;
    }
    ASSERT_TRUE(!broken(RetentionReason::Bytes, 0) || !any_left) << "seed " << seed;
    ASSERT_TRUE(free_bytes >= limits.free_bytes_min || !any_left) << "seed " << seed;
  }
}

}  // namespace
}  // namespace clew::store
