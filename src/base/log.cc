// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <atomic>
#include <cstdio>

namespace clew {
namespace {

void to_standard_error(LogLevel, std::string_view line) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

std::atomic<void (*)(LogLevel, std::string_view)> current_sink{to_standard_error};

}  // namespace

void log(LogLevel level, std::string_view line) { current_sink.load(std::memory_order_acquire)(level, line); }

void set_log_sink(void (*sink)(LogLevel level, std::string_view line)) {
  current_sink.store(sink == nullptr ? to_standard_error : sink, std::memory_order_release);
}

}  // namespace clew
