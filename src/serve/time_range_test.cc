// SPDX-License-Identifier: Apache-2.0
//
// Times and durations in every spelling that is taken, against values worked out by `date -u -d`, and what is refused.
#include "serve/time_range.h"

#include <gtest/gtest.h>

namespace clew::serve {
namespace {

constexpr UnixNanos kNow = 1'795'200'536 * kNanosPerSecond;

TEST(ParseDuration, TakesUnitsFractionsAndSums) {
  EXPECT_EQ(parse_duration("0"), 0u);
  EXPECT_EQ(parse_duration("0s"), 0u);
  EXPECT_EQ(parse_duration("30s"), 30 * kNanosPerSecond);
  EXPECT_EQ(parse_duration("1.2s"), 1'200'000'000u);
  EXPECT_EQ(parse_duration("100ms"), 100'000'000u);
  EXPECT_EQ(parse_duration("500us"), 500'000u);
  EXPECT_EQ(parse_duration("500µs"), 500'000u);
  EXPECT_EQ(parse_duration("7ns"), 7u);
  EXPECT_EQ(parse_duration("1h30m"), 5400 * kNanosPerSecond);
  EXPECT_EQ(parse_duration("1m0.5s"), 60'500'000'000u);
  EXPECT_EQ(parse_duration("7d"), 604'800 * kNanosPerSecond);
  EXPECT_EQ(parse_duration("2w"), 1'209'600 * kNanosPerSecond);
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text : {"", "1", "s", "-1s", "1 s", "1.s", ".5s", "1x", "99999999999999999999s", "1000000w", "1s "})
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
}

TEST(ParseTime, TakesRfc3339) {
  EXPECT_EQ(parse_time("2026-11-20T18:48:56Z", 0), kNow);
  EXPECT_EQ(parse_time("2026-11-20T18:48:56.123456789Z", 0), kNow + 123'456'789);
  EXPECT_EQ(parse_time("2026-11-20T19:48:56+01:00", 0), kNow);
  EXPECT_EQ(parse_time("2026-11-20 13:18:56-05:30", 0), kNow);
  EXPECT_EQ(parse_time("1970-01-01T00:00:00Z", 0), 0u);
  EXPECT_EQ(parse_time("2000-02-29T00:00:00Z", 0), 951'782'400 * kNanosPerSecond);
  EXPECT_EQ(parse_time("2500-01-01T00:00:00Z", 0), 16'725'225'600 * kNanosPerSecond);
}

TEST(ParseTime, TellsUnitsOfNumbersBySize) {
  EXPECT_EQ(parse_time("1795200536", 0), kNow);
  EXPECT_EQ(parse_time("1795200536.25", 0), kNow + 250'000'000);
  EXPECT_EQ(parse_time("1795200536000", 0), kNow);
  EXPECT_EQ(parse_time("1795200536000000", 0), kNow);
  EXPECT_EQ(parse_time("1795200536000000000", 0), kNow);
}

TEST(ParseTime, CountsBackFromNow) {
  EXPECT_EQ(parse_time("now", kNow), kNow);
  EXPECT_EQ(parse_time("1h", kNow), kNow - 3600 * kNanosPerSecond);
  EXPECT_EQ(parse_time("now-1h", kNow), kNow - 3600 * kNanosPerSecond);
  EXPECT_EQ(parse_time("2000w", 5), 0u);
}

TEST(ParseTime, RefusesTheRest) {
  for (const char* text :
       {"", "yesterday", "2026-11-20", "2026-13-20T18:48:56Z", "2026-02-29T00:00:00Z", "-5", "2026-11-20T24:00:00Z",
        "2026-11-20T18:48:56", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_time(text, kNow).has_value()) << text;
}

}  // namespace
}  // namespace clew::serve
