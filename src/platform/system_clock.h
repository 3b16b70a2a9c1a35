// SPDX-License-Identifier: Apache-2.0
//
// The real Clock: the system's wall clock and its monotonic clock.
#pragma once

#include "base/clock.h"

namespace clew::platform {

// Lives until the process ends. Threads: any.
const Clock& system_clock();

}  // namespace clew::platform
