// SPDX-License-Identifier: Apache-2.0
#include "model/ids.h"

#include <array>
#include <bit>

namespace clew::model {
namespace {

uint64_t load_big_endian(const uint8_t* bytes) { return __builtin_bswap64(load<uint64_t>(bytes)); }
void store_big_endian(uint8_t* bytes, uint64_t value) { put(bytes, __builtin_bswap64(value)); }

void append_hex(std::string& out, uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(value >> shift) & 15];
}

std::optional<uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<uint8_t> base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<uint8_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<uint8_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0' + 52);
  if (c == '+' || c == '-') return uint8_t{62};
  if (c == '/' || c == '_') return uint8_t{63};
  return std::nullopt;
}

// Up to 32 hex digits as a number of 128 bits; dashes are skipped where `dashes` allows them.
std::optional<TraceId> parse_hex(std::string_view text, bool dashes) {
  TraceId id;
  size_t digits = 0;
  for (const char c : text) {
    if (c == '-' && dashes) continue;
    const std::optional<uint8_t> digit = hex_digit(c);
    if (!digit || ++digits > 32) return std::nullopt;
    id.high = (id.high << 4) | (id.low >> 60);
    id.low = (id.low << 4) | *digit;
  }
  if (digits == 0) return std::nullopt;
  return id;
}

// 16 bytes are 22 base64 digits, the last of which carries 4 bits of nothing, and two '=' that may be left out.
std::optional<TraceId> parse_base64(std::string_view text) {
  if (text.size() == 24 && text.ends_with("==")) text.remove_suffix(2);
  if (text.size() != 22) return std::nullopt;
  std::array<uint8_t, 17> bytes{};
  size_t bit = 0;
  for (const char c : text) {
    const std::optional<uint8_t> digit = base64_digit(c);
    if (!digit) return std::nullopt;
    for (int i = 5; i >= 0; --i, ++bit) bytes[bit / 8] |= static_cast<uint8_t>(((*digit >> i) & 1) << (7 - bit % 8));
  }
  if (bytes[16] != 0) return std::nullopt;
  return TraceId::from_bytes(bytes.data());
}

}  // namespace

TraceId TraceId::from_bytes(const uint8_t* bytes) { return {load_big_endian(bytes), load_big_endian(bytes + 8)}; }

void TraceId::to_bytes(uint8_t* bytes) const {
  store_big_endian(bytes, high);
  store_big_endian(bytes + 8, low);
}

std::string TraceId::hex() const {
  std::string out;
  append_hex(out, high);
  append_hex(out, low);
  return out;
}

std::optional<TraceId> TraceId::parse(std::string_view text) {
  std::optional<TraceId> id = parse_hex(text, /*dashes=*/true);
  if (!id) id = parse_base64(text);
  if (id && id->is_zero()) return std::nullopt;
  return id;
}

SpanId SpanId::from_bytes(const uint8_t* bytes) { return {load_big_endian(bytes)}; }
void SpanId::to_bytes(uint8_t* bytes) const { store_big_endian(bytes, value); }

std::string SpanId::hex() const {
  std::string out;
  append_hex(out, value);
  return out;
}

std::optional<SpanId> SpanId::parse(std::string_view text) {
  if (text.size() > 16) return std::nullopt;
  const std::optional<TraceId> number = parse_hex(text, /*dashes=*/false);
  if (!number || number->low == 0) return std::nullopt;
  return SpanId{number->low};
}

}  // namespace clew::model
