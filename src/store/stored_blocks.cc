// SPDX-License-Identifier: Apache-2.0
#include "store/stored_blocks.h"

#include <fmt/format.h>

#include "rollup/rollup.h"
#include "store/object_bytes.h"

namespace clew::store {
namespace {

// An object that a manifest names and nobody finds is lost, not absent.
Error as_loss(const Error& error) {
  return error.code() == Code::NotFound ? Error(Code::DataLoss, error.what()) : error;
}

}  // namespace

Result<void> check_room(const Shelves& shelves, uint64_t bytes) {
  const uint64_t free = TRY(shelves.objects.free_space());
  if (free >= shelves.free_bytes_min && free - shelves.free_bytes_min >= bytes) return {};
  return Error(Code::Unavailable, fmt::format("the disk is full: {} bytes are free", free));
}

Result<TenantBlock> open_block(const Shelves& shelves, const std::string& tenant, const BlockEntry& entry) {
  const std::string name = block_name(tenant, entry.id);
  auto source = std::make_shared<ObjectSource>(shelves.objects, name, entry.facts.bytes);
  Result<std::shared_ptr<const block::Block>> block = block::Block::open(std::move(source), shelves.cache);
  if (!block.ok()) return as_loss(block.error()).with(name);
  Result<std::shared_ptr<const std::vector<model::TraceId>>> elsewhere = (*block)->elsewhere();
  if (!elsewhere.ok()) return as_loss(elsewhere.error()).with(name);
  auto remove = [retired = shelves.retired, name, bytes = entry.facts.bytes] { retired->hand_over({name, bytes}); };
  return TenantBlock{std::make_shared<const StoredBlock>(entry, std::move(*block), std::move(remove)),
                     std::move(*elsewhere)};
}

Result<TenantRollup> open_rollup(const Shelves& shelves, const std::string& tenant, const RollupEntry& entry) {
  const std::string name = rollup_name(tenant, entry.id);
  Result<std::string> bytes = shelves.objects.get(name);
  if (!bytes.ok()) return as_loss(bytes.error()).with(name);
  Result<rollup::Rollup> decoded = rollup::Rollup::decode(as_bytes(*bytes));
  if (!decoded.ok()) return decoded.error().with(name);
  return TenantRollup{entry, std::make_shared<const rollup::Rollup>(std::move(*decoded))};
}

Result<TenantRollup> put_rollup(const Shelves& shelves, const std::string& tenant, RollupEntry entry,
                                const rollup::Rollup& rollup) {
  const std::string bytes = rollup.encode();
  const std::string name = rollup_name(tenant, entry.id);
  TRY(shelves.objects.put_if_absent(name, as_bytes(bytes)));
  entry.bytes = bytes.size();
  const std::optional<rollup::Minutes> minutes = rollup.minutes();
  if (minutes) {
    entry.first_minute = minutes->first;
    entry.last_minute = minutes->last;
  }
  // Decoded, it takes a tenth of what it took when it was added up.
  Result<rollup::Rollup> decoded = rollup::Rollup::decode(as_bytes(bytes));
  if (!decoded.ok()) return decoded.error().with(name);
  return TenantRollup{entry, std::make_shared<const rollup::Rollup>(std::move(*decoded))};
}

}  // namespace clew::store
