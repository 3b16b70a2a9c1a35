// SPDX-License-Identifier: Apache-2.0
//
// Text for a terminal: how many cells it takes, how to cut it, and how to show what must not reach a terminal as it is.
// Names of spans come from outside; an escape sequence in one could move the cursor, change the title or reorder the
// line, so control characters and direction overrides are shown as \x1b or \u202e.
//
// Cells follow Unicode's East Asian Width coarsely: wide ranges take two, combining marks none, all others one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clew::render {

enum class Charset : uint8_t { Utf8, Ascii };

// `text` made harmless: control characters, direction overrides and bad UTF-8 escaped; with Ascii, everything above
// 0x7E as well.
std::string harmless(std::string_view text, Charset charset);

// Cells that `text` takes; it must be harmless().
size_t cell_count(std::string_view text);

// Appends harmless `text` in exactly `cells` cells: padded with blanks, or cut with … (~ in ASCII).
void append_cells(std::string& out, std::string_view text, size_t cells, Charset charset);

}  // namespace clew::render
