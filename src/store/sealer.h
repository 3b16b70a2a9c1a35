// SPDX-License-Identifier: Apache-2.0
//
// store::Sealer decides when a head is sealed, and seals it (seal_job.h) on a thread of its own: when it is large or
// old, when all heads together need room, when it keeps the journal from being trimmed, and when it is asked to. Then
// it has the journal trimmed.
//
// What fails (a full disk, an object store that is down) stays where it is and is tried again, ever less often.
// Threads: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/metrics.h"
#include "platform/thread.h"
#include "store/committer.h"
#include "store/complaint.h"
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
  Sealer(Tenants& tenants, const Shelves& shelves, Committer& committer, const Options& options, const Clock& clock,
         MemoryBudget& budget, Metrics& metrics, AfterSeal after_seal);
  ~Sealer();  // finishes the seal at hand

  // Seals all that is in the heads now; the first error if something could not be.
  Result<void> flush();
  // Looks now whether something is to do.
  void wake();
  SealTotals totals() const { return {seals_.value(), spans_.value(), bytes_.value()}; }

 private:
  enum class Carry : uint8_t { None, Recent };

  void run();
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

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable flushed_;
  // Guarded by mutex_.
  bool stopping_ = false;
  bool woken_ = false;
  uint64_t flushes_asked_ = 0;
  uint64_t flushes_done_ = 0;
  std::optional<Error> flush_error_;  // of the last one

  // The thread's own.
  Complaint cannot_seal_;
  uint64_t retry_at_nanos_ = 0;
  uint64_t retry_after_nanos_ = 0;
  uint64_t linked_at_nanos_ = 0;
  platform::Thread thread_;  // last: starts when all else is there
};

}  // namespace clew::store
