// SPDX-License-Identifier: Apache-2.0
#include "store/recent_requests.h"

namespace clew::store {

bool RecentRequests::contains(const Tenant* tenant, const BatchHash& hash, UnixNanos now) {
  while (!entries_.empty() && entries_.front().received + kRecentRequestsNanos < now) {
    keys_.erase(entries_.front().key);
    entries_.pop_front();
  }
  return keys_.contains({tenant, hash});
}

void RecentRequests::add(const Tenant* tenant, const BatchHash& hash, UnixNanos received) {
  if (!keys_.insert({tenant, hash}).second) return;
  entries_.push_back({{tenant, hash}, received});
  if (entries_.size() <= kRecentRequestsMax) return;
  keys_.erase(entries_.front().key);
  entries_.pop_front();
}

}  // namespace clew::store
