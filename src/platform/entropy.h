// SPDX-License-Identifier: Apache-2.0
//
// Random numbers of the operating system, good enough that nobody can guess them.
#pragma once

#include <cstdint>

namespace clew::platform {

// 64 random bits. Threads: any.
uint64_t entropy();

}  // namespace clew::platform
