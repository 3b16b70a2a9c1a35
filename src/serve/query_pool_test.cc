// SPDX-License-Identifier: Apache-2.0
//
// The pool runs what fits, refuses what does not, and stops what runs when its time is up or the pool goes.
#include "serve/query_pool.h"

#include <gtest/gtest.h>

#include <latch>
#include <semaphore>

#include "platform/system_clock.h"

namespace clew::serve {
namespace {

TEST(QueryPool, RefusesWhatDoesNotFitTheQueue) {
  Metrics metrics;
  QueryPool pool({.threads = 1, .queue_max = 2, .timeout_nanos = kNanosPerSecond}, platform::system_clock(), metrics);
  std::latch running(1);
  std::binary_semaphore go_on(0);
  std::latch done(3);
  EXPECT_TRUE(pool.run([&](const Stop&) {
    running.count_down();
    go_on.acquire();
    done.count_down();
  }));
  running.wait();
  EXPECT_TRUE(pool.run([&](const Stop&) { done.count_down(); }));
  EXPECT_TRUE(pool.run([&](const Stop&) { done.count_down(); }));
  EXPECT_FALSE(pool.run([&](const Stop&) { ADD_FAILURE(); }));
  go_on.release();
  done.wait();
}

TEST(QueryPool, TellsAQueryThatItsTimeIsUp) {
  Metrics metrics;
  QueryPool pool({.threads = 1, .queue_max = 1, .timeout_nanos = kNanosPerMilli}, platform::system_clock(), metrics);
  std::latch done(1);
  ASSERT_TRUE(pool.run([&](const Stop& stop) {
    while (!stop.now()) {
    }
    EXPECT_EQ(stop.why(), Stop::Why::Timeout);
    done.count_down();
  }));
  done.wait();
}

TEST(QueryPool, StopsAQueryThatIsCancelled) {
  Metrics metrics;
  QueryPool pool({.threads = 1, .queue_max = 1, .timeout_nanos = 3600 * kNanosPerSecond}, platform::system_clock(),
                 metrics);
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  std::latch running(1);
  std::latch done(1);
  const auto query = [&](const Stop& stop) {
    running.count_down();
    while (!stop.now()) {
    }
    EXPECT_EQ(stop.why(), Stop::Why::Cancelled);
    done.count_down();
  };
  ASSERT_TRUE(pool.run(query, cancelled));
  running.wait();
  *cancelled = true;
  done.wait();
}

TEST(QueryPool, StopsRunningQueriesWhenItGoes) {
  Metrics metrics;
  std::latch running(1);
  std::atomic<bool> stopped{false};
  {
    QueryPool pool({.threads = 1, .queue_max = 1, .timeout_nanos = 3600 * kNanosPerSecond}, platform::system_clock(),
                   metrics);
    ASSERT_TRUE(pool.run([&](const Stop& stop) {
      running.count_down();
      while (!stop.now()) {
      }
      stopped = stop.why() == Stop::Why::Cancelled;
    }));
    running.wait();
  }
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace clew::serve
