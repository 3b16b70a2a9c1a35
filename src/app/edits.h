// SPDX-License-Identifier: Apache-2.0
//
// How far a slip of the finger is from what was meant: "serach" from "search".
#pragma once

#include <cstddef>
#include <string_view>

namespace clew::app {

// Characters to insert, remove or replace to get from one text to the other (Levenshtein). Time and memory grow with
// the product and the sum of their lengths, so it is for words.
size_t edits(std::string_view a, std::string_view b);

}  // namespace clew::app
