// SPDX-License-Identifier: Apache-2.0
//
// Base-128 integers, as in Protocol Buffers: 7 bits a byte, lowest first, the top bit says that more follow.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace clew::codec {

constexpr size_t kVarintBytesMax = 10;

// The rest of read_varint, for numbers of more than two bytes or near the end; not inline to keep callers small.
bool read_long_varint(const uint8_t*& next, const uint8_t* end, uint64_t& value);

// Reads one varint at `*next` and moves `*next` behind it. False if it runs past `end` or does not fit 64 bits; then
// `*next` may have moved.
inline bool read_varint(const uint8_t*& next, const uint8_t* end, uint64_t& value) {
  if (next < end && next[0] < 0x80) [[likely]] {
    value = *next++;
    return true;
  }
  if (end - next >= 2 && next[1] < 0x80) {
    value = (next[0] & 0x7Fu) | (uint64_t{next[1]} << 7);
    next += 2;
    return true;
  }
  return read_long_varint(next, end, value);
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
