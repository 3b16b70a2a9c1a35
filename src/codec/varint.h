// SPDX-License-Identifier: Apache-2.0
//
// Base-128 integers, as in Protocol Buffers: 7 bits a byte, lowest first, the top bit says that more follow.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace clew::codec {

constexpr size_t kVarintBytesMax = 10;

// Reads one varint at `*next` and moves `*next` behind it. False if it runs past `end` or does not fit 64 bits.
inline bool read_varint(const uint8_t*& next, const uint8_t* end, uint64_t& value) {
  if (next < end && *next < 0x80) [[likely]] {
    value = *next++;
    return true;
  }
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 64 && next < end; shift += 7) {
    const uint64_t byte = *next++;
    if (shift == 63 && byte > 1) return false;
    result |= (byte & 0x7F) << shift;
    if (byte < 0x80) {
      value = result;
      return true;
    }
  }
  return false;
}

// Writes `value` at `to`, which has kVarintBytesMax bytes of room; returns the place behind it.
inline uint8_t* write_varint(uint8_t* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<uint8_t>(value);
  return to;
}

inline void append_varint(std::string& out, uint64_t value) {
  uint8_t bytes[kVarintBytesMax];
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(write_varint(bytes, value) - bytes));
}

}  // namespace clew::codec
