// SPDX-License-Identifier: Apache-2.0
//
// store::Store is the keeper: what it has acknowledged is in the journal, and what is in the journal is in a head and
// can be found. submit() hands a request's spans over; the committer thread writes the requests that wait as one group,
// makes them durable with one sync, appends them to their tenants' heads, and only then calls each request's `done`.
// So nothing is seen before it is durable, and a request becomes visible whole.
//
// Opening a store replays its journal into the heads.
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
#include "store/snapshot.h"
#include "store/request_record.h"

namespace clew::platform {
class FileSystem;
}

namespace clew::store {

struct Options {
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

// What opening found in the journal.
struct Recovery {
  uint64_t spans = 0;
  uint64_t requests = 0;
  uint64_t damaged_records = 0;
  uint64_t torn_bytes = 0;
  double seconds = 0;
};

class Store {
 public:
  // `files`, `clock`, `budget` and `metrics` must outlive the store. Fails if the folder cannot be used.
  static Result<std::unique_ptr<Store>> open(platform::FileSystem& files, const std::string& folder,
                                             const Options& options, const Clock& clock, MemoryBudget& budget,
                                             Metrics& metrics);
  virtual ~Store() = default;  // commits what was submitted, then stops

  virtual void submit(Submission submission) = 0;
  // Nothing for a tenant that never sent.
  virtual std::optional<Snapshot> snapshot(std::string_view tenant) const = 0;
  virtual std::vector<std::string> tenants() const = 0;
  virtual const Recovery& recovery() const = 0;
};

}  // namespace clew::store
