// SPDX-License-Identifier: Apache-2.0
//
// The seed from which a randomized test counts on: CLEW_SEED of the environment, so that a failing run can be had
// again and a night can try others, and 1 where it is not set.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace clew::platform {

inline uint64_t base_seed() {
  static const uint64_t kSeed = [] {
    const char* given = std::getenv("CLEW_SEED");
    return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
  }();
  return kSeed;
}

}  // namespace clew::platform
