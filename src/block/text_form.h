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
constexpr size_t kUuidBytes = 16;
constexpr size_t kDecimalCharsMax = 20;  // of an int64, with its sign
// Longer texts of hex digits are left to zstd, which halves them as well.
constexpr size_t kHexBytesMax = 256;

// PlainText if the texts have nothing in common; ConstantText only if there are no texts or all are equal.
Encoding form_of(const TextValues& texts);

// Each way is for texts of that form, and writes exactly what the form says: kUuidBytes, or half of the digits.
void uuid_to_bytes(const char* text, uint8_t* bytes);
void uuid_from_bytes(const uint8_t* bytes, char* text);
void hex_to_bytes(const char* text, size_t byte_count, uint8_t* bytes);
void hex_from_bytes(const uint8_t* bytes, size_t byte_count, char* text);
int64_t decimal_value(std::string_view text);
// Returns how many of the kDecimalCharsMax characters at `text` it wrote.
size_t write_decimal(int64_t value, char* text);

}  // namespace clew::block
