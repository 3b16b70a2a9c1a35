// SPDX-License-Identifier: Apache-2.0
//
// TraceId and SpanId as numbers: comparing the numbers orders ids as comparing their bytes does, and hex is the number
// written in base 16. All zero is "no id" (W3C Trace Context, section 3.2.2).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace clew::model {

struct TraceId {
  uint64_t high = 0;  // bytes 0 to 7 of the id, read big-endian
  uint64_t low = 0;   // bytes 8 to 15

  static constexpr size_t kBytes = 16;
  // Exactly kBytes at `bytes`.
  static TraceId from_bytes(const uint8_t* bytes);
  void to_bytes(uint8_t* bytes) const;
  // 32 lower-case digits.
  std::string hex() const;
  // Every usual spelling: hex of 1 to 32 digits in either case with or without dashes (UUID), or base64 (standard or
  // URL alphabet, padded or not) of 16 bytes. Nothing if it is none of these or is zero.
  static std::optional<TraceId> parse(std::string_view text);

  bool is_zero() const { return (high | low) == 0; }
  friend auto operator<=>(const TraceId&, const TraceId&) = default;
};

struct SpanId {
  uint64_t value = 0;  // the 8 bytes, read big-endian

  static constexpr size_t kBytes = 8;
  static SpanId from_bytes(const uint8_t* bytes);
  void to_bytes(uint8_t* bytes) const;
  // 16 lower-case digits.
  std::string hex() const;
  // Hex of 1 to 16 digits in either case. Nothing if it is not that or is zero.
  static std::optional<SpanId> parse(std::string_view text);

  bool is_zero() const { return value == 0; }
  friend auto operator<=>(const SpanId&, const SpanId&) = default;
};

}  // namespace clew::model

template <>
struct std::hash<clew::model::TraceId> {
  // Random ids need no mixing, but ids made by hand (1, 2, 3 …) and 64-bit ids do.
  size_t operator()(const clew::model::TraceId& id) const {
    return (id.low ^ (id.high * 0x9E3779B97F4A7C15u)) * 0xD6E8FEB86659FD93u;
  }
};
