// SPDX-License-Identifier: Apache-2.0
//
// store::Heads is the heads of all tenants and what they hold of the memory budget's head share.
//
// Threads: append(), reserve() and settle() by the one writer; the rest by any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory_budget.h"
#include "base/metrics.h"
#include "store/head.h"

namespace clew::store {

class Heads {
 public:
  Heads(MemoryBudget& budget, uint32_t tenants_max, Metrics& metrics);

  // May this tenant have spans here: is it known, or is there room for one more?
  bool admits(std::string_view tenant) const;
  // Reserves what appending `spans` may need; false if the head share is spent or the tenant's head is full.
  bool reserve(std::string_view tenant, const model::SpanBatch& spans);
  void append(const std::string& tenant, const model::SpanBatch& spans, UnixNanos received);
  // Makes the reservation what the heads really hold. Replay comes here without reserve(): what is on disk is loaded
  // even if it is more than the share.
  void settle();

  std::optional<HeadSnapshot> snapshot(std::string_view tenant) const;
  std::vector<std::string> tenants() const;

 private:
  std::shared_ptr<Head> head(const std::string& tenant);

  MemoryBudget& budget_;
  const uint32_t tenants_max_;
  Gauge& span_gauge_;
  Gauge& byte_gauge_;

  // The writer's own.
  Reservation memory_;
  std::map<std::string, uint64_t> bytes_;  // by tenant, as of its last append
  uint64_t bytes_held_ = 0;

  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Head>, std::less<>> heads_;  // guarded by mutex_
};

}  // namespace clew::store
