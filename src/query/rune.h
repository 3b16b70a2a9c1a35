// SPDX-License-Identifier: Apache-2.0
//
// One code point of UTF-8 at a time, for the lexer, for columns in error messages and for the printer's escapes.
// Strict as RFC 3629 is: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstdint>
#include <string_view>

namespace clew::query {

struct Rune {
  char32_t value = 0;
  uint32_t bytes = 0;  // 0: no valid code point starts here
};

// The code point at byte `at`, which is below text.size().
Rune rune_at(std::string_view text, size_t at);

// Unicode's White_Space.
bool is_space(char32_t rune);

// C0 and C1 controls and DEL: what the printer does not show as it is.
constexpr bool is_control(char32_t rune) { return rune < 0x20 || (rune >= 0x7F && rune < 0xA0); }

}  // namespace clew::query
