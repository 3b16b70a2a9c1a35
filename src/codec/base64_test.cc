// SPDX-License-Identifier: Apache-2.0
//
// Base 64 reads both alphabets with and without padding (the vectors of RFC 4648, section 10) and refuses the rest.
#include "codec/base64.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <vector>

namespace clew::codec {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  std::string out = "before";
  if (!decode_base64(text, out)) {
    EXPECT_EQ(out, "before") << "a refused text must leave the output alone";
    return std::nullopt;
  }
  return out.substr(6);
}

TEST(Base64, VectorsOfTheRfc) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(encode_base64(as_bytes(plain)), text);
    EXPECT_EQ(decoded(text), plain);
    EXPECT_EQ(decoded(text.substr(0, text.find('='))), plain) << "without padding";
  }
}

TEST(Base64, BothAlphabets) {
  EXPECT_EQ(decoded("+/+/"), "\xfb\xff\xbf");
  EXPECT_EQ(decoded("-_-_"), "\xfb\xff\xbf");
}

TEST(Base64, EverythingElseIsRefused) {
  for (const char* text : {"Z", "Zg=", "Zg===", "Z===", "====", "=", "Zm9v=", "Zm9vY", "Zm 9v", "Zm9v\n",
                           "Zh==", "Zm9=", "Zh", "Zm9", "Zg==Zg==", "Zm9v!A==", "\xff\xff\xff\xff"})
    EXPECT_EQ(decoded(text), std::nullopt) << text;
}

TEST(Base64, RandomBytesSurvive) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 200; ++size) {
    std::string plain(size, 0);
    for (char& c : plain) c = static_cast<char>(random());
    EXPECT_EQ(decoded(encode_base64(as_bytes(plain))), plain);
  }
}

}  // namespace
}  // namespace clew::codec
