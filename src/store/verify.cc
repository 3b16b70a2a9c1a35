// SPDX-License-Identifier: Apache-2.0
#include "store/verify.h"

#include <fmt/format.h>

#include "rollup/rollup.h"
#include "store/manifest.h"
#include "store/object_bytes.h"
#include "store/recovery.h"

namespace clew::store {
namespace {

// Footers and tables of one block at a time.
constexpr uint64_t kCacheBudget = 256 << 20;

class Verification {
 public:
  Verification(object::ObjectStore& objects, const VerifyOptions& options)
      : objects_(objects), options_(options), budget_(kCacheBudget), cache_(budget_) {}

  TenantHealth look_at(const std::string& tenant);

 private:
  void look_at_block(const BlockEntry& entry, TenantHealth& health);
  void look_at_rollup(const RollupEntry& entry, TenantHealth& health);
  bool is_gone(const Error& error, const std::string& tenant, ObjectId id) const;
  void done(uint64_t bytes) {
    progress_.bytes_done += bytes;
    if (options_.progress) options_.progress(progress_);
  }

  object::ObjectStore& objects_;
  const VerifyOptions& options_;
  MemoryBudget budget_;
  block::Cache cache_;
  VerifyProgress progress_;
};

// Has a running server taken the object away since the manifest was read?
bool Verification::is_gone(const Error& error, const std::string& tenant, ObjectId id) const {
  if (error.code() != Code::NotFound) return false;
  const Result<Manifest> now = Manifest::open(objects_, manifest_prefix(tenant));
  return now.ok() && !now->state().blocks.contains(id) && !now->state().rollups.contains(id);
}

void Verification::look_at_block(const BlockEntry& entry, TenantHealth& health) {
  const std::string name = block_name(health.tenant, entry.id);
  const auto source = std::make_shared<ObjectSource>(objects_, name, entry.facts.bytes);
  const Result<std::shared_ptr<const block::Block>> block = block::Block::open(source, cache_);
  if (!block.ok()) {
    if (!is_gone(block.error(), health.tenant, entry.id))
      health.damage.push_back(fmt::format("{}: {}", name, block.error().what()));
    return;
  }
  ++health.blocks;
  health.spans += entry.facts.span_count;
  health.bytes += entry.facts.bytes;
  if ((*block)->facts() != entry.facts)
    health.damage.push_back(fmt::format("{}: it is not the block that the manifest describes", name));
  for (const std::string& line : (*block)->verify()) health.damage.push_back(fmt::format("{}: {}", name, line));
  if (options_.block) options_.block(health.tenant, **block);
}

void Verification::look_at_rollup(const RollupEntry& entry, TenantHealth& health) {
  const std::string name = rollup_name(health.tenant, entry.id);
  const Result<std::string> bytes = objects_.get(name);
  if (!bytes.ok()) {
    if (!is_gone(bytes.error(), health.tenant, entry.id))
      health.damage.push_back(fmt::format("{}: {}", name, bytes.error().what()));
    return;
  }
  ++health.rollups;
  health.bytes += bytes->size();
  if (const Result<rollup::Rollup> rollup = rollup::Rollup::decode(as_bytes(*bytes)); !rollup.ok())
    health.damage.push_back(fmt::format("{}: {}", name, rollup.error().what()));
}

TenantHealth Verification::look_at(const std::string& tenant) {
  TenantHealth health;
  health.tenant = tenant;
  const Result<Manifest> manifest = Manifest::open(objects_, manifest_prefix(tenant));
  if (!manifest.ok()) {
    health.damage.push_back(fmt::format("{}: {}", manifest_prefix(tenant), manifest.error().what()));
    return health;
  }
  const ManifestState& state = manifest->state();
  health.set_aside = state.set_aside.size();
  for (const auto& [id, entry] : state.blocks) progress_.bytes_total += entry.facts.bytes;
  for (const auto& [id, entry] : state.rollups) progress_.bytes_total += entry.bytes;
  for (const auto& [id, entry] : state.blocks) {
    look_at_block(entry, health);
    done(entry.facts.bytes);
  }
  for (const auto& [id, entry] : state.rollups) {
    look_at_rollup(entry, health);
    done(entry.bytes);
  }
  return health;
}

}  // namespace

Result<std::vector<TenantHealth>> verify(object::ObjectStore& objects, const VerifyOptions& options) {
  std::vector<TenantHealth> tenants;
  Verification verification(objects, options);
  for (const std::string& tenant : TRY(tenant_names(objects))) tenants.push_back(verification.look_at(tenant));
  return tenants;
}

}  // namespace clew::store
