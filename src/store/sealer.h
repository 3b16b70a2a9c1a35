// SPDX-License-Identifier: Apache-2.0
//
// store::Sealer decides when a head is sealed, and seals it (seal_job.h) on a thread of its own: when it is large or
// old, when all heads together need room, when it keeps the journal from being trimmed, and when it is asked to. Then
// it has the journal trimmed.
//
// What fails (a full disk, an object store that is down) stays where it is and is tried again, ever less often.
// Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/metrics.h"
#include "store/chore.h"
#include "store/committer.h"
#include "store/complaint.h"
#include "store/policy.h"
#include "store/seal_job.h"
#include "store/tenants.h"

namespace clew::store {

// Since the start.
struct SealTotals {
  uint64_t seals = 0;
  uint64_t spans = 0;
  uint64_t bytes = 0;
};

class Sealer {
 public:
  // Called on the sealer's thread after each seal.
  using AfterSeal = std::function<void(Tenant&, const SealReport&)>;

  // All must outlive the sealer.
  Sealer(Tenants& tenants, const Shelves& shelves, Committer& committer, const Options& options,
         const CurrentPolicy& policy, const Clock& clock, MemoryBudget& budget, Metrics& metrics, AfterSeal after_seal);

  // Seals all that is in the heads now; the first error if something could not be.
  Result<void> flush() { return chore_.ask(); }
  // Looks now whether something is to do.
  void wake() { chore_.wake(); }
  SealTotals totals() const { return {seals_.value(), spans_.value(), bytes_.value()}; }

 private:
  enum class Carry : uint8_t { None, Recent };

  std::optional<Error> round(Chore::Call call);
  void seal_due();
  std::optional<Error> flush_all();
  std::optional<Carry> due(const Tenant& tenant, journal::Lsn pinned_to) const;
  void seal_for_room();
  bool try_seal(Tenant& tenant, Carry carry);
  Result<void> seal(Tenant& tenant, Carry carry);
  Result<void> flush(Tenant& tenant);
  void link();

  Tenants& tenants_;
  const Shelves& shelves_;
  Committer& committer_;
  const Options& options_;
  const CurrentPolicy& policy_;
  const Clock& clock_;
  MemoryBudget& budget_;
  const AfterSeal after_seal_;

  Counter& seals_;
  Counter& failed_seals_;
  Counter& spans_;
  Counter& bytes_;
  Counter& shared_traces_;
  Counter& carried_traces_;
  Gauge& head_spans_;

  // The chore's own.
  Complaint cannot_seal_;
  uint64_t retry_at_nanos_ = 0;
  uint64_t retry_after_nanos_ = 0;
  uint64_t linked_at_nanos_ = 0;
  Chore chore_;  // last: starts when all else is there
};

}  // namespace clew::store
