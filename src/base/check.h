// SPDX-License-Identifier: Apache-2.0
//
// CHECK states what the program knows to be true whatever came from outside; it is never applied to outside input.
// A CHECK that fails is a bug: the process stops at once with the place, because going on could make a wrong answer.
// DCHECK is for conditions too costly for the release build.
#pragma once

#include <string_view>

namespace clew::detail {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);
[[noreturn]] void must_failed(std::string_view error, const char* file, int line);

}  // namespace clew::detail

#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) [[unlikely]]                                  \
      ::clew::detail::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
  } while (false && (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif
