// SPDX-License-Identifier: Apache-2.0
//
// store::Tenants is all tenants of a store, and what their heads hold of the memory budget. A tenant is made when its
// first span comes and stays.
//
// Threads: add(), reserve(), append() and settle() by the one writer; the rest by any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "store/head_memory.h"
#include "store/tenant.h"

namespace clew::store {

class Tenants {
 public:
  // All must outlive the tenants.
  Tenants(object::ObjectStore& objects, MemoryBudget& budget, uint32_t tenants_max, const Clock& clock,
          Metrics& metrics);

  // May this tenant have spans here: is it known, or is there room for one more?
  bool admits(std::string_view name) const;
  // The tenant, with its manifest read if it was not known.
  Result<Tenant*> add(const std::string& name);
  // Reserves what appending `spans` may need; false if the head share is spent or the tenant's head is full.
  bool reserve(std::string_view name, const model::SpanBatch& spans);
  // The tenant is known. How many spans its active head has now.
  uint32_t append(std::string_view name, const model::SpanBatch& spans, UnixNanos received, journal::Lsn lsn);
  // All records up to this one are in heads.
  void settle(journal::Lsn appended_to);

  // Null if it is not known. Lives as long as this.
  Tenant* find(std::string_view name) const;
  std::vector<Tenant*> all() const;  // by name
  // The journal's records from here on are needed.
  journal::Lsn needed_from() const;
  journal::Lsn appended_to() const { return appended_to_.load(std::memory_order_acquire); }
  // LSNs up to here were given by somebody's journal.
  journal::Lsn sealed_to() const;

  const HeadMemory& memory() const { return memory_; }
  const std::shared_ptr<RetiredObjects>& retired() const { return retired_; }
  Counter& duplicates() { return duplicates_; }

 private:
  object::ObjectStore& objects_;
  const uint32_t tenants_max_;
  const Clock& clock_;
  Counter& duplicates_;
  HeadMemory memory_;
  const std::shared_ptr<RetiredObjects> retired_;
  std::atomic<journal::Lsn> appended_to_ = 0;

  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<Tenant>, std::less<>> tenants_;  // guarded by mutex_
};

}  // namespace clew::store
