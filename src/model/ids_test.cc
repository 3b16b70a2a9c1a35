// SPDX-License-Identifier: Apache-2.0
//
// Ids are read in every spelling that people paste from other tools, and in no other.
#include "model/ids.h"

#include <gtest/gtest.h>

namespace clew::model {
namespace {

constexpr TraceId kId = {0x0123456789abcdefu, 0xfedcba9876543210u};

TEST(TraceId, IsReadInEveryUsualSpelling) {
  for (const char* text : {"0123456789abcdeffedcba9876543210", "123456789abcdeffedcba9876543210",
                           "0123456789ABCDEFFEDCBA9876543210", "01234567-89ab-cdef-fedc-ba9876543210",
                           "ASNFZ4mrze/+3LqYdlQyEA==", "ASNFZ4mrze/+3LqYdlQyEA", "ASNFZ4mrze_-3LqYdlQyEA"})
    EXPECT_EQ(TraceId::parse(text), kId) << text;
  EXPECT_EQ(TraceId::parse("ff"), (TraceId{0, 255}));
}

TEST(TraceId, RefusesWhatIsNoId) {
  for (const char* text : {"", "-", "0", "00000000000000000000000000000000", "10123456789abcdeffedcba9876543210",
                           "0123456789abcdeffedcba987654321g",
                           "ASNFZ4mrze/+3LqYdlQyEA=", "ASNFZ4mrze/+3LqYdlQyEB==", "AAAAAAAAAAAAAAAAAAAAAA==", "0x12"})
    EXPECT_EQ(TraceId::parse(text), std::nullopt) << text;
}

TEST(TraceId, BytesAndHexAgree) {
  uint8_t bytes[TraceId::kBytes];
  kId.to_bytes(bytes);
  EXPECT_EQ(bytes[0], 0x01);
  EXPECT_EQ(bytes[15], 0x10);
  EXPECT_EQ(TraceId::from_bytes(bytes), kId);
  EXPECT_EQ(kId.hex(), "0123456789abcdeffedcba9876543210");
}

TEST(TraceId, OrdersAsItsBytes) {
  EXPECT_LT((TraceId{0, UINT64_MAX}), (TraceId{1, 0}));
  EXPECT_LT((TraceId{1, 0}), (TraceId{1, 1}));
}

TEST(SpanId, IsReadAsHexOnly) {
  EXPECT_EQ(SpanId::parse("00000000000000ab"), SpanId{0xab});
  EXPECT_EQ(SpanId::parse("AB"), SpanId{0xab});
  for (const char* text : {"", "0", "1-2", "00000000000000001", "xy"})
    EXPECT_EQ(SpanId::parse(text), std::nullopt) << text;
  EXPECT_EQ(SpanId{0xab}.hex(), "00000000000000ab");
}

}  // namespace
}  // namespace clew::model
