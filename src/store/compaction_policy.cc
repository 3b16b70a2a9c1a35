// SPDX-License-Identifier: Apache-2.0
#include "store/compaction_policy.h"

#include <algorithm>

namespace clew::store {
namespace {

using Blocks = std::vector<const BlockEntry*>;

uint64_t unit_bytes(const CompactionLimits& limits) { return limits.tenant_bytes_max / kUnitsPerTenant; }

// To write it again would make little of it smaller or fewer.
bool is_large(const BlockEntry& block, const CompactionLimits& limits) {
  return block.facts.span_count >= block::kBlockSpansMax / 2 || block.facts.bytes >= unit_bytes(limits) / 2;
}

CompactionPlan plan_for(const Blocks& blocks, uint32_t level, const CompactionLimits& limits) {
  CompactionPlan plan;
  plan.level = level;
  plan.output_bytes_max = unit_bytes(limits);
  uint64_t spans = 0;
  for (size_t i = 0; i < std::min(blocks.size(), kBlocksPerJob); ++i) {
    plan.inputs.push_back(blocks[i]->id);
    spans += blocks[i]->facts.span_count;
  }
  // Outputs of one size, rather than full ones and a small one.
  const uint64_t outputs = std::max<uint64_t>(1, (spans + block::kBlockSpansMax - 1) / block::kBlockSpansMax);
  plan.output_spans_max = std::min(block::kBlockSpansMax, spans / outputs + block::kRowGroupRowsMax);
  return plan;
}

}  // namespace

std::optional<CompactionPlan> next_compaction(const ManifestState& state, const CompactionLimits& limits) {
  Blocks levels[kLevelMax];
  for (const auto& [id, block] : state.blocks)  // by id: oldest first
    if (block.level < kLevelMax && !is_large(block, limits)) levels[block.level].push_back(&block);

  const size_t enough = limits.urgency == Urgency::Forced ? 2 : kBlocksPerJob;
  if (levels[0].size() >= enough) return plan_for(levels[0], 1, limits);
  if (levels[1].size() >= kBlocksPerJob) return plan_for(levels[1], 2, limits);
  if (limits.urgency == Urgency::Usual) return {};
  // The last sealed block goes along, which saves it a step.
  Blocks rest = levels[1];
  rest.insert(rest.end(), levels[0].begin(), levels[0].end());
  std::ranges::sort(rest, {}, &BlockEntry::id);
  if (rest.size() < 2) return {};
  return plan_for(rest, 2, limits);
}

}  // namespace clew::store
