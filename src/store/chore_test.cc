// SPDX-License-Identifier: Apache-2.0
//
// A chore runs when it is woken and when it is asked, tells everyone who asks what a round that began after the call
// has found, and leaves nobody waiting when it stops.
#include "store/chore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

namespace clew::store {
namespace {

constexpr std::chrono::hours kNever(1);

TEST(Chore, WhoAsksHearsOfARoundThatBeganLater) {
  std::atomic<uint64_t> written = 0;
  std::atomic<uint64_t> seen = 0;
  Chore chore("chore", kNever, [&](Chore::Call call) -> std::optional<Error> {
    EXPECT_EQ(call, Chore::Call::Asked);
    seen = written.load();
    return {};
  });
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        const uint64_t mine = ++written;
        EXPECT_TRUE(chore.ask().ok());
        EXPECT_GE(seen, mine);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Chore, TellsWhatWentWrong) {
  bool broken = true;
  Chore chore("chore", kNever, [&](Chore::Call) -> std::optional<Error> {
    if (broken) return Error(Code::DataLoss, "broken");
    return {};
  });
  EXPECT_EQ(chore.ask().error().code(), Code::DataLoss);
  broken = false;
  EXPECT_TRUE(chore.ask().ok());
}

TEST(Chore, RunsWhenItIsWoken) {
  std::promise<Chore::Call> called;
  std::atomic<bool> first = true;
  Chore chore("chore", kNever, [&](Chore::Call call) -> std::optional<Error> {
    if (first.exchange(false)) called.set_value(call);
    return {};
  });
  chore.wake();
  EXPECT_EQ(called.get_future().get(), Chore::Call::Usual);
}

TEST(Chore, WhoWaitsIsAnsweredWhenItStops) {
  std::promise<void> began;
  std::promise<void> go_on;
  Chore chore("chore", kNever, [&](Chore::Call) -> std::optional<Error> {
    began.set_value();
    go_on.get_future().wait();
    return {};
  });
  chore.wake();
  began.get_future().wait();
  // Comes too late for the round at hand, whether it asks before the stop or after.
  std::thread asks([&] { EXPECT_EQ(chore.ask().error().code(), Code::Unavailable); });
  std::thread stops([&] { chore.stop(); });
  while (!chore.stopping()) std::this_thread::yield();
  go_on.set_value();
  asks.join();
  stops.join();
}

}  // namespace
}  // namespace clew::store
