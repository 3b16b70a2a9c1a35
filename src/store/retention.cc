// SPDX-License-Identifier: Apache-2.0
#include "store/retention.h"

#include <algorithm>
#include <tuple>

namespace clew::store {
namespace {

struct Candidate {
  size_t tenant;
  const BlockEntry* block;
};

bool is_past(UnixNanos time, uint64_t age_nanos, UnixNanos now) { return now > time && now - time > age_nanos; }

}  // namespace

uint64_t stored_bytes(const ManifestState& tenant) {
  uint64_t bytes = 0;
  for (const auto& [id, block] : tenant.blocks) bytes += block.facts.bytes;
  for (const auto& [id, block] : tenant.set_aside) bytes += block.facts.bytes;
  for (const auto& [id, rollup] : tenant.rollups) bytes += rollup.bytes;
  return bytes;
}

std::vector<ExpiredBlock> expired_blocks(std::span<const ManifestState* const> tenants, const RetentionLimits& limits,
                                         const StorageUse& use) {
  std::vector<Candidate> candidates;
  std::vector<uint64_t> tenant_bytes;
  uint64_t bytes = use.journal_bytes;
  uint64_t free_bytes = use.free_bytes;
  for (size_t i = 0; i < tenants.size(); ++i) {
    for (const auto& [id, block] : tenants[i]->blocks) candidates.push_back({i, &block});
    tenant_bytes.push_back(stored_bytes(*tenants[i]));
    bytes += tenant_bytes.back();
  }
  std::ranges::sort(candidates, {}, [](const Candidate& candidate) {
    return std::tuple(candidate.block->facts.last_arrival, candidate.tenant, candidate.block->id);
  });

  std::vector<ExpiredBlock> expired;
  // One reason after the other, so that none takes blocks in vain that go for another.
  const auto take = [&](RetentionReason reason, const auto& is_due) {
    std::erase_if(candidates, [&](const Candidate& candidate) {
      if (!is_due(candidate)) return false;
      const uint64_t freed = candidate.block->facts.bytes;
      tenant_bytes[candidate.tenant] -= freed;
      bytes -= freed;
      free_bytes += std::min(freed, UINT64_MAX - free_bytes);
      expired.push_back({candidate.tenant, candidate.block->id, reason});
      return true;
    });
  };
  take(RetentionReason::Age, [&](const Candidate& candidate) {
    return is_past(candidate.block->facts.last_arrival, limits.age_nanos, use.now);
  });
  take(RetentionReason::TenantBytes,
       [&](const Candidate& candidate) { return tenant_bytes[candidate.tenant] > limits.tenant_bytes_max; });
  take(RetentionReason::Bytes, [&](const Candidate&) { return bytes > limits.bytes_max; });
  take(RetentionReason::FreeSpace, [&](const Candidate&) { return free_bytes < limits.free_bytes_min; });
  return expired;
}

}  // namespace clew::store
