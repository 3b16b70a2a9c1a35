// SPDX-License-Identifier: Apache-2.0
//
// Base 64 (RFC 4648, sections 4 and 5). Read: the standard and the URL alphabet, padded or not, and nothing else: no
// white space, no padding that is too short, no bits set behind the last byte. Written: standard alphabet, padded.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace clew::codec {

std::string encode_base64(Bytes bytes);

// Appends the bytes that `text` stands for. False, with `out` as it was, if it is not base 64.
bool decode_base64(std::string_view text, std::string& out);

}  // namespace clew::codec
