// SPDX-License-Identifier: Apache-2.0
//
// store::Store is the keeper: what it has acknowledged is in the journal, and what is in the journal is in a head and
// can be found. submit() hands a request's spans over; the committer thread writes the requests that wait as one group,
// makes them durable with one sync, appends them to their tenants' heads, and only then calls each request's `done`.
// So nothing is seen before it is durable, and a request becomes visible whole.
//
// Heads become blocks (store/sealer.h), small blocks large ones, and old ones go (store/maintenance.h), all behind a
// Snapshot. Opening a store replays what of its journal is in no block into the heads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "base/result.h"
#include "model/span_batch.h"
#include "store/policy.h"
#include "store/request_record.h"
#include "store/snapshot.h"

namespace clew::platform {
class FileSystem;
}

namespace clew::store {

struct Options : Policy {
  uint64_t journal_segment_bytes = 64 << 20;
  // The journal's files together; beyond it, requests are refused as Unavailable.
  uint64_t journal_bytes_max = uint64_t{16} << 30;
  // Free bytes on the disk that the journal leaves for others.
  uint64_t free_space_floor_bytes = 256 << 20;
  uint32_t tenants_max = 1000;
};

// A request after decoding, on its way to disk.
struct Submission {
  std::string tenant;
  Door door = Door::OtlpGrpc;
  UnixNanos received = 0;
  model::SpanBatch spans;
  // What the request holds of the in-flight share, given back after `done`.
  Reservation memory;
  // Called exactly once, within submit() or on the committer's thread; must not block. Ok: durable and visible.
  // Unavailable: not taken, try again. PermissionDenied: one tenant too many.
  std::function<void(Result<void>)> done;
};

// What opening found: requests and spans that were in the journal only.
struct Recovery {
  uint64_t spans = 0;
  uint64_t requests = 0;
  uint64_t damaged_records = 0;
  uint64_t torn_bytes = 0;
  uint64_t blocks = 0;
  uint64_t damaged_blocks = 0;  // set aside
  uint64_t orphans = 0;         // objects that belonged to nothing, removed
  double seconds = 0;
};

// What the store holds.
struct LevelFigures {
  uint32_t level = 0;
  uint64_t blocks = 0;
  uint64_t spans = 0;
  uint64_t bytes = 0;
};
struct TenantFigures {
  std::string tenant;
  uint64_t manifest_version = 0;
  std::vector<LevelFigures> levels;  // ascending
  uint64_t rollups = 0;
  uint64_t rollup_bytes = 0;
  uint64_t head_spans = 0;
  uint64_t head_bytes = 0;  // of memory
  uint64_t shared_traces = 0;
  uint64_t blocks_set_aside = 0;
  uint64_t spans_set_aside = 0;
  uint64_t spans_removed_by_retention = 0;
};
struct StorageFigures {
  std::vector<TenantFigures> tenants;  // by name
  uint64_t journal_bytes = 0;
  uint64_t retired_bytes = 0;  // of objects that only old snapshots hold
  // Since the start.
  uint64_t seals = 0;
  uint64_t sealed_spans = 0;
  uint64_t sealed_bytes = 0;
  uint64_t compactions = 0;
  uint64_t compacted_bytes = 0;  // written
  uint64_t duplicate_spans = 0;
};

class Store {
 public:
  // `files`, `clock`, `budget` and `metrics` must outlive the store. Fails if the folder cannot be used.
  static Result<std::unique_ptr<Store>> open(platform::FileSystem& files, const std::string& folder,
                                             const Options& options, const Clock& clock, MemoryBudget& budget,
                                             Metrics& metrics);
  virtual ~Store() = default;  // commits what was submitted, then stops

  virtual void submit(Submission submission) = 0;
  // Nothing for a tenant that never sent. Not to be held longer than the store lives.
  virtual std::optional<Snapshot> snapshot(std::string_view tenant) const = 0;
  virtual std::vector<std::string> tenants() const = 0;
  virtual const Recovery& recovery() const = 0;

  // Seals what is in the heads now; returns when it is in blocks.
  virtual Result<void> flush() = 0;
  // Makes few large blocks of all there are; returns when nothing is left to do.
  virtual Result<void> compact() = 0;
  virtual StorageFigures storage() const = 0;
  // From now on; what is being done is finished by the one before.
  virtual void change_policy(const Policy& policy) = 0;
};

}  // namespace clew::store
