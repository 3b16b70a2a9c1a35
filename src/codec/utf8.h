// SPDX-License-Identifier: Apache-2.0
//
// Is a text valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF)?
#pragma once

#include <string>
#include <string_view>

namespace clew::codec {

bool valid_utf8(std::string_view text);

}  // namespace clew::codec
