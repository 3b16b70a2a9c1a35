// SPDX-License-Identifier: Apache-2.0
#include "block/text_form.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"

namespace clew::block {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr uint8_t kNoDigit = 0xFF;
constexpr size_t kDashes[] = {8, 13, 18, 23};
constexpr size_t kUuidBytes = 16;
// Where the version stands in the upper half of a UUID, and what stands behind it.
constexpr uint32_t kVersionShift = 12;
constexpr uint64_t kAfterVersion = (uint64_t{1} << kVersionShift) - 1;
// Where the hex pairs of a UUID stand.
constexpr size_t kPairs[kUuidBytes] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

constexpr std::array<uint8_t, 256> kDigitValues = [] {
  std::array<uint8_t, 256> values = {};
  values.fill(kNoDigit);
  for (size_t i = 0; i < kDigits.size(); i++) values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  return values;
}();

struct TwoDigits {
  char text[2];
};
constexpr std::array<TwoDigits, 256> kPairTexts = [] {
  std::array<TwoDigits, 256> pairs = {};
  for (size_t i = 0; i < pairs.size(); i++) pairs[i] = {{kDigits[i >> 4], kDigits[i & 15]}};
  return pairs;
}();

uint8_t digit(char c) { return kDigitValues[static_cast<uint8_t>(c)]; }
uint8_t byte_at(const char* pair) { return static_cast<uint8_t>(digit(pair[0]) << 4 | digit(pair[1])); }

bool is_hex(std::string_view text) {
  uint8_t all = 0;  // a digit has none of the upper bits that kNoDigit has
  for (const char c : text) all |= digit(c);
  return all < kDigits.size();
}

bool is_uuid(std::string_view text) {
  if (text.size() != kUuidChars) return false;
  for (const size_t dash : kDashes) {
    if (text[dash] != '-') return false;
  }
  uint8_t all = 0;
  for (const size_t pair : kPairs) all |= digit(text[pair]) | digit(text[pair + 1]);
  return all < kDigits.size();
}

bool is_decimal(std::string_view text) {
  if (text.empty() || text.size() > kDecimalCharsMax) return false;
  const std::string_view digits = text[0] == '-' ? text.substr(1) : text;
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return false;  // neither 007 nor -0
  int64_t value = 0;
  const char* const begin = &text[0];
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  return error == std::errc() && stop == end;
}

template <class Is>
bool all_are(const TextValues& texts, Is is) {
  for (size_t i = 0; i < texts.size(); i++) {
    if (!is(texts[i])) return false;
  }
  return true;
}

}  // namespace

Encoding form_of(const TextValues& texts) {
  if (texts.size() == 0) return Encoding::ConstantText;
  const std::string_view first = texts[0];
  if (all_are(texts, [&](std::string_view text) { return text == first; })) return Encoding::ConstantText;
  if (all_are(texts, is_decimal)) return Encoding::DecimalText;
  if (all_are(texts, is_uuid)) return Encoding::UuidText;
  if (first.empty() || first.size() % 2 != 0 || first.size() > kHexBytesMax * 2) return Encoding::PlainText;
  const auto is_alike = [&](std::string_view text) { return text.size() == first.size() && is_hex(text); };
  return all_are(texts, is_alike) ? Encoding::HexText : Encoding::PlainText;
}

UuidParts uuid_parts(std::string_view text) {
  uint64_t words[2] = {};
  for (size_t i = 0; i < kUuidBytes; i++) words[i / 8] = words[i / 8] << 8 | byte_at(&text[kPairs[i]]);
  const uint64_t after = words[0] & kAfterVersion;
  return {(words[0] >> 4 & ~kAfterVersion) | after, words[1], static_cast<uint8_t>(words[0] >> kVersionShift & 15)};
}

void write_uuid(const UuidParts& parts, char* text) {
  const uint64_t before = (parts.high & ~kAfterVersion) << 4;
  const uint64_t high = before | uint64_t{parts.version} << kVersionShift | (parts.high & kAfterVersion);
  const uint64_t words[2] = {high, parts.low};
  for (size_t i = 0; i < kUuidBytes; i++)
    std::copy_n(kPairTexts[words[i / 8] >> (56 - i % 8 * 8) & 0xFF].text, 2, text + kPairs[i]);
  for (const size_t dash : kDashes) text[dash] = '-';
}

void hex_to_bytes(std::string_view text, uint8_t* bytes) {
  for (size_t i = 0; i < text.size() / 2; i++) bytes[i] = byte_at(&text[2 * i]);
}

void hex_from_bytes(const uint8_t* bytes, size_t byte_count, char* text) {
  for (size_t i = 0; i < byte_count; i++) std::copy_n(kPairTexts[bytes[i]].text, 2, text + 2 * i);
}

uint64_t big_endian(const uint8_t* bytes, size_t byte_count) {
  uint64_t value = 0;
  for (size_t i = 0; i < byte_count; i++) value = value << 8 | bytes[i];
  return value;
}

void write_big_endian(uint64_t value, size_t byte_count, uint8_t* bytes) {
  for (size_t i = byte_count; i > 0; i--, value >>= 8) bytes[i - 1] = static_cast<uint8_t>(value);
}

int64_t decimal_value(std::string_view text) {
  int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  CHECK(error == std::errc());
  return value;
}

size_t write_decimal(int64_t value, char* text) {
  const auto [end, error] = std::to_chars(text, text + kDecimalCharsMax, value);
  CHECK(error == std::errc());  // the longest int64 fits
  return static_cast<size_t>(end - text);
}

}  // namespace clew::block
