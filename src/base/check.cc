// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace clew::detail {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

void must_failed(std::string_view error, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: MUST failed: %.*s\n", file, line, static_cast<int>(error.size()), error.data());
  std::abort();
}

}  // namespace clew::detail
