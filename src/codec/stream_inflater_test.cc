// SPDX-License-Identifier: Apache-2.0
//
// What was packed comes out, in whatever pieces it goes in and comes out; what is damaged or cut off is found.
#include "codec/stream_inflater.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace clew::codec {
namespace {

// Feeds `piece` bytes at a time into `room` bytes of output.
Result<std::string> inflated(Encoding encoding, std::string_view packed, size_t piece, size_t room, bool& complete) {
  StreamInflater inflater(encoding);
  std::string out;
  std::vector<uint8_t> buffer(room);
  while (true) {
    Bytes input = as_bytes(packed.substr(0, piece));
    const size_t before = input.size();
    const size_t written = TRY(inflater.inflate(input, buffer));
    packed.remove_prefix(before - input.size());
    out.append(reinterpret_cast<const char*>(buffer.data()), written);
    if (written == 0 && packed.empty()) break;
  }
  complete = inflater.complete();
  return out;
}

std::string sample() {
  std::string text;
  std::mt19937_64 random(1);
  while (text.size() < 100'000) text += std::to_string(random() % 1000) + " spans and ";
  return text;
}

TEST(StreamInflater, TakesAnyPieces) {
  const std::string text = sample();
  Deflater deflater;
  for (const Encoding encoding : {Encoding::None, Encoding::Gzip, Encoding::Zstd}) {
    // Two of them, one behind the other.
    const std::string packed = deflater.deflate(encoding, text) + deflater.deflate(encoding, "the end");
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}, packed.size()}) {
      for (const size_t room : {size_t{5}, size_t{65536}}) {
        bool complete = false;
        const Result<std::string> out = inflated(encoding, packed, piece, room, complete);
        ASSERT_TRUE(out.ok());
        EXPECT_EQ(*out, text + "the end");
        EXPECT_TRUE(complete);
      }
    }
  }
}

TEST(StreamInflater, FindsWhatIsCutOffOrDamaged) {
  Deflater deflater;
  for (const Encoding encoding : {Encoding::Gzip, Encoding::Zstd}) {
    std::string packed = deflater.deflate(encoding, sample());
    bool complete = true;
    const auto cut = inflated(encoding, packed.substr(0, packed.size() / 2), 4096, 4096, complete);
    EXPECT_TRUE(!cut.ok() || !complete);
    packed.replace(packed.size() / 2, 64, std::string(64, '\xA5'));
    const auto bad = inflated(encoding, packed, 4096, 4096, complete);
    EXPECT_TRUE(!bad.ok() || !complete || *bad != sample());
    const auto trailing =
        inflated(encoding, deflater.deflate(encoding, "good") + "and then this", 4096, 4096, complete);
    EXPECT_FALSE(trailing.ok());
  }
}

}  // namespace
}  // namespace clew::codec
