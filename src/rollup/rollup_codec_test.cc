// SPDX-License-Identifier: Apache-2.0
//
// Proves that a roll-up comes back from its bytes as it was, that equal content has equal bytes, that the example in
// docs/format/rollup.md is what is written, and that no cut, flipped bit or lie about a length passes for a roll-up.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "codec/crc32c.h"
#include "codec/hex.h"
#include "rollup/rollup.h"
#include "rollup/testing/recount.h"

namespace clew::rollup {
namespace {

constexpr UnixNanos kNow = 1'795'200'536 * kNanosPerSecond;

Rollup random_rollup(std::mt19937_64& random, int traces) {
  Rollup rollup;
  for (int i = 0; i < traces; ++i) {
    const auto trace = testing::random_trace(random, kNow + i * kNanosPerSecond);
    testing::add_red(rollup, trace);
    testing::add_trace_edges(rollup, trace, random() % 4 == 0 ? Sign::Remove : Sign::Add);
  }
  return rollup;
}

Rollup example() {
  Rollup rollup;
  const Minute minute = minute_of(kNow);
  rollup.add(minute, *rollup.series_id({"cart", "get", 2, 0}), 1000);
  rollup.add_edge({minute, {"shop", "cart", Peer::Service}, false, 1000}, Sign::Add);
  return rollup;
}

TEST(RollupCodec, TheExampleOfTheFormat) {
  std::string hex;
  for (const char byte : example().encode()) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<uint8_t>(byte) >> 4];
    hex += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  std::ifstream file(CLEW_SOURCE_DIR "/docs/format/rollup.md");
  ASSERT_TRUE(file.is_open());
  std::string line, documented;
  while (std::getline(file, line)) {
    // "0000   43 4c …   what it is": up to 16 bytes behind the place.
    if (line.size() < 8 || line.find_first_not_of("0123456789abcdef") != 4 || line.compare(4, 3, "   ") != 0) continue;
    const std::string bytes = line.substr(7, line.find("   ", 7) - 7);
    for (const char c : bytes)
      if (c != ' ') documented += c;
  }
  EXPECT_EQ(documented, hex);
}

TEST(RollupCodec, ComesBackAsItWas) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    const Rollup rollup = random_rollup(random, static_cast<int>(random() % 40));
    const std::string object = rollup.encode();
    const Rollup again = MUST(Rollup::decode(as_bytes(object)));
    ASSERT_TRUE(testing::content(again) == testing::content(rollup));
    ASSERT_EQ(again.minutes(), rollup.minutes());
    ASSERT_EQ(again.encode(), object);
  }
}

TEST(RollupCodec, ADecodedOneCanBeAddedTo) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Rollup loose = random_rollup(random, 30);
  Rollup packed = MUST(Rollup::decode(as_bytes(loose.encode())));
  const auto trace = testing::random_trace(random, kNow);
  for (Rollup* rollup : {&loose, &packed}) {
    testing::add_red(*rollup, trace);
    testing::add_trace_edges(*rollup, trace, Sign::Add);
  }
  EXPECT_TRUE(testing::content(packed) == testing::content(loose));
  EXPECT_EQ(packed.encode(), loose.encode());
}

TEST(RollupCodec, ManyCellsTakeManyChunks) {
  std::mt19937_64 random(1);
  Rollup rollup;
  for (int i = 0; i < 60'000; ++i) {
    const auto id = *rollup.series_id({"s", std::to_string(random() % 50), 2, 0});
    rollup.add(static_cast<Minute>(random() % 2000), id, random() >> (random() % 64));
  }
  const auto one = *rollup.series_id({"s", "all buckets", 2, 0});
  for (int bucket = kBucketMin; bucket <= kBucketMax; ++bucket)
    rollup.add(5, one, std::max<uint64_t>(upper_bound_of(static_cast<int16_t>(bucket)), 1));
  const std::string object = rollup.encode();
  const Rollup again = MUST(Rollup::decode(as_bytes(object)));
  EXPECT_TRUE(testing::content(again) == testing::content(rollup));
  EXPECT_LT(again.memory_bytes() * 3, rollup.memory_bytes());
}

TEST(RollupCodec, CutsAndFlippedBitsAreDamage) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::string object = random_rollup(random, 12).encode();
  for (size_t size = 0; size < object.size(); ++size)
    ASSERT_FALSE(Rollup::decode(as_bytes(object).first(size)).ok()) << size;
  ASSERT_FALSE(Rollup::decode(as_bytes(object + '\0')).ok());
  for (size_t bit = 0; bit < object.size() * 8; ++bit) {
    std::string flipped = object;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const Result<Rollup> decoded = Rollup::decode(as_bytes(flipped));
    ASSERT_FALSE(decoded.ok()) << bit;
    ASSERT_EQ(decoded.error().code(), Code::DataLoss) << bit;
  }
}

// Without checksums a change may make another roll-up, but never one that is not sound.
TEST(RollupCodec, LiesAreRefusedOrHarmless) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    Rollup small;
    const auto trace = testing::random_trace(random, kNow);
    testing::add_red(small, trace);
    testing::add_trace_edges(small, trace, Sign::Add);
    std::string object = small.encode();
    for (uint64_t i = 1 + random() % 3; i > 0; --i) object[random() % object.size()] = static_cast<char>(random());
    const Result<Rollup> decoded = Rollup::decode_unchecked_for_test(as_bytes(object));
    if (!decoded.ok()) {
      ++refused;
      continue;
    }
    const std::string again = decoded->encode();
    ASSERT_EQ(MUST(Rollup::decode(as_bytes(again))).encode(), again);
  }
  EXPECT_GT(refused, 1000);
}

TEST(RollupCodec, ANewerOneIsNotDamage) {
  for (const size_t at : {size_t{8}, size_t{12}, size_t{36}}) {
    std::string object = example().encode();
    object[at] = 2;
    put(object.data() + 44, codec::crc32c(as_bytes(object).first(44)));
    const Result<Rollup> decoded = Rollup::decode(as_bytes(object));
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code(), Code::FailedPrecondition) << at;
  }
  // An optional feature and reserved bytes are ignored.
  std::string object = example().encode();
  object[16] = 1;
  object[41] = 7;
  put(object.data() + 44, codec::crc32c(as_bytes(object).first(44)));
  EXPECT_TRUE(Rollup::decode(as_bytes(object)).ok());
}

}  // namespace
}  // namespace clew::rollup
