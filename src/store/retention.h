// SPDX-License-Identifier: Apache-2.0
//
// Which blocks go because they are too old or too many. A pure function over all tenants. What counts is when spans
// arrived, not when they say that they started: an import of old data is kept as long as everything else, and a broken
// clock keeps nothing for ever.
//
// A block goes as a whole: by age when its last span is too old; by bytes the one whose last span arrived first.
// Roll-ups stay (they are small and outlive spans), and so do blocks that were set aside as damaged, but they count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "store/manifest.h"

namespace clew::store {

// UINT64_MAX: no limit.
struct RetentionLimits {
  uint64_t age_nanos = UINT64_MAX;  // since arrival
  uint64_t tenant_bytes_max = UINT64_MAX;
  uint64_t bytes_max = UINT64_MAX;  // of all tenants and the journal
  uint64_t free_bytes_min = 0;      // on the disk
};

struct StorageUse {
  UnixNanos now = 0;
  uint64_t journal_bytes = 0;
  uint64_t free_bytes = UINT64_MAX;
};

enum class RetentionReason : uint8_t { Age, TenantBytes, Bytes, FreeSpace };

struct ExpiredBlock {
  size_t tenant = 0;  // index in `tenants`
  ObjectId id = 0;
  RetentionReason reason = RetentionReason::Age;
  friend bool operator==(const ExpiredBlock&, const ExpiredBlock&) = default;
};

// In the order in which they should go, the first arrival first.
std::vector<ExpiredBlock> expired_blocks(std::span<const ManifestState* const> tenants, const RetentionLimits& limits,
                                         const StorageUse& use);

// Blocks, roll-ups and what was set aside.
uint64_t stored_bytes(const ManifestState& tenant);

}  // namespace clew::store
