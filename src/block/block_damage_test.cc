// SPDX-License-Identifier: Apache-2.0
//
// Damaged blocks: with any byte changed, cut anywhere, a block is refused or reads as it did; it never answers wrong.
// verify() finds every changed byte. With checksums made to fit again, what is read may be nonsense, but is checked:
// no number points outside its table. verify() is asked about every byte, a reader about every seventh.
#include <gtest/gtest.h>

#include <random>

#include "base/memory_budget.h"
#include "block/block.h"
#include "block/testing/memory_bytes.h"
#include "block/testing/read_all.h"
#include "block/testing/sample_block.h"
#include "codec/crc32c.h"

namespace clew::block {
namespace {

using testing::MemorySource;

constexpr size_t kReadEach = 7;
constexpr int kLies = 500;

class DamageTest : public ::testing::Test {
 protected:
  Result<std::shared_ptr<const Block>> open(std::string bytes) {
    return Block::open(std::make_shared<MemorySource>(std::move(bytes)), cache_);
  }

  // The text of all that the block holds, or the error of what was read first.
  Result<std::string> read(std::string bytes) {
    const auto block = TRY(open(std::move(bytes)));
    return testing::read_all(block);
  }

  MemoryBudget budget_{uint64_t{1} << 30};
  Cache cache_{budget_};
};

TEST_F(DamageTest, EveryByteCounts) {
  const std::string whole = testing::sample_block(11, 12);
  const Result<std::string> expected = read(whole);
  ASSERT_TRUE(expected.ok());
  size_t unread = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    const auto block = open(damaged);
    if (!block.ok()) {
      EXPECT_EQ(block.error().code(), Code::DataLoss) << at;
      continue;
    }
    EXPECT_FALSE((*block)->verify().empty()) << at;
    if (at >= 16 && at % kReadEach != 0) continue;
    const Result<std::string> text = testing::read_all(*block);
    if (text.ok()) {
      EXPECT_EQ(*text, *expected) << at;
      ++unread;
    } else {
      EXPECT_EQ(text.error().code(), Code::DataLoss) << at << ": " << text.error().what();
    }
  }
  // The header, and nothing else, is left to verify().
  EXPECT_EQ(unread, 16u);
}

TEST_F(DamageTest, EveryLengthButTheWholeIsRefused) {
  const std::string whole = testing::sample_block(12, 12);
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto block = open(whole.substr(0, length));
    ASSERT_FALSE(block.ok()) << length;
    EXPECT_EQ(block.error().code(), Code::DataLoss);
  }
  EXPECT_FALSE(open(whole + '\0').ok());
}

// The footer's checksum made to fit what it says now.
void mend_footer(std::string& bytes) {
  const size_t tail = bytes.size() - 32;
  const size_t footer = load<uint32_t>(bytes.data() + tail);
  if (footer > tail) return;
  const uint32_t crc = codec::crc32c(as_bytes(bytes).subspan(tail - footer, footer + 20));
  put(bytes.data() + tail + 20, crc);
}

TEST_F(DamageTest, NewerVersionsAndUnknownFeaturesAreRefused) {
  const std::string whole = testing::sample_block(13, 5);
  for (const size_t at : {whole.size() - 28, whole.size() - 24}) {  // version, required features
    std::string newer = whole;
    newer[at] = static_cast<char>(newer[at] + 1);
    mend_footer(newer);
    const auto block = open(newer);
    ASSERT_FALSE(block.ok());
    EXPECT_EQ(block.error().code(), Code::FailedPrecondition);
  }
  std::string optional = whole;
  optional[whole.size() - 20] = 1;
  mend_footer(optional);
  EXPECT_TRUE(read(optional).ok());
}

TEST_F(DamageTest, AFooterThatLiesIsSurvived) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string whole = testing::sample_block(random(), 40);
  const size_t footer = load<uint32_t>(whole.data() + whole.size() - 32);
  size_t opened = 0;
  for (int round = 0; round < kLies; ++round) {
    std::string lying = whole;
    const size_t at = whole.size() - 32 - footer + random() % footer;
    lying[at] = static_cast<char>(round % 3 == 0 ? random() : lying[at] ^ (1 << random() % 8));
    mend_footer(lying);
    const auto block = open(lying);
    if (!block.ok()) continue;
    ++opened;
    (void)testing::read_all(*block);
    (void)(*block)->verify();
  }
  EXPECT_GT(opened, 0u);
}

}  // namespace
}  // namespace clew::block
