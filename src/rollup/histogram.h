// SPDX-License-Identifier: Apache-2.0
//
// rollup::Histogram counts durations in base-2 exponential buckets of scale 5: bucket i holds the whole nanoseconds in
// (2^(i/32), 2^((i+1)/32)]. Histograms add up exactly, in whatever order, and counts may be negative where one is the
// difference of two. docs/format/rollup.md, section 1.
//
// A quantile read from one errs by 1.083 % at most, and by rounding to a whole nanosecond.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace clew::rollup {

constexpr int16_t kBucketMin = -1;    // 1 ns
constexpr int16_t kBucketMax = 2047;  // up to 2^64 - 1 ns
// What one value adds to a sum at most, so that the broken clocks of a few spans do not spoil it.
constexpr uint64_t kSumNanosMax = uint64_t{1} << 50;

int16_t bucket_of(uint64_t nanos);  // nanos > 0
// The upper bound in nanoseconds, rounded down.
uint64_t upper_bound_of(int16_t bucket);

// Sums and counts wrap: a wrong number, which only damaged or absurd input can make, must not be more than that.
constexpr int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
constexpr int64_t wrapping_multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

struct Bucket {
  int16_t index = 0;
  int64_t count = 0;
  friend bool operator==(const Bucket&, const Bucket&) = default;
};

// A histogram that lies elsewhere.
struct HistogramView {
  int64_t zero_count = 0;
  int64_t sum_nanos = 0;
  std::span<const Bucket> buckets;
};

struct Histogram {
  int64_t zero_count = 0;
  int64_t sum_nanos = 0;
  std::vector<Bucket> buckets;  // ascending index, count not zero

  void add(uint64_t nanos, int64_t count = 1);
  // Adds the other's counts `times` times; -1 takes them away.
  void merge(const HistogramView& other, int64_t times = 1);
  int64_t count() const;
  bool is_zero() const { return zero_count == 0 && sum_nanos == 0 && buckets.empty(); }
  // The q-th quantile (0 to 1, nearest rank) in nanoseconds; 0 for an empty one. Counts below zero are taken as zero.
  uint64_t quantile(double q) const;

  operator HistogramView() const { return {zero_count, sum_nanos, buckets}; }  // NOLINT(google-explicit-constructor)
  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  void add_to_bucket(int16_t index, int64_t count);
  void merge_buckets(std::span<const Bucket> other, int64_t times);
};

}  // namespace clew::rollup
