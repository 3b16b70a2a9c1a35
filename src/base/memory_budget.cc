// SPDX-License-Identifier: Apache-2.0
#include "base/memory_budget.h"

#include "base/check.h"

namespace clew {

MemoryBudget::MemoryBudget(uint64_t bytes) : total_(bytes) {
  for (size_t share = 0; share < kShareCount; ++share) limits_[share] = bytes / 100 * kSharePercent[share];
}

bool MemoryBudget::try_reserve(Share share, uint64_t bytes) {
  std::atomic<uint64_t>& used = used_[static_cast<size_t>(share)];
  uint64_t before = used.load(std::memory_order_relaxed);
  do {
    if (bytes > limit(share) || before > limit(share) - bytes) return false;
  } while (!used.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  return true;
}

void MemoryBudget::release(Share share, uint64_t bytes) {
  const uint64_t before = used_[static_cast<size_t>(share)].fetch_sub(bytes, std::memory_order_relaxed);
  CHECK(before >= bytes);
}

}  // namespace clew
