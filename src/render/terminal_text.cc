// SPDX-License-Identifier: Apache-2.0
#include "render/terminal_text.h"

#include <algorithm>
#include <array>
#include <optional>

namespace clew::render {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// From Unicode 15's EastAsianWidth.txt (W and F), neighbouring ranges joined.
constexpr std::array kWide = {
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x23E9, 0x23EC},   Range{0x2E80, 0x303E},
    Range{0x3041, 0x4DBF},   Range{0x4E00, 0xA4CF},   Range{0xA960, 0xA97C},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},
    Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1FAFF}, Range{0x20000, 0x3FFFD}};

// Combining marks and joiners that matter in names (DerivedGeneralCategory.txt, Mn and Cf).
constexpr std::array kNoCells = {Range{0x0300, 0x036F}, Range{0x0591, 0x05BD},  Range{0x064B, 0x065F},
                                 Range{0x200B, 0x200D}, Range{0x20D0, 0x20FF},  Range{0xFE00, 0xFE0F},
                                 Range{0xFE20, 0xFE2F}, Range{0xE0100, 0xE01EF}};

// Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9), line and paragraph separators,
// the byte order mark and tag characters: invisible, and able to make a line read as something that it is not.
constexpr std::array kUnseen = {Range{0x00AD, 0x00AD},  Range{0x061C, 0x061C}, Range{0x200E, 0x200F},
                                Range{0x2028, 0x202E},  Range{0x2060, 0x206F}, Range{0xFEFF, 0xFEFF},
                                Range{0xE0000, 0xE007F}};

template <size_t N>
bool in(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](Range range) { return c >= range.first && c <= range.last; });
}

struct Character {
  char32_t code;
  size_t bytes;
};

// The character at the front of `text`, which is not empty; nothing if its bytes are no UTF-8 (Unicode 15, table 3-7).
std::optional<Character> front(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return Character{lead, 1};
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return std::nullopt;
  char32_t code = lead & (0x7Fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    code = code << 6 | (next & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[bytes] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return std::nullopt;
  return Character{code, bytes};
}

void append_hex(std::string& out, char32_t code, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[code >> shift & 15];
}

void append_escape(std::string& out, char32_t code) {
  if (code == '\n') {
    out += "\\n";
  } else if (code == '\t') {
    out += "\\t";
  } else if (code == '\r') {
    out += "\\r";
  } else if (code < 0x80) {
    out += "\\x";
    append_hex(out, code, 2);
  } else if (code < 0x10000) {
    out += "\\u";
    append_hex(out, code, 4);
  } else {
    out += "\\U";
    append_hex(out, code, 8);
  }
}

size_t cells_of(char32_t code) {
  if (code < 0x300) return 1;
  if (in(kNoCells, code)) return 0;
  return in(kWide, code) ? 2 : 1;
}

}  // namespace

std::string harmless(std::string_view text, Charset charset) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::optional<Character> character = front(text);
    if (!character) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(text[0]), 2);
      text.remove_prefix(1);
      continue;
    }
    const char32_t code = character->code;
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0) || in(kUnseen, code);
    if (control || (charset == Charset::Ascii && code > 0x7E)) {
      append_escape(out, code);
    } else {
      out += text.substr(0, character->bytes);
    }
    text.remove_prefix(character->bytes);
  }
  return out;
}

size_t cell_count(std::string_view text) {
  size_t cells = 0;
  while (!text.empty()) {
    const std::optional<Character> character = front(text);
    cells += character ? cells_of(character->code) : 1;
    text.remove_prefix(character ? character->bytes : 1);
  }
  return cells;
}

void append_cells(std::string& out, std::string_view text, size_t cells, Charset charset) {
  const size_t wanted = cell_count(text);
  if (wanted <= cells) {
    out += text;
    out.append(cells - wanted, ' ');
    return;
  }
  if (cells == 0) return;
  size_t used = 0;
  while (!text.empty()) {
    const std::optional<Character> character = front(text);
    const size_t next = character ? cells_of(character->code) : 1;
    if (used + next > cells - 1) break;
    used += next;
    out += text.substr(0, character ? character->bytes : 1);
    text.remove_prefix(character ? character->bytes : 1);
  }
  out += charset == Charset::Ascii ? "~" : "…";
  out.append(cells - 1 - used, ' ');
}

}  // namespace clew::render
