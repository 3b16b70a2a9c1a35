// SPDX-License-Identifier: Apache-2.0
#include "store/trace_links.h"

#include <algorithm>

namespace clew::store {
namespace {

// Ids looked up under one lock of a head.
constexpr uint32_t kChunkTraces = 1024;

}  // namespace

void TraceLinks::link(const TenantState& state, const std::vector<HeadSnapshot>& heads) {
  for (size_t i = 0; i < heads.size(); ++i) {
    uint32_t& linked = linked_[state.heads[i].get()];
    const uint32_t end = heads[i].trace_count();
    // The usual case costs nothing: one head and nothing else.
    if (heads.size() == 1 && state.blocks.empty()) linked = std::max(linked, end);
    std::vector<model::TraceId> ids;
    while (linked < end) {
      ids.clear();
      {
        const HeadSlice slice = heads[i].slice();
        for (; linked < end && ids.size() < kChunkTraces; ++linked) ids.push_back(slice.trace_id(linked));
      }
      link_chunk(state, heads, i, ids);
    }
  }
  publish();
}

// Two heads are never locked at once: their writers would have to agree with us on an order.
void TraceLinks::link_chunk(const TenantState& state, const std::vector<HeadSnapshot>& heads, size_t head,
                            std::vector<model::TraceId>& ids) {
  for (size_t other = 0; other < heads.size(); ++other) {
    if (other == head || heads[other].trace_count() == 0) continue;
    const HeadSlice slice = heads[other].slice();
    for (const model::TraceId& id : ids)
      if (slice.find(id)) changed_ |= certain_.insert(id).second;
  }
  for (const TenantBlock& block : state.blocks) {
    for (const model::TraceId& id : ids)
      if (block.stored->block().may_hold(id)) changed_ |= suspects_.insert(id).second;
  }
}

void TraceLinks::prune(const TenantState& state) {
  std::erase_if(linked_, [&](const auto& entry) {
    return std::none_of(state.heads.begin(), state.heads.end(),
                        [&](const std::shared_ptr<Head>& head) { return head.get() == entry.first; });
  });
  TraceIdSet gone = certain_;
  gone.insert(suspects_.begin(), suspects_.end());
  for (const std::shared_ptr<Head>& head : state.heads) {
    const HeadSnapshot snapshot = head->snapshot();
    const HeadSlice slice = snapshot.slice();
    std::erase_if(gone, [&](const model::TraceId& id) { return slice.find(id).has_value(); });
  }
  if (gone.empty()) return;
  for (const model::TraceId& id : gone) {
    certain_.erase(id);
    suspects_.erase(id);
  }
  changed_ = true;
  publish();
}

void TraceLinks::settle(const std::vector<model::TraceId>& innocent, const std::vector<model::TraceId>& guilty) {
  for (const model::TraceId& id : innocent) changed_ |= suspects_.erase(id) > 0;
  for (const model::TraceId& id : guilty)
    if (suspects_.erase(id) > 0) certain_.insert(id);
  publish();
}

void TraceLinks::publish() {
  if (!changed_) return;
  changed_ = false;
  auto all = std::make_shared<TraceIdSet>(certain_);
  all->insert(suspects_.begin(), suspects_.end());
  shared_ = std::move(all);
}

}  // namespace clew::store
