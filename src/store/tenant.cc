// SPDX-License-Identifier: Apache-2.0
#include "store/tenant.h"

#include <algorithm>
#include <functional>

#include "base/check.h"

namespace clew::store {
namespace {

// Suspects that are looked for in the blocks at a time; each may cost a page of an index.
constexpr size_t kConfirmMax = 4096;

bool is_refusal(const Error& error) {
  return error.code() == Code::InvalidArgument || error.code() == Code::ResourceExhausted;
}

void take_out(const std::vector<ObjectId>& removed, TenantState& state) {
  for (const ObjectId id : removed)
    std::erase_if(state.blocks, [&](const TenantBlock& block) { return block.stored->entry().id == id; });
}

std::shared_ptr<const TraceIdSet> shared_of(const std::vector<TenantBlock>& blocks) {
  auto all = std::make_shared<TraceIdSet>();
  for (const TenantBlock& block : blocks) all->insert(block.elsewhere->begin(), block.elsewhere->end());
  return all;
}

void sort_blocks(std::vector<TenantBlock>& blocks) {
  std::ranges::sort(blocks, std::greater(), [](const TenantBlock& block) {
    return std::pair(block.stored->entry().facts.newest_order_time, block.stored->entry().id);
  });
}

}  // namespace

Tenant::Tenant(std::string name, Manifest manifest, HeadMemory& memory, std::shared_ptr<RetiredObjects> retired)
    : name_(std::move(name)), memory_(memory), retired_(std::move(retired)), manifest_(std::move(manifest)) {
  next_id_ = manifest_.state().next_id;
  active_.head = std::make_shared<Head>();
  auto state = std::make_shared<TenantState>();
  state->manifest_version = manifest_.state().version;
  state->heads = {active_.head};
  state_ = std::move(state);
}

bool Tenant::is_full() const {
  const std::lock_guard lock(append_mutex_);
  return active_.head->is_full();
}

Tenant::Appended Tenant::append(const model::SpanBatch& spans, UnixNanos received, journal::Lsn lsn,
                                uint64_t now_nanos) {
  const std::lock_guard lock(append_mutex_);
  const uint32_t left_out = active_.head->append(spans, received, lsn);
  if (active_.first_lsn == 0) {
    active_.first_lsn = lsn;
    active_.began_nanos = now_nanos;
  }
  active_.last_lsn = lsn;
  account(active_);
  return {left_out, active_.head->snapshot().row_count()};
}

void Tenant::account(Generation& generation) {
  const uint64_t bytes = generation.head == nullptr ? 0 : generation.head->memory_bytes();
  memory_.changed(generation.bytes, bytes);
  generation.bytes = bytes;
}

std::shared_ptr<const TenantState> Tenant::state() const {
  const std::lock_guard lock(state_mutex_);
  return state_;
}

Snapshot Tenant::snapshot() const {
  Snapshot snapshot;
  const std::lock_guard lock(link_mutex_);
  const std::shared_ptr<const TenantState> state = this->state();
  snapshot.manifest_version = state->manifest_version;
  snapshot.blocks.reserve(state->blocks.size());
  for (const TenantBlock& block : state->blocks) snapshot.blocks.push_back(block.stored);
  snapshot.heads.reserve(state->heads.size());
  for (const std::shared_ptr<Head>& head : state->heads) snapshot.heads.push_back(head->snapshot());
  snapshot.shared_in_blocks = state->shared_in_blocks;
  links_.link(*state, snapshot.heads);
  snapshot.shared_in_heads = links_.shared();
  snapshot.rollups.reserve(state->rollups.size());
  for (const TenantRollup& rollup : state->rollups) snapshot.rollups.push_back(rollup.rollup);
  return snapshot;
}

void Tenant::confirm_links() const {
  const Snapshot snapshot = this->snapshot();
  std::vector<model::TraceId> suspects, innocent, guilty;
  {
    const std::lock_guard lock(link_mutex_);
    for (const model::TraceId& id : links_.suspects()) {
      suspects.push_back(id);
      if (suspects.size() == kConfirmMax) break;
    }
  }
  if (suspects.empty()) return;
  for (const model::TraceId& id : suspects) {
    // What cannot be read stays under suspicion.
    const bool found = std::any_of(snapshot.blocks.begin(), snapshot.blocks.end(), [&](const auto& block) {
      if (!block->block().may_hold(id)) return false;
      const Result<std::optional<block::TracePlace>> place = block->block().find(id);
      return !place.ok() || place->has_value();
    });
    (found ? guilty : innocent).push_back(id);
  }
  const std::lock_guard lock(link_mutex_);
  links_.settle(innocent, guilty);
}

Tenant::Unsealed Tenant::unsealed() const {
  const std::lock_guard lock(append_mutex_);
  Unsealed all;
  for (const Generation* generation : {&carried_.head, &frozen_, &active_}) {
    if (generation->head == nullptr) continue;
    all.spans += generation->head->snapshot().row_count();
    all.bytes += generation->bytes;
    if (generation->first_lsn == 0) continue;
    if (all.first_lsn == 0 || generation->first_lsn < all.first_lsn) all.first_lsn = generation->first_lsn;
    if (all.began_nanos == 0 || generation->began_nanos < all.began_nanos) all.began_nanos = generation->began_nanos;
  }
  all.active_spans = active_.head->snapshot().row_count();
  all.active_bytes = active_.bytes;
  all.is_frozen = frozen_.head != nullptr;
  return all;
}

void Tenant::freeze() {
  const std::lock_guard append_lock(append_mutex_);
  if (frozen_.head != nullptr) return;
  frozen_ = std::exchange(active_, Generation{});
  frozen_.head->freeze();
  account(frozen_);
  active_.head = std::make_shared<Head>();
  const std::lock_guard lock(state_mutex_);
  auto next = std::make_shared<TenantState>(*state_);
  next->heads.push_back(active_.head);
  state_ = std::move(next);
}

// Only the sealer, whose thread this is, changes these heads, so they are read without the lock.
void Tenant::join_carried() {
  Head* from = carried_.head.head.get();
  if (from == nullptr || carried_.joined) return;
  {
    const HeadSnapshot carried = from->snapshot();
    const HeadSlice slice = carried.slice();
    TraceCopier copier(*frozen_.head, slice);
    std::vector<uint32_t> rows;
    for (uint32_t trace = 0; trace < carried.trace_count(); ++trace) {
      rows.clear();
      slice.append_rows(trace, rows);
      copier.copy(rows);
    }
  }
  carried_.joined = true;
  const std::lock_guard lock(append_mutex_);
  account(frozen_);
}

Result<void> Tenant::commit(Change change) {
  const std::lock_guard lock(change_mutex_);
  if (pending_) TRY(append_delta(*pending_));
  pending_.reset();
  Result<void> appended = append_delta(change);
  if (!appended.ok() && !is_refusal(appended.error())) pending_ = std::move(change);
  return appended;
}

Result<void> Tenant::finish_pending() {
  const std::lock_guard lock(change_mutex_);
  if (!pending_) return {};
  TRY(append_delta(*pending_));
  pending_.reset();
  return {};
}

Result<void> Tenant::append_delta(Change& change) {
  TRY(manifest_.append(change.delta));
  publish(change);
  return {};
}

void Tenant::publish(Change& change) {
  std::shared_ptr<const TenantState> before;
  std::shared_ptr<const TenantState> after;
  {
    const std::lock_guard append_lock(append_mutex_);
    const std::lock_guard lock(state_mutex_);
    auto next = std::make_shared<TenantState>(*state_);
    next->manifest_version = manifest_.state().version;
    add_and_remove(change, *next);
    if (change.seals) {
      for (Generation* gone : {&carried_.head, &frozen_}) {
        memory_.changed(gone->bytes, 0);
        *gone = Generation{};
      }
      carried_ = std::move(*change.seals);
      account(carried_.head);
      next->heads.clear();
      if (carried_.head.head != nullptr) next->heads.push_back(carried_.head.head);
      next->heads.push_back(active_.head);
    }
    before = std::exchange(state_, next);
    after = std::move(next);
  }
  if (change.seals) {
    const std::lock_guard lock(link_mutex_);
    links_.prune(*after);
  }
  // What is damaged stays for who repairs it.
  if (change.delta.removal != Removal::Damaged) {
    for (const TenantBlock& block : before->blocks) {
      const BlockEntry& entry = block.stored->entry();
      if (std::ranges::count(change.delta.removed_blocks, entry.id) == 0) continue;
      retired_->expect(entry.facts.bytes);
      block.stored->retire();
    }
  }
  for (const TenantRollup& rollup : before->rollups) {
    const RollupEntry& entry = rollup.entry;
    if (std::ranges::count(change.delta.removed_rollups, entry.id) == 0) continue;
    retired_->expect(entry.bytes);
    retired_->hand_over({rollup_name(name_, entry.id), entry.bytes});
  }
}

void Tenant::add_and_remove(const Change& change, TenantState& state) const {
  if (!change.delta.removed_blocks.empty() || !change.blocks.empty()) {
    take_out(change.delta.removed_blocks, state);
    state.blocks.insert(state.blocks.end(), change.blocks.begin(), change.blocks.end());
    sort_blocks(state.blocks);
    state.shared_in_blocks = shared_of(state.blocks);
  }
  for (const ObjectId id : change.delta.removed_rollups)
    std::erase_if(state.rollups, [&](const TenantRollup& rollup) { return rollup.entry.id == id; });
  state.rollups.insert(state.rollups.end(), change.rollups.begin(), change.rollups.end());
}

void Tenant::load(std::vector<TenantBlock> blocks, std::vector<TenantRollup> rollups) {
  const std::lock_guard change_lock(change_mutex_);
  const std::lock_guard lock(state_mutex_);
  auto next = std::make_shared<TenantState>(*state_);
  next->manifest_version = manifest_.state().version;
  next->blocks = std::move(blocks);
  sort_blocks(next->blocks);
  next->shared_in_blocks = shared_of(next->blocks);
  next->rollups = std::move(rollups);
  state_ = std::move(next);
}

ManifestState Tenant::manifest() const {
  const std::lock_guard lock(change_mutex_);
  return manifest_.state();
}

Result<void> Tenant::collect_manifest() {
  const std::lock_guard lock(change_mutex_);
  return manifest_.collect();
}

}  // namespace clew::store
