// SPDX-License-Identifier: Apache-2.0
//
// The bytes of deltas and checkpoints are those of docs/format/manifest.md, whatever is written is read, no flipped bit
// goes unnoticed, and what an intact envelope may hold is refused where it makes no sense.
#include <gtest/gtest.h>

#include "codec/crc32c.h"
#include "codec/proto_writer.h"
#include "store/manifest.h"
#include "store/testing/manifest_envelope.h"
#include "store/testing/random_delta.h"

namespace clew::store {
namespace {

using codec::ProtoWriter;
using testing::envelope;
using testing::kCheckpoint;
using testing::kDelta;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += "0123456789abcdef"[static_cast<uint8_t>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<uint8_t>(byte) & 15];
  }
  return text;
}

std::string envelope_with(std::string bytes, size_t offset, uint32_t value) {
  put(bytes.data() + offset, value);
  put(bytes.data() + 60, codec::crc32c(as_bytes(bytes).first(60)));
  return bytes;
}

// The example of docs/format/manifest.md, section 3.
TEST(ManifestCodec, BytesAreThoseOfTheDocument) {
  Delta delta;
  BlockEntry& block = delta.added_blocks.emplace_back();
  block.id = 3;
  block.level = 1;
  block.facts = {.span_count = 1000,
                 .trace_count = 70,
                 .elsewhere_count = 0,
                 .bytes = 50'000,
                 .row_group_count = 1,
                 .intervals = {{0x1111111111111111, 0x2222222222222222}},
                 .newest_order_time = 0x3333333333333333,
                 .first_arrival = 0x4444444444444444,
                 .last_arrival = 0x5555555555555555};
  delta.removed_blocks = {1};
  delta.removal = Removal::Compacted;
  delta.seal = SealState{300, {{{0x0102030405060708, 0x090a0b0c0d0e0f10}, 290}}};
  EXPECT_EQ(hex(encode_delta(2, delta)),
            "434c45574d414e49010000000000000000000000010000000200000000000000"
            "000000006000000096c33a8e00000000000000000000000000000000eeaccc09"
            "0a3e0803100118e807204630d086033801421209111111111111111111222222"
            "2222222222493333333333333333514444444444444444595555555555555555"
            "10011801321a08ac0212150a100102030405060708090a0b0c0d0e0f1010a202");
}

TEST(ManifestCodec, WhatIsWrittenIsRead) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  RandomDeltas random(seed);
  ManifestState state;
  size_t blocks_seen = 0;
  for (uint64_t version = 1; version < 400; ++version) {
    const Delta delta = random.delta(state, [&] { return state.next_id++; });
    const VersionedDelta read = MUST(decode_delta(as_bytes(encode_delta(version, delta))));
    EXPECT_EQ(read.version, version);
    EXPECT_EQ(read.delta, delta);
    state = MUST(apply(state, delta));
    EXPECT_EQ(MUST(decode_checkpoint(as_bytes(encode_checkpoint(state)))), state);
    blocks_seen += state.blocks.size() + state.set_aside.size();
  }
  EXPECT_GT(blocks_seen, 1000U);
}

TEST(ManifestCodec, EveryFlippedBitAndEveryCutIsNoticed) {
  RandomDeltas random(5);
  ManifestState state;
  for (int i = 0; i < 5; ++i) state = MUST(apply(state, random.delta(state, [&] { return state.next_id++; })));
  const std::string delta = encode_delta(1, random.delta(state, [&] { return state.next_id++; }));
  const std::string checkpoint = encode_checkpoint(state);
  for (const std::string& whole : {delta, checkpoint}) {
    const auto code = [&](std::string_view bytes) {
      const bool is_delta = whole == delta;
      return is_delta ? decode_delta(as_bytes(bytes)).error().code()
                      : decode_checkpoint(as_bytes(bytes)).error().code();
    };
    for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::string bytes = whole;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      EXPECT_EQ(code(bytes), Code::DataLoss) << "bit " << bit;
    }
    for (size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(code(whole.substr(0, size)), Code::DataLoss);
    EXPECT_EQ(code(whole + "x"), Code::DataLoss);
  }
  EXPECT_EQ(decode_delta(as_bytes(checkpoint)).error().code(), Code::DataLoss) << "one for the other";
  EXPECT_EQ(decode_checkpoint(as_bytes(delta)).error().code(), Code::DataLoss);
}

