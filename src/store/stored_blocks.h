// SPDX-License-Identifier: Apache-2.0
//
// Opening what a manifest names: blocks for readers, roll-ups. Whoever opens keeps the object store and the cache alive
// as long as any snapshot.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "block/cache.h"
#include "object/object_store.h"
#include "store/tenant_state.h"

namespace clew::store {

// Where blocks and roll-ups lie.
struct Shelves {
  object::ObjectStore& objects;
  block::Cache& cache;
  std::shared_ptr<RetiredObjects> retired;
  // Bytes of the disk that blocks leave free, so that what frees some can be written down.
  uint64_t free_bytes_min = 0;
};

// Unavailable if `bytes` more do not fit.
Result<void> check_room(const Shelves& shelves, uint64_t bytes);

// DataLoss for a block that is damaged or not there.
Result<TenantBlock> open_block(const Shelves& shelves, const std::string& tenant, const BlockEntry& entry);
Result<TenantRollup> open_rollup(const Shelves& shelves, const std::string& tenant, const RollupEntry& entry);
// Puts a roll-up under a new id.
Result<TenantRollup> put_rollup(const Shelves& shelves, const std::string& tenant, RollupEntry entry,
                                const rollup::Rollup& rollup);

}  // namespace clew::store
