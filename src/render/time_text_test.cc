// SPDX-License-Identifier: Apache-2.0
//
// Times against dates known from elsewhere (date -u), durations at the borders of their units.
#include "render/time_text.h"

#include <gtest/gtest.h>

namespace clew::render {
namespace {

TEST(TimeText, WritesEveryTimeOf64Bits) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_text(951'782'400 * kNanosPerSecond), "2000-02-29T00:00:00Z");
  EXPECT_EQ(time_text(1'795'200'536 * kNanosPerSecond + 123'000'000), "2026-11-20T18:48:56.123Z");
  EXPECT_EQ(time_text(1'795'200'536 * kNanosPerSecond + 123'456'000), "2026-11-20T18:48:56.123456Z");
  EXPECT_EQ(time_text(UINT64_MAX), "2554-07-21T23:34:33.709551615Z");
}

TEST(DurationText, KeepsThreeDigits) {
  EXPECT_EQ(duration_text(0), "0ns");
  EXPECT_EQ(duration_text(999), "999ns");
  EXPECT_EQ(duration_text(1000), "1µs");
  EXPECT_EQ(duration_text(1234), "1.23µs");
  EXPECT_EQ(duration_text(12'345, Charset::Ascii), "12.3us");
  EXPECT_EQ(duration_text(999'499), "999µs");
  EXPECT_EQ(duration_text(999'500), "1ms");
  EXPECT_EQ(duration_text(450'000'000), "450ms");
  EXPECT_EQ(duration_text(1'250'000'000), "1.25s");
  EXPECT_EQ(duration_text(59'949'000'000), "59.9s");
  EXPECT_EQ(duration_text(59'950'000'000), "1m00s");
  EXPECT_EQ(duration_text(123 * kNanosPerSecond), "2m03s");
  EXPECT_EQ(duration_text(3720 * kNanosPerSecond), "1h02m");
  EXPECT_EQ(duration_text(100 * 3600 * kNanosPerSecond), "4d04h");
  EXPECT_EQ(duration_text(UINT64_MAX), "213503d23h");
}

}  // namespace
}  // namespace clew::render
