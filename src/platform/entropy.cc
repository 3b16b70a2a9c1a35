// SPDX-License-Identifier: Apache-2.0
#include "platform/entropy.h"

#include <sys/random.h>

#include "base/check.h"

namespace clew::platform {

uint64_t entropy() {
  uint64_t bits = 0;
  // Up to 256 bytes are given whole or not at all, and not at all only before the kernel has gathered any at boot.
  CHECK(::getrandom(&bits, sizeof bits, 0) == sizeof bits);
  return bits;
}

}  // namespace clew::platform
