// SPDX-License-Identifier: Apache-2.0
//
// Every byte survives base 16, in either case, and every text that is not exactly the asked length of digits is
// refused.
#include "codec/hex.h"

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <numeric>
#include <vector>

namespace clew::codec {
namespace {

TEST(Hex, EveryByteSurvives) {
  std::array<uint8_t, 256> bytes{};
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  std::string text = encode_hex(bytes);
  EXPECT_EQ(text.substr(0, 8), "00010203");
  std::array<uint8_t, 256> back{};
  ASSERT_TRUE(decode_hex(text, back.data(), back.size()));
  EXPECT_EQ(back, bytes);
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  ASSERT_TRUE(decode_hex(text, back.data(), back.size()));
  EXPECT_EQ(back, bytes);
}

TEST(Hex, EverythingElseIsRefused) {
  std::array<uint8_t, 2> to{};
  for (const char* text : {"", "0", "000", "00000", "00 0", "0x00", "000g", "000/", "000:", "000@", "000`"})
    EXPECT_FALSE(decode_hex(text, to.data(), to.size())) << text;
  int accepted = 0;
  for (int c = 0; c < 256; ++c) accepted += decode_hex(std::string("000") + static_cast<char>(c), to.data(), 2) ? 1 : 0;
  EXPECT_EQ(accepted, 22);
}

}  // namespace
}  // namespace clew::codec
