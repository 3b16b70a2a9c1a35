// SPDX-License-Identifier: Apache-2.0
//
// Bytes is a borrowed run of bytes; it never outlives the call it is passed to unless the callee's comment says so.
// Little-endian load() and put() of fixed width are here because every format of Clew uses them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace clew {

using Bytes = std::span<const uint8_t>;

static_assert(std::endian::native == std::endian::little, "Clew's formats are little-endian and read in place");

inline Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// The integer in the sizeof(T) bytes at `from`, which need not be aligned.
template <class T>
T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void put(void* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace clew