TEST(ManifestCodec, WhatNeedsANewerProgramSaysSo) {
  const std::string delta = encode_delta(1, {});
  EXPECT_EQ(decode_delta(as_bytes(envelope_with(delta, 8, 2))).error().code(), Code::FailedPrecondition);
  EXPECT_EQ(decode_delta(as_bytes(envelope_with(delta, 12, 1))).error().code(), Code::FailedPrecondition);
  EXPECT_EQ(decode_delta(as_bytes(envelope_with(delta, 32, 1))).error().code(), Code::FailedPrecondition);
  EXPECT_TRUE(decode_delta(as_bytes(envelope_with(delta, 16, 1))).ok()) << "an optional feature";
  EXPECT_TRUE(decode_delta(as_bytes(envelope_with(delta, 44, 1))).ok()) << "a reserved field";
}

TEST(ManifestCodec, UnknownFieldsAreSkipped) {
  std::string content;
  ProtoWriter writer(content);
  writer.message(16, [&] { writer.varint(1, 2); });
  writer.varint(2, 5);
  writer.fixed64(99, 1);
  writer.message(1, [&] {
    writer.varint(1, 9);
    writer.varint(16, 4);
  });
  const Delta delta = MUST(decode_delta(as_bytes(envelope(kDelta, content)))).delta;
  EXPECT_EQ(delta.removed_blocks, std::vector<ObjectId>{5});
  ASSERT_EQ(delta.added_blocks.size(), 1U);
  EXPECT_EQ(delta.added_blocks[0].id, 9U);
}

template <class Fill>
bool is_refused(uint32_t kind, Fill fill) {
  std::string content;
  ProtoWriter writer(content);
  fill(writer);
  const std::string bytes = envelope(kind, content);
  if (kind == kDelta) {
    const auto read = decode_delta(as_bytes(bytes));
    return !read.ok() && read.error().code() == Code::DataLoss;
  }
  const auto read = decode_checkpoint(as_bytes(bytes));
  return !read.ok() && read.error().code() == Code::DataLoss;
}

TEST(ManifestCodec, ContentWithoutSenseIsRefused) {
  EXPECT_TRUE(is_refused(kDelta, [](ProtoWriter& writer) { writer.varint(3, 4); })) << "an unknown removal";
  const auto with_intervals = [](size_t count) {
    return is_refused(kDelta, [&](ProtoWriter& writer) {
      writer.message(1, [&] {
        for (size_t i = 0; i < count; ++i) writer.message(8, [] {});
      });
    });
  };
  EXPECT_FALSE(with_intervals(block::kIntervalsMax));
  EXPECT_TRUE(with_intervals(block::kIntervalsMax + 1));
  const auto with_trace_id = [](std::string_view id) {
    return is_refused(kDelta, [&](ProtoWriter& writer) {
      writer.message(6, [&] { writer.message(2, [&] { writer.text(1, id); }); });
    });
  };
  EXPECT_FALSE(with_trace_id("0123456789abcdef"));
  EXPECT_TRUE(with_trace_id("0123456789abcde"));
  EXPECT_TRUE(is_refused(kDelta, [](ProtoWriter& writer) {
    for (size_t i = 0; i <= kBlocksMax; ++i) writer.message(1, [] {});
  }));
  EXPECT_TRUE(is_refused(kDelta, [](ProtoWriter& writer) {
    writer.message(6, [&] {
      for (size_t i = 0; i <= kCarriedMax; ++i) writer.message(2, [] {});
    });
  }));
  // The ids of blocks (2), roll-ups (3), set-aside blocks (4) and the next id.
  struct Ids {
    std::vector<std::pair<uint32_t, ObjectId>> ids;
    ObjectId next_id;
    bool refused;
  };
  for (const Ids& row : std::initializer_list<Ids>{{{{2, 1}, {2, 2}, {3, 3}, {4, 4}}, 5, false},
                                                   {{}, 1, false},
                                                   {{}, 0, true},
                                                   {{{2, 0}}, 5, true},
                                                   {{{2, UINT64_MAX}}, UINT64_MAX, true},
                                                   {{{2, 2}, {2, 1}}, 5, true},
                                                   {{{2, 1}, {2, 1}}, 5, true},
                                                   {{{2, 1}, {3, 1}}, 5, true},
                                                   {{{2, 1}, {4, 1}}, 5, true},
                                                   {{{3, 1}, {4, 1}}, 5, true},
                                                   {{{2, 5}}, 5, true},
                                                   {{{3, 5}}, 5, true},
                                                   {{{4, 5}}, 5, true}}) {
    const bool refused = is_refused(kCheckpoint, [&](ProtoWriter& writer) {
      writer.varint(1, row.next_id);
      for (const auto& [field, id] : row.ids) {
        const ObjectId value = id;
        writer.message(field, [&] { writer.varint(1, value); });
      }
    });
    EXPECT_EQ(refused, row.refused) << ::testing::PrintToString(row.ids);
  }
}

}  // namespace
}  // namespace clew::store
