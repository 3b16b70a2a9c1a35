// SPDX-License-Identifier: Apache-2.0
//
// Proves that buckets are what the format says they are, that adding up is exact whatever the order, and that a
// quantile errs by no more than 1.09 % and the rounding to a nanosecond, against sorted values.
#include "rollup/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace clew::rollup {
namespace {

uint64_t random_value(std::mt19937_64& random) { return random() >> (random() % 64); }

TEST(Histogram, BucketsMeetAndHoldWhatTheirBoundsSay) {
  EXPECT_EQ(bucket_of(1), kBucketMin);
  EXPECT_EQ(bucket_of(2), 31);
  EXPECT_EQ(bucket_of(UINT64_MAX), kBucketMax);
  EXPECT_EQ(upper_bound_of(kBucketMin), 1u);
  EXPECT_EQ(upper_bound_of(kBucketMax), UINT64_MAX);
  for (int16_t i = kBucketMin; i < kBucketMax; ++i) {
    const uint64_t bound = upper_bound_of(i);
    // 64 bits of precision: what long double says of a bound is right but for its last bit.
    const long double exact = exp2l(static_cast<long double>(i + 1) / 32);
    EXPECT_LE(std::fabs(static_cast<long double>(bound) / exact - 1.0L), 1.0L / exact + 0x1p-62L) << i;
    EXPECT_GT(bucket_of(bound + 1), i);
    EXPECT_LE(bucket_of(bound), i);
    if (i == kBucketMin || upper_bound_of(static_cast<int16_t>(i - 1)) < bound) {
      EXPECT_EQ(bucket_of(bound), i);
    }
  }
}

TEST(Histogram, BucketOfRandomValues) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200'000; ++round) {
    const uint64_t value = std::max<uint64_t>(random_value(random), 1);
    const int16_t bucket = bucket_of(value);
    ASSERT_LE(value, upper_bound_of(bucket));
    if (bucket > kBucketMin) {
      ASSERT_GT(value, upper_bound_of(static_cast<int16_t>(bucket - 1)));
    }
  }
}

TEST(Histogram, AddsUpInWhateverOrderAndTakesAway) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<Histogram> parts(4);
    Histogram whole;
    for (int i = 0; i < 60; ++i) {
      const uint64_t value = random() % 5 == 0 ? 0 : random_value(random);
      const int64_t count = static_cast<int64_t>(random() % 5) - 2;
      if (count == 0) continue;
      parts[random() % parts.size()].add(value, count);
      whole.add(value, count);
    }
    std::ranges::shuffle(parts, random);
    Histogram sum;
    for (const Histogram& part : parts) sum.merge(part);
    ASSERT_EQ(sum, whole);
    ASSERT_TRUE(std::ranges::is_sorted(sum.buckets, {}, &Bucket::index));
    for (const Histogram& part : parts) sum.merge(part, -1);
    ASSERT_TRUE(sum.is_zero());
  }
}

TEST(Histogram, QuantilesErrByAboutOnePercent) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint64_t> values(1 + random() % 400);
    std::lognormal_distribution<double> durations(static_cast<double>(random() % 40), 2.0);
    for (uint64_t& value : values)
      value = random() % 20 == 0 ? 0 : static_cast<uint64_t>(std::min(durations(random), 1e18));
    Histogram histogram;
    for (const uint64_t value : values) histogram.add(value);
    std::ranges::sort(values);
    for (const double q : {0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0}) {
      const size_t rank = std::max<size_t>(static_cast<size_t>(std::ceil(q * static_cast<double>(values.size()))), 1);
      const auto exact = static_cast<double>(values[rank - 1]);
      ASSERT_NEAR(static_cast<double>(histogram.quantile(q)), exact, exact * 0.0109 + 0.5) << q;
    }
  }
}

TEST(Histogram, EmptyAndNegativeOnesHaveNoQuantile) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  histogram.add(1000, -1);
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  EXPECT_EQ(histogram.count(), -1);
  histogram.add(1000);
  EXPECT_TRUE(histogram.is_zero());
}

TEST(Histogram, ABrokenClockDoesNotSpoilTheSum) {
  Histogram histogram;
  histogram.add(UINT64_MAX);
  histogram.add(5, 3);
  EXPECT_EQ(histogram.sum_nanos, static_cast<int64_t>(kSumNanosMax) + 15);
}

}  // namespace
}  // namespace clew::rollup
