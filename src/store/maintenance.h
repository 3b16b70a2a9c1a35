// SPDX-License-Identifier: Apache-2.0
//
// store::Maintenance keeps the house on a thread of its own: it compacts blocks (compaction_policy.h, compactor.h) and
// merges roll-ups, lets go what is too old or too much (retention.h), sets aside blocks in which something was found
// damaged, and removes the objects that nobody holds any more. One step at a time, each one delta of a manifest.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "store/chore.h"
#include "store/committer.h"
#include "store/compaction_policy.h"
#include "store/compactor.h"
#include "store/complaint.h"
#include "store/policy.h"
#include "store/retention.h"
#include "store/stored_blocks.h"
#include "store/tenants.h"

namespace clew::store {

// Since the start.
struct CompactionTotals {
  uint64_t compactions = 0;
  uint64_t bytes = 0;  // written
};

class Maintenance {
 public:
  // All must outlive it.
  Maintenance(Tenants& tenants, const Shelves& shelves, const Committer& committer, const Options& options,
              const CurrentPolicy& policy, const Clock& clock, MemoryBudget& budget, Metrics& metrics);
  ~Maintenance();  // breaks off what it does

  // There may be something to do.
  void wake() { chore_.wake(); }
  // Something in these blocks could not be read.
  void found_damaged(Tenant& tenant, const std::vector<ObjectId>& blocks);
  // Compacts until nothing is left to do; the first error if something could not be.
  Result<void> compact() { return chore_.ask(); }
  CompactionTotals totals() const { return {compactions_.value(), compacted_bytes_.value()}; }

 private:
  // Asked: compacts everything, and answers with the first error.
  std::optional<Error> round(Chore::Call call);
  void set_aside_damaged();
  Result<void> set_aside_block(Tenant& tenant, ObjectId id);
  void retain();
  Result<void> remove_expired(const std::vector<Tenant*>& tenants, const std::vector<ExpiredBlock>& expired);
  Result<void> remove_old_rollups(Tenant& tenant);
  // Whether there was something to do.
  Result<bool> compact_once(Tenant& tenant, Urgency urgency);
  Result<bool> run_compaction(Tenant& tenant, const CompactionPlan& plan);
  Result<bool> merge_rollups(Tenant& tenant);
  void remove_retired();
  void collect(Tenant& tenant);
  RetentionLimits retention_limits(uint64_t stored_bytes, uint64_t free_bytes) const;

  Tenants& tenants_;
  const Shelves& shelves_;
  const Committer& committer_;
  const Options& options_;
  const CurrentPolicy& policy_;
  const Clock& clock_;
  MemoryBudget& budget_;

  Counter& compactions_;
  Counter& failed_compactions_;
  Counter& compacted_bytes_;
  Counter& expired_blocks_;
  Counter& expired_spans_;
  Counter& damaged_blocks_;
  Gauge& blocks_set_aside_;
  Gauge& stored_bytes_;

  std::mutex mutex_;
  std::vector<std::pair<Tenant*, ObjectId>> damaged_;  // guarded by mutex_

  // The chore's own.
  Complaint cannot_compact_;
  Complaint cannot_remove_;
  uint64_t retry_at_nanos_ = 0;
  uint64_t retry_after_nanos_ = 0;
  std::map<Tenant*, uint64_t> collected_;  // versions at which manifests were collected
  std::vector<RetiredObjects::Object> to_remove_;
  Chore chore_;  // last: starts when all else is there
};

}  // namespace clew::store
