// SPDX-License-Identifier: Apache-2.0
//
// The bucket of a value without a logarithm. With w = value - 1 and e its highest bit, the octave is e, and the part of
// it is the number of bounds 2^(e + k/32), k = 1 to 31, that lie below the value, which is below w + 1. Moved up to the
// highest octave, the value's place ends in ones. A 64th of an octave has at most one bound in it, so the six bits
// below the highest give all but one comparison.
#include "rollup/histogram.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace clew::rollup {
namespace {

constexpr int kScale = 5;
constexpr int kPerOctave = 1 << kScale;
// Fewer are looked for one by one.
constexpr size_t kFewBuckets = 4;

// 2^(63 + k/32), rounded down.
constexpr std::array<uint64_t, kPerOctave> kBounds = {
    0x8000000000000000, 0x82cd8698ac2ba1d7, 0x85aac367cc487b14, 0x88980e8092da8527, 0x8b95c1e3ea8bd6e6,
    0x8ea4398b45cd53c0, 0x91c3d373ab11c336, 0x94f4efa8fef70961, 0x9837f0518db8a96f, 0x9b8d39b9d54e5538,
    0x9ef5326091a111ad, 0xa27043030c496818, 0xa5fed6a9b15138ea, 0xa9a15ab4ea7c0ef8, 0xad583eea42a14ac6,
    0xb123f581d2ac258f, 0xb504f333f9de6484, 0xb8fbaf4762fb9ee9, 0xbd08a39f580c36be, 0xc12c4cca66709456,
    0xc5672a115506dadd, 0xc9b9bd866e2f27a2, 0xce248c151f8480e3, 0xd2a81d91f12ae45a, 0xd744fccad69d6af4,
    0xdbfbb797daf23755, 0xe0ccdeec2a94e111, 0xe5b906e77c8348a8, 0xeac0c6e7dd24392e, 0xefe4b99bdcdaf5cb,
    0xf5257d152486cc2c, 0xfa83b2db722a033a};

// For each 64th of an octave the bounds below or at its begin.
constexpr auto kFirstGuess = [] {
  std::array<uint8_t, 64> guess{};
  for (uint64_t part = 0; part < guess.size(); ++part) {
    const uint64_t begin = (64 + part) << 57;
    uint8_t k = 0;
    while (k + 1 < kPerOctave && kBounds[k + 1u] <= begin) ++k;
    guess[part] = k;
  }
  return guess;
}();

}  // namespace

int16_t bucket_of(uint64_t nanos) {
  DCHECK(nanos > 0);
  if (nanos == 1) return kBucketMin;
  const uint64_t below = nanos - 1;
  const int shift = std::countl_zero(below);
  const int octave = 63 - shift;
  const uint64_t last = below << shift | ((uint64_t{1} << shift) - 1);
  unsigned part = kFirstGuess[(last >> 57) & 63];
  if (part + 1 < kPerOctave && last >= kBounds[part + 1]) ++part;
  return static_cast<int16_t>(octave * kPerOctave + static_cast<int>(part));
}

uint64_t upper_bound_of(int16_t bucket) {
  DCHECK(bucket >= kBucketMin && bucket <= kBucketMax);
  if (bucket == kBucketMax) return UINT64_MAX;
  const unsigned bound = static_cast<unsigned>(bucket + 1);
  return kBounds[bound % kPerOctave] >> (63 - bound / kPerOctave);
}

void Histogram::add_to_bucket(int16_t index, int64_t count) {
  const auto at = std::lower_bound(buckets.begin(), buckets.end(), index,
                                   [](const Bucket& bucket, int16_t wanted) { return bucket.index < wanted; });
  if (at != buckets.end() && at->index == index) {
    at->count = wrapping_add(at->count, count);
    if (at->count == 0) buckets.erase(at);
  } else if (count != 0) {
    buckets.insert(at, {index, count});
  }
}

void Histogram::add(uint64_t nanos, int64_t count) {
  if (nanos == 0) {
    zero_count = wrapping_add(zero_count, count);
    return;
  }
  sum_nanos = wrapping_add(sum_nanos, wrapping_multiply(static_cast<int64_t>(std::min(nanos, kSumNanosMax)), count));
  add_to_bucket(bucket_of(nanos), count);
}

void Histogram::merge(const HistogramView& other, int64_t times) {
  zero_count = wrapping_add(zero_count, wrapping_multiply(other.zero_count, times));
  sum_nanos = wrapping_add(sum_nanos, wrapping_multiply(other.sum_nanos, times));
  if (other.buckets.size() <= kFewBuckets) {
    for (const Bucket& bucket : other.buckets) add_to_bucket(bucket.index, wrapping_multiply(bucket.count, times));
  } else {
    merge_buckets(other.buckets, times);
  }
}

// Room for those that are new is made at the end, and both lists are merged from there, in place.
void Histogram::merge_buckets(std::span<const Bucket> other, int64_t times) {
  size_t mine = buckets.size();
  size_t theirs = other.size();
  size_t fresh = 0;
  for (size_t at = 0; const Bucket& bucket : other) {
    while (at < mine && buckets[at].index < bucket.index) ++at;
    if (at == mine || buckets[at].index != bucket.index) ++fresh;
  }
  buckets.resize(mine + fresh);
  bool vanished = false;
  for (size_t to = buckets.size(); theirs > 0; --to) {
    const Bucket& from = other[theirs - 1];
    if (mine > 0 && buckets[mine - 1].index > from.index) {
      buckets[to - 1] = buckets[mine - 1];
      --mine;
      continue;
    }
    int64_t count = wrapping_multiply(from.count, times);
    if (mine > 0 && buckets[mine - 1].index == from.index) {
      count = wrapping_add(buckets[mine - 1].count, count);
      --mine;
    }
    buckets[to - 1] = {from.index, count};
    vanished |= count == 0;
    --theirs;
  }
  if (vanished) std::erase_if(buckets, [](const Bucket& bucket) { return bucket.count == 0; });
}

int64_t Histogram::count() const {
  int64_t count = zero_count;
  for (const Bucket& bucket : buckets) count = wrapping_add(count, bucket.count);
  return count;
}

uint64_t Histogram::quantile(double q) const {
  const auto counted = [](int64_t count) { return static_cast<double>(std::max<int64_t>(count, 0)); };
  double total = counted(zero_count);
  for (const Bucket& bucket : buckets) total += counted(bucket.count);
  if (total == 0) return 0;
  // Products such as 0.99 * 100 may come out just above the whole number that they are.
  const double rank = std::max(std::ceil(q * total * (1 - 1e-14)), 1.0);
  double passed = counted(zero_count);
  if (passed >= rank) return 0;
  for (const Bucket& bucket : buckets) {
    passed += counted(bucket.count);
    if (passed < rank) continue;
    // Of all numbers in the bucket this one is the least wrong, in proportion, for whatever value stands for it.
    static const double growth = std::exp2(1.0 / kPerOctave);
    const double upper = std::exp2(static_cast<double>(bucket.index + 1) / kPerOctave);
    const double value = upper * 2 / (growth + 1);
    return value >= 0x1p64 ? UINT64_MAX : static_cast<uint64_t>(std::round(value));
  }
  return 0;
}

}  // namespace clew::rollup
