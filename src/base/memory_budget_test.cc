// SPDX-License-Identifier: Apache-2.0
//
// A share never exceeds its limit, shares do not borrow from each other, and what is reserved comes back exactly once.
#include "base/memory_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace clew {
namespace {

TEST(MemoryBudget, RefusesBeyondAShareAndLeavesTheOthers) {
  MemoryBudget budget(1000);
  EXPECT_EQ(budget.limit(Share::InFlight), 100u);
  EXPECT_TRUE(budget.try_reserve(Share::InFlight, 100));
  EXPECT_FALSE(budget.try_reserve(Share::InFlight, 1));
  EXPECT_FALSE(budget.try_reserve(Share::Head, UINT64_MAX));
  EXPECT_TRUE(budget.try_reserve(Share::Head, 400));
  budget.release(Share::InFlight, 100);
  EXPECT_TRUE(budget.try_reserve(Share::InFlight, 60));
  EXPECT_EQ(budget.used(Share::InFlight), 60u);
}

TEST(Reservation, GivesBackWhenItGoes) {
  MemoryBudget budget(1000);
  {
    Reservation first(budget, Share::InFlight);
    ASSERT_TRUE(first.grow(30));
    ASSERT_TRUE(first.grow(40));
    EXPECT_FALSE(first.grow(31));
    Reservation second = std::move(first);
    EXPECT_EQ(second.bytes(), 70u);
    // What a moved-from reservation holds is its contract.
    // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    EXPECT_EQ(first.bytes(), 0u);
    second.shrink_to(50);
    EXPECT_EQ(budget.used(Share::InFlight), 50u);
    Reservation third(budget, Share::InFlight);
    ASSERT_TRUE(third.grow(20));
    third = std::move(second);
    EXPECT_EQ(budget.used(Share::InFlight), 50u);
  }
  EXPECT_EQ(budget.used(Share::InFlight), 0u);
}

TEST(MemoryBudget, ManyThreadsNeverExceedTheLimit) {
  MemoryBudget budget(100'000);
  std::atomic<uint64_t> held = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        Reservation mine(budget, Share::Caches);
        if (!mine.grow(1 + i % 3000)) continue;
        ASSERT_LE(held.fetch_add(mine.bytes()) + mine.bytes(), budget.limit(Share::Caches));
        held.fetch_sub(mine.bytes());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.used(Share::Caches), 0u);
}

}  // namespace
}  // namespace clew
