// SPDX-License-Identifier: Apache-2.0
//
// One line of log. The application decides where lines go (app/logging.h); before it has, they go to standard error.
// A line says what happened to whom in words, then facts as key=value. Nothing is logged per span or per refused
// request: those are counted (base/metrics.h). Never log a header's or an attribute's value: it may be a secret.
//
// Threads: any.
#pragma once

#include <string_view>

namespace clew {

enum class LogLevel { Debug, Info, Warning, Error };

void log(LogLevel level, std::string_view line);

// `sink` must be callable from any thread until it is replaced. Null restores standard error.
void set_log_sink(void (*sink)(LogLevel level, std::string_view line));

}  // namespace clew
