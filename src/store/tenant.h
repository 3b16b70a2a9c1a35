// SPDX-License-Identifier: Apache-2.0
//
// store::Tenant is one tenant's part of the store: its heads, its manifest, and the state that readers get snapshots
// of.
//
// The heads are generations. The active one is appended to. freeze() puts a new one in its place; the frozen one is
// sealed, which takes a while, and goes with the change that brings its blocks. Of it stay the traces that were still
// being written, copied into a small *carried* head, which is sealed together with the next frozen one.
//
// What counts changes only by commit(): one delta of the manifest, and when that is durable, a new state. A delta of
// which nobody knows whether it was written is written again before anything else is.
//
// Threads: append() and is_full() by the one writer; freeze() and the frozen heads by the sealer; all else by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/head_memory.h"
#include "store/manifest.h"
#include "store/tenant_state.h"
#include "store/trace_links.h"

namespace clew::store {

// A head and what it takes to open again without it.
struct Generation {
  std::shared_ptr<Head> head;
  journal::Lsn first_lsn = 0;  // of its oldest record; 0 if it has none
  journal::Lsn last_lsn = 0;
  uint64_t began_nanos = 0;  // of the monotonic clock, when its first span came
  uint64_t bytes = 0;        // that are accounted for
};

// A trace in the carried head, beside what the manifest knows.
struct CarriedTrace {
  Carried carried;
  uint32_t carries = 0;  // how many seals it was carried over
};

// What a seal leaves of the frozen heads.
struct Leftover {
  Generation head;                   // null head: nothing
  std::vector<CarriedTrace> traces;  // by number in the head
  bool joined = false;               // with the frozen head
};

// One step: a delta, and what the new state has of it in memory.
struct Change {
  Delta delta;
  std::vector<TenantBlock> blocks;    // those that the delta adds
  std::vector<TenantRollup> rollups;  // likewise
  std::optional<Leftover> seals;      // of the frozen heads, which go
};

class Tenant {
 public:
  // `objects`, `memory` and `retired` must outlive the tenant.
  Tenant(std::string name, Manifest manifest, HeadMemory& memory, std::shared_ptr<RetiredObjects> retired);

  const std::string& name() const { return name_; }

  bool is_full() const;
  struct Appended {
    uint32_t left_out = 0;    // being here already
    uint32_t head_spans = 0;  // in the active head now
  };
  Appended append(const model::SpanBatch& spans, UnixNanos received, journal::Lsn lsn, uint64_t now_nanos);

  Snapshot snapshot() const;
  std::shared_ptr<const TenantState> state() const;
  // Looks into the blocks for what their filters let pass; who calls it now and then keeps snapshots cheap.
  void confirm_links() const;

  // What is not in blocks, carried heads included.
  struct Unsealed {
    uint64_t spans = 0;
    uint64_t bytes = 0;
    uint64_t active_spans = 0;
    uint64_t active_bytes = 0;
    uint64_t began_nanos = 0;    // the oldest; 0 if there is none
    bool is_frozen = false;      // a frozen head waits for its seal
    journal::Lsn first_lsn = 0;  // the oldest record that is needed; 0 if none is
  };
  Unsealed unsealed() const;

  // Does nothing while a frozen head is there.
  void freeze();
  // Its head is null if there is none. Until the next commit().
  const Generation& frozen() const { return frozen_; }
  // Copies the rows of the carried head behind those of the frozen one, if that has not been done.
  void join_carried();
  // The traces of the carried head, until the next commit(). For the sealer's thread.
  std::span<const CarriedTrace> carried() const { return carried_.traces; }

  // Makes `change` count. On any error it does not, for now; then the objects that it names are
  //   to be removed   after InvalidArgument and ResourceExhausted: it never will
  //   to be kept      else: it is tried again before the next change
  Result<void> commit(Change change);
  // Tries again what waits.
  Result<void> finish_pending();
  // At opening: the blocks and roll-ups that the manifest names.
  void load(std::vector<TenantBlock> blocks, std::vector<TenantRollup> rollups);

  ObjectId new_id() { return next_id_.fetch_add(1, std::memory_order_relaxed); }
  // A copy: it may change at once.
  ManifestState manifest() const;
  Result<void> collect_manifest();

 private:
  void account(Generation& generation);
  void publish(Change& change);
  void add_and_remove(const Change& change, TenantState& state) const;
  Result<void> append_delta(Change& change);

  const std::string name_;
  HeadMemory& memory_;
  const std::shared_ptr<RetiredObjects> retired_;

  // No lock, so that who holds a head's may ask for an id: the locks below come before a head's.
  std::atomic<ObjectId> next_id_;

  // Taken in the order in which they stand here.
  mutable std::mutex change_mutex_;
  Manifest manifest_;              // guarded by change_mutex_
  std::optional<Change> pending_;  // likewise

  mutable std::mutex append_mutex_;  // guards the generations; heads have locks of their own
  Generation active_;
  Generation frozen_;
  Leftover carried_;

  mutable std::mutex link_mutex_;
  mutable TraceLinks links_;  // guarded by link_mutex_

  mutable std::mutex state_mutex_;
  std::shared_ptr<const TenantState> state_;  // guarded by state_mutex_
};

}  // namespace clew::store
