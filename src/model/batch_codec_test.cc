// SPDX-License-Identifier: Apache-2.0
//
// What is encoded comes back equal; what is not an encoding is refused, whatever byte of it is changed or missing.
#include "model/batch_codec.h"

#include <gtest/gtest.h>

#include "model/testing/sample_batch.h"

namespace clew::model {
namespace {

using testing::describe;
using testing::sample_batch;

std::string encoded(const SpanBatch& batch) {
  std::string out;
  encode_batch(batch, out);
  return out;
}

TEST(BatchCodec, GivesBackEverySpan) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const SpanBatch batch = sample_batch(seed, seed % 40);
    const Result<SpanBatch> back = decode_batch(as_bytes(encoded(batch)));
    ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.error().what();
    ASSERT_EQ(describe(*back), describe(batch)) << "seed " << seed;
    ASSERT_EQ(encoded(*back), encoded(batch)) << "seed " << seed;
  }
}

TEST(BatchCodec, GivesBackABatchOfManySegments) {
  const SpanBatch batch = sample_batch(1, 40'000);
  const Result<SpanBatch> back = decode_batch(as_bytes(encoded(batch)));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(describe(*back), describe(batch));
}

TEST(BatchCodec, RefusesEveryTruncation) {
  const std::string bytes = encoded(sample_batch(7, 12));
  for (size_t length = 0; length < bytes.size(); ++length)
    ASSERT_FALSE(decode_batch(as_bytes(bytes).first(length)).ok()) << length;
  EXPECT_FALSE(decode_batch(as_bytes(bytes + '\0')).ok());
}

// A changed byte may give another valid batch, but never one that points outside itself: describe() walks all of it.
TEST(BatchCodec, ADamagedByteNeverMakesADanglingReference) {
  const std::string bytes = encoded(sample_batch(8, 12));
  size_t refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      const Result<SpanBatch> back = decode_batch(as_bytes(damaged));
      if (back.ok()) {
        describe(*back);
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, bytes.size() / 4);
}

TEST(BatchCodec, RefusesAnUnknownVersion) {
  std::string bytes = encoded(sample_batch(9, 1));
  bytes[0] = 2;
  const Result<SpanBatch> back = decode_batch(as_bytes(bytes));
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Code::DataLoss);
}

}  // namespace
}  // namespace clew::model
