// SPDX-License-Identifier: Apache-2.0
//
// The bytes of segments and records are those of docs/format/journal.md, and no flipped bit goes unnoticed.
#include "journal/segment.h"

#include <gtest/gtest.h>

#include "codec/crc32c.h"

namespace clew::journal {
namespace {

constexpr uint64_t kEpoch = 0x1122334455667788;

std::string hex(Bytes bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// The example of docs/format/journal.md, section 3.
TEST(Segment, BytesAreThoseOfTheDocument) {
  EXPECT_EQ(hex(encode(SegmentHeader{1, kEpoch, 1})),
            "434c45574a524e4c0100000000000000"
            "00000000000000000100000000000000"
            "88776655443322110100000000000000"
            "000000000000000000000000891e9310");
  RecordHeader hello{kEpoch, 1, 0, 5, codec::crc32c(as_bytes("hello")), 1};
  EXPECT_EQ(hex(encode(hello)),
            "434c5243050000008877665544332211"
            "01000000000000004cbb719a00000000"
            "0000000001000000000000008ddd4077");
  EXPECT_EQ(record_bytes(5), 0x2038U - 0x2000U);
  EXPECT_EQ(hex(encode(RecordHeader{kEpoch, 2, 1, 0, 0, 1})),
            "434c5243000000008877665544332211"
            "02000000000000000000000001000000"
            "00000000010000000000000069589914");
}

TEST(Segment, HeadersComeBack) {
  const SegmentHeader segment = MUST(decode_segment_header(encode(SegmentHeader{42, kEpoch, 7})));
  EXPECT_EQ(segment.number, 42U);
  EXPECT_EQ(segment.epoch, kEpoch);
  EXPECT_EQ(segment.first_lsn, 7U);
  const auto record = decode_record_header(encode(RecordHeader{kEpoch, 9, 2, 100, 5, 1}), kEpoch);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->lsn, 9U);
  EXPECT_EQ(record->group_lsn(), 7U);
  EXPECT_EQ(record->payload_bytes, 100U);
  EXPECT_EQ(record->payload_crc, 5U);
  EXPECT_EQ(record->kind, 1U);
}

TEST(Segment, EveryFlippedBitOfAHeaderIsNoticed) {
  for (size_t bit = 0; bit < kSegmentHeaderBytes * 8; ++bit) {
    SegmentHeaderBytes bytes = encode(SegmentHeader{42, kEpoch, 7});
    bytes[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
    EXPECT_EQ(decode_segment_header(bytes).error().code(), Code::DataLoss) << "bit " << bit;
  }
  for (size_t bit = 0; bit < kRecordHeaderBytes * 8; ++bit) {
    RecordHeaderBytes bytes = encode(RecordHeader{kEpoch, 9, 2, 100, 5, 1});
    bytes[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
    EXPECT_FALSE(decode_record_header(bytes, kEpoch)) << "bit " << bit;
  }
}

TEST(Segment, ARecordOfAnotherEpochIsNone) {
  EXPECT_FALSE(decode_record_header(encode(RecordHeader{kEpoch, 9, 2, 100, 5, 1}), kEpoch + 1));
}

TEST(Segment, ImpossibleRecordsAreNone) {
  const RecordHeader impossible[] = {
      {kEpoch, 0, 0, 1, 0, 1},                                             // LSNs begin at 1
      {kEpoch, 3, 3, 1, 0, 1},                                             // of a group that begins at 0
      {kEpoch, kLsnMax + 1, 0, 1, 0, 1},                                   // beyond every number
      {kEpoch, 1, 0, static_cast<uint32_t>(kPayloadBytesMax) + 1, 0, 1},   // longer than any
      {kEpoch, 70'000, static_cast<uint32_t>(kGroupRecordsMax), 1, 0, 1},  // of a group longer than any
  };
  for (const RecordHeader& header : impossible) EXPECT_FALSE(decode_record_header(encode(header), kEpoch));
}

TEST(Segment, WhatANewerProgramWroteIsRefusedNotMistakenForDamage) {
  for (const size_t field : {8U, 12U}) {  // version, required features
    SegmentHeaderBytes bytes = encode(SegmentHeader{42, kEpoch, 7});
    bytes[field] = 2;
    put(&bytes[60], codec::crc32c(Bytes(bytes).first(60)));
    EXPECT_EQ(decode_segment_header(bytes).error().code(), Code::FailedPrecondition);
  }
  SegmentHeaderBytes bytes = encode(SegmentHeader{42, kEpoch, 7});
  bytes[16] = 0xFF;  // optional features
  put(&bytes[60], codec::crc32c(Bytes(bytes).first(60)));
  EXPECT_TRUE(decode_segment_header(bytes).ok());
}

TEST(Segment, NamesAreSixteenDigits) {
  EXPECT_EQ(segment_name(42), "000000000000002a.journal");
  EXPECT_EQ(segment_number("000000000000002a.journal"), 42U);
  for (const char* name : {"", "lock", "2a.journal", "000000000000002A.journal", "000000000000002a.journal.tmp",
                           "000000000000002g.journal", "ffffffffffffffff.journal", "-00000000000002a.journal"})
    EXPECT_FALSE(segment_number(name)) << name;
}

}  // namespace
}  // namespace clew::journal
