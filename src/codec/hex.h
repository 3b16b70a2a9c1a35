// SPDX-License-Identifier: Apache-2.0
//
// Base 16 (RFC 4648, section 8): written in lower case, read in either case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace clew::codec {

std::string encode_hex(Bytes bytes);

// Reads exactly 2 * `bytes` digits into the `bytes` bytes at `to`. False, with `to` undefined, for any other text.
bool decode_hex(std::string_view text, uint8_t* to, size_t bytes);

}  // namespace clew::codec
