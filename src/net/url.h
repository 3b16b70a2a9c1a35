// SPDX-License-Identifier: Apache-2.0
//
// The parts of a request target (RFC 3986): percent-decoding, and the fields of a query as HTML forms write it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::net {

// A target with more fields is cut there; no API of ours takes as many.
constexpr size_t kQueryFieldsMax = 1000;

// Nothing if a % is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
// Everything but letters, digits and "-_.~" as %XX.
std::string percent_encode(std::string_view text);

// "a=1&b=x%20y" in the order written; a field without = has an empty value; badly encoded ones are kept as they came.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace clew::net
