// SPDX-License-Identifier: Apache-2.0
//
// What a start does before the store serves: the tenants that the object store knows are opened with their blocks and
// roll-ups, orphans are removed, and the journal's records that are in no block are put into the heads.
//
// A block that is damaged or gone is set aside and said so; it does not stop the start. Threads: one.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "store/recent_requests.h"
#include "store/store.h"
#include "store/stored_blocks.h"
#include "store/tenants.h"

namespace clew::store {

// The tenants that have objects.
Result<std::vector<std::string>> tenant_names(object::ObjectStore& objects);

// FailedPrecondition: something needs a newer program. DataLoss: a manifest cannot be read.
Result<void> open_tenants(Tenants& tenants, const Shelves& shelves, Recovery& recovery);

// Puts blocks out of every answer, and keeps them for who repairs.
Result<void> set_aside(Tenant& tenant, const std::vector<ObjectId>& blocks);

// Takes a journal's records one by one.
class Replay {
 public:
  Replay(Tenants& tenants, Recovery& recovery) : tenants_(tenants), recovery_(recovery) {}

  Result<void> take(journal::Lsn lsn, journal::RecordKind kind, Bytes payload);
  // The requests that were seen, for the time after.
  RecentRequests take_recent() { return std::move(recent_); }

 private:
  // How far a tenant's records are in blocks.
  struct Sealed {
    Tenant* tenant = nullptr;
    journal::Lsn to = 0;
    std::unordered_map<model::TraceId, journal::Lsn> carried;
  };

  Result<Sealed*> sealed(std::string_view tenant);
  void damaged(const Error& error);

  Tenants& tenants_;
  Recovery& recovery_;
  RecentRequests recent_;
  std::map<std::string, Sealed, std::less<>> sealed_;
};

}  // namespace clew::store
