// SPDX-License-Identifier: Apache-2.0
#include "codec/hex.h"

#include <array>

namespace clew::codec {
namespace {

constexpr uint8_t kNotADigit = 0xFF;

constexpr std::array<uint8_t, 256> kDigitValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNotADigit);
  for (uint8_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (uint8_t i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<uint8_t>(10 + i);
  return values;
}();

}  // namespace

std::string encode_hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

bool decode_hex(std::string_view text, uint8_t* to, size_t bytes) {
  if (text.size() != bytes * 2) return false;
  uint8_t bad = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const uint8_t high = kDigitValues[static_cast<uint8_t>(text[2 * i])];
    const uint8_t low = kDigitValues[static_cast<uint8_t>(text[2 * i + 1])];
    bad |= (high | low) & 0xF0;
    to[i] = static_cast<uint8_t>((high << 4) | (low & 15));
  }
  return bad == 0;
}

}  // namespace clew::codec
