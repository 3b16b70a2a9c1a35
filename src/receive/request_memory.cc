// SPDX-License-Identifier: Apache-2.0
#include "receive/request_memory.h"

namespace clew::receive {

bool RequestMemory::grow(uint64_t bytes) {
  const bool large = reservation_.bytes() + bytes > kSmallRequestBytes;
  if (large && budget_.used(Share::InFlight) + bytes > large_limit(budget_)) return false;
  return reservation_.grow(bytes);
}

bool RequestMemory::resize(uint64_t bytes) {
  if (bytes > reservation_.bytes()) return grow(bytes - reservation_.bytes());
  reservation_.shrink_to(bytes);
  return true;
}

}  // namespace clew::receive
