// SPDX-License-Identifier: Apache-2.0
//
// What a long command tells: often and in place on a terminal, seldom and in lines of its own elsewhere.
#include "app/status_line.h"

#include <gtest/gtest.h>

namespace clew::app {
namespace {

struct HandClock : Clock {
  UnixNanos now() const override { return time; }
  uint64_t monotonic_nanos() const override { return time; }
  uint64_t time = 1;
};

template <class Show>
std::string shown(Show show) {
  ::testing::internal::CaptureStderr();
  show();
  std::fflush(stderr);
  return ::testing::internal::GetCapturedStderr();
}

TEST(StatusLine, IsWrittenAnewOnATerminal) {
  HandClock clock;
  StatusLine status(clock, true);
  EXPECT_EQ(shown([&] { status.show("one"); }), "\rone\x1b[K");
  EXPECT_EQ(shown([&] { status.show("two"); }), "") << "too soon";
  clock.time += StatusLine::kTerminalEveryNanos;
  EXPECT_EQ(shown([&] { status.show("three"); }), "\rthree\x1b[K");
  EXPECT_EQ(shown([&] { status.end(); }), "\r\x1b[K");
  EXPECT_EQ(shown([&] { status.end(); }), "");
}

TEST(StatusLine, IsFewLinesInALog) {
  HandClock clock;
  StatusLine status(clock, false);
  EXPECT_EQ(shown([&] { status.show("one"); }), "");
  clock.time += StatusLine::kLogEveryNanos;
  EXPECT_EQ(shown([&] { status.show("two"); }), "two\n");
  EXPECT_EQ(shown([&] { status.show("three"); }), "");
  EXPECT_EQ(shown([&] { status.end(); }), "");
}

TEST(ProgressBar, IsFullAtTheEnd) {
  EXPECT_EQ(progress_bar(0, 10, true), ">.......................   0%");
  EXPECT_EQ(progress_bar(5, 10, true), "============>...........  50%");
  EXPECT_EQ(progress_bar(10, 10, true), "======================== 100%");
  EXPECT_EQ(progress_bar(0, 0, true), "======================== 100%");
  EXPECT_EQ(progress_bar(1, 4, false), "━━━━━━╸─────────────────  25%");
}

}  // namespace
}  // namespace clew::app
