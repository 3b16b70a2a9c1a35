// SPDX-License-Identifier: Apache-2.0
//
// The OpenAPI document of the native API: src/serve/openapi.json, which is part of the program.
#pragma once

#include <string_view>

namespace clew::serve {

std::string_view openapi_json();

}  // namespace clew::serve
