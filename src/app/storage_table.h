// SPDX-License-Identifier: Apache-2.0
//
// The JSON answer of /clew/v1/admin/storage as tables for a terminal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::app {

// InvalidArgument if `json` is not such an answer.
Result<std::string> storage_table(std::string_view json);

}  // namespace clew::app
