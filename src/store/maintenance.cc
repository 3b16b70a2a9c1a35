// SPDX-License-Identifier: Apache-2.0
#include "store/maintenance.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "rollup/rollup.h"
#include "store/recovery.h"

namespace clew::store {
namespace {

constexpr std::chrono::seconds kLookEvery(1);
constexpr uint64_t kRetryFirstNanos = kNanosPerSecond;
constexpr uint64_t kRetryLastNanos = 60 * kNanosPerSecond;
// Bytes that retention keeps free beyond the floor at which the journal refuses.
constexpr uint64_t kFreeBytesBeyondFloor = 256 << 20;

}  // namespace

Maintenance::Maintenance(Tenants& tenants, const Shelves& shelves, const Committer& committer, const Options& options,
                         const CurrentPolicy& policy, const Clock& clock, MemoryBudget& budget, Metrics& metrics)
    : tenants_(tenants),
      shelves_(shelves),
      committer_(committer),
      options_(options),
      policy_(policy),
      clock_(clock),
      budget_(budget),
      compactions_(metrics.counter("clew_store_compactions_total", "Compactions of blocks.")),
      failed_compactions_(metrics.counter("clew_store_failed_compactions_total", "Compactions that failed.")),
      compacted_bytes_(metrics.counter("clew_store_compacted_bytes_total", "Bytes that compactions have written.")),
      expired_blocks_(metrics.counter("clew_store_expired_blocks_total", "Blocks that retention has removed.")),
      expired_spans_(metrics.counter("clew_store_expired_spans_total", "Spans that retention has removed.")),
      damaged_blocks_(metrics.counter("clew_store_damaged_blocks_total", "Blocks that were found damaged.")),
      blocks_set_aside_(metrics.gauge("clew_store_blocks_set_aside", "Damaged blocks, out of every answer.")),
      stored_bytes_(metrics.gauge("clew_store_bytes", "Bytes of blocks and roll-ups.")),
      chore_("clew-keep", kLookEvery, [this](Chore::Call call) { return round(call); }) {}

Maintenance::~Maintenance() {
  chore_.stop();
  remove_retired();
}

void Maintenance::found_damaged(Tenant& tenant, const std::vector<ObjectId>& blocks) {
  {
    const std::lock_guard lock(mutex_);
    for (const ObjectId id : blocks) damaged_.emplace_back(&tenant, id);
  }
  wake();
}

std::optional<Error> Maintenance::round(Chore::Call call) {
  const bool asked = call == Chore::Call::Asked;
  set_aside_damaged();
  retain();
  remove_retired();
  if (!asked && !(policy_.get().compacts && clock_.monotonic_nanos() >= retry_at_nanos_)) return {};
  for (Tenant* tenant : tenants_.all()) {
    Result<bool> more = true;
    while (more.ok() && *more && !chore_.stopping()) {
      more = compact_once(*tenant, asked ? Urgency::Forced : Urgency::Usual);
      set_aside_damaged();
      remove_retired();
      collect(*tenant);
    }
    if (more.ok()) continue;
    failed_compactions_.add();
    cannot_compact_.raise(fmt::format("store: tenant {}: blocks cannot be compacted; it is tried again: {}",
                                      tenant->name(), more.error().what()));
    retry_after_nanos_ = std::clamp(retry_after_nanos_ * 2, kRetryFirstNanos, kRetryLastNanos);
    retry_at_nanos_ = clock_.monotonic_nanos() + retry_after_nanos_;
    return std::move(more).error();
  }
  cannot_compact_.clear("store: blocks are compacted again");
  retry_after_nanos_ = 0;
  return {};
}

void Maintenance::set_aside_damaged() {
  std::vector<std::pair<Tenant*, ObjectId>> damaged;
  {
    const std::lock_guard lock(mutex_);
    damaged = std::exchange(damaged_, {});
  }
  for (const auto& [tenant, id] : damaged) {
    if (set_aside_block(*tenant, id).ok()) continue;
    const std::lock_guard lock(mutex_);
    damaged_.emplace_back(tenant, id);
  }
}

Result<void> Maintenance::set_aside_block(Tenant& tenant, ObjectId id) {
  const ManifestState manifest = tenant.manifest();
  if (!manifest.blocks.contains(id)) return {};
  TRY(set_aside(tenant, {id}));
  damaged_blocks_.add();
  log(LogLevel::Error, fmt::format("store: {} is damaged and set aside, {} spans are out of every answer",
                                   block_name(tenant.name(), id), manifest.blocks.at(id).facts.span_count));
  return {};
}

RetentionLimits Maintenance::retention_limits(uint64_t stored_bytes, uint64_t free_bytes) const {
  const Policy policy = policy_.get();
  RetentionLimits limits;
  if (policy.retention_age_nanos != 0) limits.age_nanos = policy.retention_age_nanos;
  if (policy.retention_bytes != 0) limits.bytes_max = policy.retention_bytes;
  if (policy.retention_disk_percent != 0 && free_bytes != UINT64_MAX) {
    const uint64_t disk = stored_bytes + committer_.journal_bytes() + free_bytes;
    limits.bytes_max = std::min(limits.bytes_max, disk / 100 * policy.retention_disk_percent);
  }
  if (options_.free_space_floor_bytes != 0)
    limits.free_bytes_min = options_.free_space_floor_bytes + kFreeBytesBeyondFloor;
  return limits;
}

void Maintenance::retain() {
  const std::vector<Tenant*> tenants = tenants_.all();
  std::vector<ManifestState> manifests;
  std::vector<const ManifestState*> pointers;
  manifests.reserve(tenants.size());
  uint64_t bytes = 0;
  uint64_t aside = 0;
  for (const Tenant* tenant : tenants) {
    const ManifestState& manifest = manifests.emplace_back(tenant->manifest());
    pointers.push_back(&manifest);
    bytes += stored_bytes(manifest);
    aside += manifest.set_aside.size();
  }
  stored_bytes_.set(static_cast<int64_t>(bytes));
  blocks_set_aside_.set(static_cast<int64_t>(aside));
  StorageUse use;
  use.now = clock_.now();
  use.journal_bytes = committer_.journal_bytes();
  // What has been let go and is still held by a reader will be free.
  const uint64_t retired = tenants_.retired()->bytes();
  if (const Result<uint64_t> free = shelves_.objects.free_space(); free.ok())
    use.free_bytes = *free > UINT64_MAX - retired ? UINT64_MAX : *free + retired;
  const RetentionLimits limits = retention_limits(bytes, use.free_bytes);
  Result<void> done = remove_expired(tenants, expired_blocks(pointers, limits, use));
  for (Tenant* tenant : tenants)
    if (done.ok()) done = remove_old_rollups(*tenant);
  if (done.ok()) {
    cannot_remove_.clear("store: what has expired is removed again");
  } else {
    cannot_remove_.raise("store: what has expired cannot be removed; it is tried again: " + done.error().what());
  }
}

Result<void> Maintenance::remove_expired(const std::vector<Tenant*>& tenants,
                                         const std::vector<ExpiredBlock>& expired) {
  std::map<size_t, Change> changes;
  for (const ExpiredBlock& block : expired) changes[block.tenant].delta.removed_blocks.push_back(block.id);
  for (auto& [index, change] : changes) {
    Tenant& tenant = *tenants[index];
    const ManifestState manifest = tenant.manifest();
    change.delta.removal = Removal::Retention;
    for (const ObjectId id : change.delta.removed_blocks)
      change.delta.lost_spans += manifest.blocks.at(id).facts.span_count;
    const uint64_t blocks = change.delta.removed_blocks.size();
    const uint64_t spans = change.delta.lost_spans;
    TRY(tenant.commit(std::move(change)));
    expired_blocks_.add(blocks);
    expired_spans_.add(spans);
  }
  return {};
}

Result<void> Maintenance::remove_old_rollups(Tenant& tenant) {
  const uint64_t age_nanos = policy_.get().rollup_age_nanos;
  if (age_nanos == 0) return {};
  const UnixNanos now = clock_.now();
  if (now < age_nanos) return {};
  const uint64_t oldest = rollup::minute_of(now - age_nanos);
  Change change;
  const std::shared_ptr<const TenantState> state = tenant.state();
  for (const TenantRollup& rollup : state->rollups)
    if (rollup.entry.last_minute < oldest) change.delta.removed_rollups.push_back(rollup.entry.id);
  if (change.delta.removed_rollups.empty()) return {};
  return tenant.commit(std::move(change));
}

void Maintenance::remove_retired() {
  for (RetiredObjects::Object& object : tenants_.retired()->take()) to_remove_.push_back(std::move(object));
  std::vector<RetiredObjects::Object> left;
  for (RetiredObjects::Object& object : to_remove_) {
    if (shelves_.objects.remove(object.name).ok()) {
      tenants_.retired()->removed(object.bytes);
    } else {
      left.push_back(std::move(object));
    }
  }
  to_remove_ = std::move(left);
}

void Maintenance::collect(Tenant& tenant) {
  const uint64_t version = tenant.state()->manifest_version;
  uint64_t& collected = collected_[&tenant];
  if (version < collected + kCheckpointEvery) return;
  collected = version;
  if (const Result<void> done = tenant.collect_manifest(); !done.ok())
    log(LogLevel::Debug, "store: " + done.error().what());
}

}  // namespace clew::store
