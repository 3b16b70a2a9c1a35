// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "rollup/rollup.h"
#include "store/maintenance.h"

namespace clew::store {
namespace {

// Roll-ups of one level that are merged into one of the next.
constexpr size_t kRollupsPerMerge = 8;
constexpr uint32_t kRollupLevelMax = 4;
// Cells of a merge; each takes some 150 bytes meanwhile.
constexpr uint64_t kMergedCellsMax = 200'000;
constexpr uint64_t kBytesPerCell = 150;

const TenantBlock* find_block(const TenantState& state, ObjectId id) {
  const auto found = std::ranges::find(state.blocks, id, [](const TenantBlock& b) { return b.stored->entry().id; });
  return found == state.blocks.end() ? nullptr : &*found;
}

// Who cannot be read may have it.
bool is_in_others(const TenantState& state, const std::vector<ObjectId>& job, const model::TraceId& id) {
  return std::ranges::any_of(state.blocks, [&](const TenantBlock& block) {
    if (std::ranges::count(job, block.stored->entry().id) > 0 || !block.stored->block().may_hold(id)) return false;
    const Result<std::optional<block::TracePlace>> place = block.stored->block().find(id);
    return !place.ok() || place->has_value();
  });
}

}  // namespace

Result<bool> Maintenance::compact_once(Tenant& tenant, Urgency urgency) {
  TRY(tenant.finish_pending());
  CompactionLimits limits;
  const uint64_t retention_bytes = policy_.get().retention_bytes;
  if (retention_bytes != 0) limits.tenant_bytes_max = retention_bytes;
  limits.urgency = urgency;
  const std::optional<CompactionPlan> plan = next_compaction(tenant.manifest(), limits);
  if (plan) return run_compaction(tenant, *plan);
  return merge_rollups(tenant);
}

Result<bool> Maintenance::run_compaction(Tenant& tenant, const CompactionPlan& plan) {
  const std::shared_ptr<const TenantState> state = tenant.state();
  std::vector<std::string> written;
  uint64_t bytes = 0;
  CompactionJob job;
  for (const ObjectId id : plan.inputs) {
    const TenantBlock* block = find_block(*state, id);
    if (block == nullptr) return Error(Code::Internal, "a block of the manifest is not open");
    job.inputs.push_back({id, block->stored->shared_block()});
    bytes += block->stored->entry().facts.bytes;
  }
  TRY(check_room(shelves_, bytes));
  job.level = plan.level;
  job.output_spans_max = plan.output_spans_max;
  job.output_bytes_max = plan.output_bytes_max;
  job.new_output = [&]() -> Result<CompactionOutput> {
    const ObjectId id = tenant.new_id();
    written.push_back(block_name(tenant.name(), id));
    return CompactionOutput{id, TRY(shelves_.objects.upload(written.back()))};
  };
  // What is sealed meanwhile says itself that it has a part of a trace that is here.
  job.is_outside = [&](const model::TraceId& id) { return is_in_others(*state, plan.inputs, id); };

  Compactor compactor(budget_, chore_.stopping());
  Result<CompactionResult> result = compactor.run(job);
  if (!result.ok()) {
    if (!compactor.damaged()) return result.error();
    TRY(set_aside_block(tenant, *compactor.damaged()));
    return true;
  }
  Change change;
  change.delta.removed_blocks = result->inputs;
  change.delta.removal = Removal::Compacted;
  change.delta.added_blocks = result->outputs;
  for (const BlockEntry& entry : result->outputs)
    change.blocks.push_back(TRY(open_block(shelves_, tenant.name(), entry)));
  const Result<void> committed = tenant.commit(std::move(change));
  if (!committed.ok()) {
    const Code code = committed.error().code();
    if (code == Code::InvalidArgument || code == Code::ResourceExhausted)
      for (std::string& name : written) to_remove_.push_back({std::move(name), 0});
    return committed.error();
  }
  compactions_.add();
  compacted_bytes_.add(result->bytes_out);
  tenants_.duplicates().add(result->duplicates);
  return true;
}

Result<bool> Maintenance::merge_rollups(Tenant& tenant) {
  const std::shared_ptr<const TenantState> state = tenant.state();
  for (uint32_t level = 0; level < kRollupLevelMax; ++level) {
    std::vector<const TenantRollup*> inputs;
    for (const TenantRollup& rollup : state->rollups)
      if (rollup.entry.level == level) inputs.push_back(&rollup);
    if (inputs.size() < kRollupsPerMerge) continue;
    std::ranges::sort(inputs, {}, [](const TenantRollup* rollup) { return rollup->entry.id; });
    inputs.resize(kRollupsPerMerge);
    uint64_t cells = 0;
    for (const TenantRollup* input : inputs) cells += input->rollup->cell_count();
    Reservation memory(budget_, Share::Compaction);
    if (cells > kMergedCellsMax || !memory.grow(cells * kBytesPerCell)) continue;
    rollup::Rollup merged;
    Change change;
    for (const TenantRollup* input : inputs) {
      merged.merge(*input->rollup);
      change.delta.removed_rollups.push_back(input->entry.id);
    }
    RollupEntry entry;
    entry.id = tenant.new_id();
    entry.level = level + 1;
    TenantRollup put = TRY(put_rollup(shelves_, tenant.name(), entry, merged));
    change.delta.added_rollups.push_back(put.entry);
    compacted_bytes_.add(put.entry.bytes);
    change.rollups.push_back(std::move(put));
    TRY(tenant.commit(std::move(change)));
    return true;
  }
  return false;
}

}  // namespace clew::store
