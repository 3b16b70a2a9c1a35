// SPDX-License-Identifier: Apache-2.0
//
// Sends the lines of base/log.h to standard error, with time and level, as text for people or as one JSON object a
// line: {"time":"…","level":"info","message":"…"}.
#pragma once

#include <string_view>

namespace clew::app {

// `level` and `format` are values of the settings log.level and log.format. Called again, it changes both, also while
// other threads log.
void start_logging(std::string_view level, std::string_view format);

}  // namespace clew::app
