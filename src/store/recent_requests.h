// SPDX-License-Identifier: Apache-2.0
//
// store::RecentRequests remembers which requests were made durable a short while ago, so that one that is sent again as
// a whole (its answer was lost, or late) is acknowledged without being written again. Only a shortcut: what it has
// forgotten is found span by span.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_set>

#include "base/clock.h"
#include "store/request_record.h"

namespace clew::store {

class Tenant;

// Some minutes at a few hundred requests a second; about 100 bytes each.
constexpr size_t kRecentRequestsMax = 65'536;
// Senders give up after five minutes.
constexpr uint64_t kRecentRequestsNanos = 600 * kNanosPerSecond;

class RecentRequests {
 public:
  // Was a request of the tenant with this content added within kRecentRequestsNanos?
  bool contains(const Tenant* tenant, const BatchHash& hash, UnixNanos now);
  void add(const Tenant* tenant, const BatchHash& hash, UnixNanos received);

 private:
  struct Key {
    const Tenant* tenant;
    BatchHash hash;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const { return key.hash.low ^ reinterpret_cast<uintptr_t>(key.tenant); }
  };
  struct Entry {
    Key key;
    UnixNanos received;
  };

  std::unordered_set<Key, KeyHash> keys_;
  std::deque<Entry> entries_;  // in the order in which they were added
};

}  // namespace clew::store
