// SPDX-License-Identifier: Apache-2.0
//
// Which blocks of a tenant are compacted next. A pure function, so that a test can run years of ingest through it.
//
// Levels: 0 sealed, 1 and 2 compacted once and twice. Eight blocks of a level make blocks of the next, the oldest
// first, so that outputs hardly overlap in time. Level 2 stays, and so does what is large already. So every span is
// written at most three times, the seal counted, and of a level there are at most seven blocks that are small.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "store/manifest.h"

namespace clew::store {

constexpr uint32_t kLevelMax = 2;
// Blocks of one level that make a job.
constexpr size_t kBlocksPerJob = 8;
// An output is at most this part of a tenant's bytes, so that retention by bytes takes away little at a time.
constexpr uint64_t kUnitsPerTenant = 20;

enum class Urgency : uint8_t {
  Usual,
  // By command: as few blocks as the levels allow, however few there are.
  Forced
};

struct CompactionLimits {
  uint64_t tenant_bytes_max = UINT64_MAX;  // that retention keeps of the tenant
  Urgency urgency = Urgency::Usual;
};

struct CompactionPlan {
  std::vector<ObjectId> inputs;  // oldest first
  uint32_t level = 0;            // of the outputs
  uint64_t output_spans_max = 0;
  uint64_t output_bytes_max = 0;
};

// Nothing: all is well as it is.
std::optional<CompactionPlan> next_compaction(const ManifestState& state, const CompactionLimits& limits);

}  // namespace clew::store
