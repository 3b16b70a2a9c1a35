// SPDX-License-Identifier: Apache-2.0
//
// A filter never denies what was added, and lets through about as much else as its bits per hash promise, for random
// hashes as for ids that were counted up by hand.
#include "block/filter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace clew::block {
namespace {

// Of 12 bits per hash, with room for chance: the seed is fixed.
constexpr double kPassMax = 0.008;

double share_that_passes(const std::vector<uint64_t>& added, const std::vector<uint64_t>& others) {
  FilterBuilder builder(added.size());
  for (const uint64_t hash : added) builder.add(hash);
  const Bytes filter = as_bytes(builder.bytes());
  EXPECT_LE(filter.size() * 8, added.size() * kFilterBitsPerHash + 256);
  for (const uint64_t hash : added) EXPECT_TRUE(may_hold(filter, hash));
  size_t passed = 0;
  for (const uint64_t hash : others) passed += may_hold(filter, hash) ? 1 : 0;
  return static_cast<double>(passed) / static_cast<double>(others.size());
}

TEST(Filter, RandomHashes) {
  for (const size_t count : {1000u, 100'000u}) {
    std::mt19937_64 random(7);
    std::vector<uint64_t> added(count);
    std::vector<uint64_t> others(200'000);
    for (uint64_t& hash : added) hash = random();
    for (uint64_t& hash : others) hash = random();
    EXPECT_LT(share_that_passes(added, others), kPassMax) << count;
  }
}

TEST(Filter, IdsMadeByHand) {
  std::vector<uint64_t> added;
  std::vector<uint64_t> others;
  for (uint64_t i = 1; i <= 20'000; i++) {
    added.push_back(filter_hash(model::TraceId{0, i}));
    added.push_back(filter_hash(model::TraceId{i << 32, 0}));
    others.push_back(filter_hash(model::TraceId{0, 20'000 + i}));
    others.push_back(filter_hash(model::TraceId{(20'000 + i) << 32, 0}));
    others.push_back(filter_hash(model::TraceId{i, i}));
  }
  EXPECT_LT(share_that_passes(added, others), kPassMax);
}

TEST(Filter, Texts) {
  std::vector<uint64_t> added;
  std::vector<uint64_t> others;
  for (int i = 0; i < 20'000; i++) {
    added.push_back(filter_hash("/api/products/" + std::to_string(i)));
    others.push_back(filter_hash("/api/products/" + std::to_string(i) + "/"));
  }
  EXPECT_LT(share_that_passes(added, others), kPassMax);
}

TEST(Filter, EmptyHoldsNothing) {
  EXPECT_TRUE(FilterBuilder(0).bytes().empty());
  EXPECT_FALSE(may_hold({}, 1));
  const FilterBuilder none_added(5);
  EXPECT_FALSE(may_hold(as_bytes(none_added.bytes()), 1));
}

// The hashes lie in files: docs/format/block.md has these examples.
TEST(Filter, HashesNeverChange) {
  EXPECT_EQ(filter_hash(""), 0x2d06800538d394c2u);
  EXPECT_EQ(filter_hash("clew"), 0x1e4fd5a1c211d545u);
  EXPECT_EQ(filter_hash(model::TraceId{0, 0}), 0x48218226ff3cd4bfu);
  EXPECT_EQ(filter_hash(model::TraceId{0x0123456789abcdef, 0xfedcba9876543210}), 0xf965a36452048402u);
}

// A filter cut short does not deny what a whole one holds.
TEST(Filter, OddLengthsAreRead) {
  const std::string odd(45, '\0');
  for (size_t size = 1; size <= odd.size(); size++) {
    const bool may = may_hold(as_bytes(odd).first(size), 42);
    EXPECT_EQ(may, size < 32);
  }
}

}  // namespace
}  // namespace clew::block
