// SPDX-License-Identifier: Apache-2.0
//
// A search's answer as the JSON of the native API; docs/reference/api.md describes it.
#pragma once

#include <cstdint>
#include <string>

#include "scan/search.h"

namespace clew::serve {

void append_search_json(std::string& out, const scan::SearchAnswer& answer, uint64_t elapsed_nanos);

}  // namespace clew::serve
