// SPDX-License-Identifier: Apache-2.0
//
// store::TraceLinks knows which traces of a tenant's heads have parts in another head or in a block. Each trace is
// looked up once, when somebody first asks after it came: a part that comes later comes through a head as a trace of
// its own, and is looked up then. So what a link costs is bounded by what came since the last one.
//
// A block's filter errs on the side of yes. What it says is believed until confirm() has looked into the block.
//
// Threads: one at a time, confirm() included, which says what it does without the lock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "store/tenant_state.h"

namespace clew::store {

class TraceLinks {
 public:
  // `heads` are snapshots of those of `state`, in their order.
  void link(const TenantState& state, const std::vector<HeadSnapshot>& heads);
  // Ids of the traces that were linked and have parts elsewhere, or may have. Null for none.
  const std::shared_ptr<const TraceIdSet>& shared() const { return shared_; }
  // Forgets traces that no head of `state` has any more.
  void prune(const TenantState& state);

  const TraceIdSet& suspects() const { return suspects_; }
  // What looking into the blocks has shown of suspects.
  void settle(const std::vector<model::TraceId>& innocent, const std::vector<model::TraceId>& guilty);

 private:
  void link_chunk(const TenantState& state, const std::vector<HeadSnapshot>& heads, size_t head,
                  std::vector<model::TraceId>& ids);
  void publish();

  std::map<const Head*, uint32_t> linked_;  // traces of each head that were looked up
  TraceIdSet certain_;
  TraceIdSet suspects_;
  bool changed_ = false;
  std::shared_ptr<const TraceIdSet> shared_;
};

}  // namespace clew::store
