// SPDX-License-Identifier: Apache-2.0
//
// Reads every byte that the manifests name and checks every checksum. Changes nothing, and may run while a server works
// on the same objects: what compaction or retention takes away meanwhile is not missed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "block/block.h"
#include "object/object_store.h"

namespace clew::store {

struct TenantHealth {
  std::string tenant;
  uint64_t blocks = 0;
  uint64_t rollups = 0;
  uint64_t spans = 0;
  uint64_t bytes = 0;
  uint64_t set_aside = 0;           // blocks that were found damaged before
  std::vector<std::string> damage;  // one line each
};

struct VerifyProgress {
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // of the tenants looked at so far
};

struct VerifyOptions {
  std::function<void(const VerifyProgress&)> progress;
  // Called for every block that can be opened.
  std::function<void(const std::string& tenant, const block::Block&)> block;
};

// Fails only where the objects cannot be listed at all.
Result<std::vector<TenantHealth>> verify(object::ObjectStore& objects, const VerifyOptions& options);

}  // namespace clew::store
