// SPDX-License-Identifier: Apache-2.0
//
// Integers of `width` bits one behind the other, lowest bit first: value i is bits [i * width, (i + 1) * width) of the
// bytes read as one little-endian number. The last byte is filled up with zero bits. For the pages of a block.
//
// Neither side touches a byte beyond packed_bytes(). Threads: free functions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace clew::block {

constexpr uint32_t kWidthMax = 64;

constexpr uint32_t bit_width(uint64_t value) { return static_cast<uint32_t>(std::bit_width(value)); }

// At most 2^24 values of at most 64 bits: no overflow.
constexpr size_t packed_bytes(size_t count, uint32_t width) { return (count * width + 7) / 8; }

constexpr uint64_t low_bits(uint32_t width) { return width == 0 ? 0 : ~uint64_t{0} >> (64 - width); }

// Values per step of the loops around these: as many as fill whole words at every width.
constexpr size_t kPackStep = 64;

// Writes the low `width` bits of each value.
void bit_pack(const uint64_t* values, size_t count, uint32_t width, uint8_t* to);

// base + value, modulo 2^64 or 2^32. For 32 bits `width` is at most 32.
void bit_unpack(const uint8_t* from, size_t count, uint32_t width, uint64_t base, uint64_t* out);
void bit_unpack(const uint8_t* from, size_t count, uint32_t width, uint32_t base, uint32_t* out);

}  // namespace clew::block
