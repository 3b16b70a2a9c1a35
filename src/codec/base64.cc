// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"

#include <array>
#include <cstdint>

namespace clew::codec {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNotADigit = 0xFF;

constexpr std::array<uint8_t, 256> kDigitValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNotADigit);
  for (size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  values['-'] = 62;
  values['_'] = 63;
  return values;
}();

uint32_t digit(char c) { return kDigitValues[static_cast<uint8_t>(c)]; }

// The text without its padding, or nothing usable (false) if the padding is wrong.
bool strip_padding(std::string_view& text) {
  if (!text.ends_with('=')) return true;
  if (text.size() % 4 != 0) return false;
  text.remove_suffix(text.ends_with("==") ? 2 : 1);
  return true;
}

}  // namespace

std::string encode_base64(Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group = (uint32_t{bytes[i]} << 16) | (uint32_t{bytes[i + 1]} << 8) | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text.push_back(kAlphabet[(group >> shift) & 63]);
  }
  const size_t rest = bytes.size() - i;
  if (rest == 0) return text;
  const uint32_t group = (uint32_t{bytes[i]} << 16) | (rest == 2 ? uint32_t{bytes[i + 1]} << 8 : 0);
  text.push_back(kAlphabet[group >> 18]);
  text.push_back(kAlphabet[(group >> 12) & 63]);
  text.push_back(rest == 2 ? kAlphabet[(group >> 6) & 63] : '=');
  text.push_back('=');
  return text;
}

bool decode_base64(std::string_view text, std::string& out) {
  if (!strip_padding(text) || text.size() % 4 == 1) return false;
  const size_t before = out.size();
  out.resize(before + text.size() / 4 * 3 + (text.size() % 4 == 0 ? 0 : text.size() % 4 - 1));
  auto* to = reinterpret_cast<uint8_t*>(out.data() + before);
  uint32_t seen = 0;  // a character outside the alphabet sets bits above the sixth
  size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const uint32_t a = digit(text[i]), b = digit(text[i + 1]), c = digit(text[i + 2]), d = digit(text[i + 3]);
    seen |= a | b | c | d;
    *to++ = static_cast<uint8_t>((a << 2) | (b >> 4));
    *to++ = static_cast<uint8_t>((b << 4) | (c >> 2));
    *to++ = static_cast<uint8_t>((c << 6) | d);
  }
  uint32_t behind = 0;
  if (const size_t rest = text.size() - i; rest > 0) {
    const uint32_t a = digit(text[i]), b = digit(text[i + 1]), c = rest == 3 ? digit(text[i + 2]) : 0;
    seen |= a | b | c;
    *to++ = static_cast<uint8_t>((a << 2) | (b >> 4));
    if (rest == 3) *to++ = static_cast<uint8_t>((b << 4) | (c >> 2));
    behind = rest == 3 ? c & 3 : b & 15;
  }
  if (seen > 63 || behind != 0) {
    out.resize(before);
    return false;
  }
  return true;
}

}  // namespace clew::codec
