// SPDX-License-Identifier: Apache-2.0
//
// Forms of text that stand for a number: which all texts of a page have in common, and there and back. What fits() says
// yes to is rebuilt byte for byte. For the pages of a block.
//
// Threads: free functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "block/page.h"

namespace clew::block {

constexpr size_t kUuidChars = 36;
constexpr size_t kDecimalCharsMax = 20;  // of an int64, with its sign
// Longer texts of hex digits are left to zstd, which halves them as well.
constexpr size_t kHexBytesMax = 256;
// Hex of so many bytes is kept as an integer.
constexpr size_t kHexNumberBytes = 8;

// PlainText if the texts have nothing in common; ConstantText only if there are no texts or all are equal.
Encoding form_of(const TextValues& texts);

// The 32 digits of a UUID without the one that tells its version (RFC 9562, section 4.2).
struct UuidParts {
  uint64_t high = 0;  // 60 bits
  uint64_t low = 0;
  uint8_t version = 0;  // 4 bits
};

// Each way is for texts of that form, and writes exactly what the form says: kUuidChars, or two digits a byte.
UuidParts uuid_parts(std::string_view text);
void write_uuid(const UuidParts& parts, char* text);
void hex_to_bytes(std::string_view text, uint8_t* bytes);
void hex_from_bytes(const uint8_t* bytes, size_t byte_count, char* text);
uint64_t big_endian(const uint8_t* bytes, size_t byte_count);  // of at most kHexNumberBytes
void write_big_endian(uint64_t value, size_t byte_count, uint8_t* bytes);
int64_t decimal_value(std::string_view text);
// Returns how many of the kDecimalCharsMax characters at `text` it wrote.
size_t write_decimal(int64_t value, char* text);

}  // namespace clew::block
