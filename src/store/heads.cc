// SPDX-License-Identifier: Apache-2.0
#include "store/heads.h"

#include <mutex>

namespace clew::store {
namespace {

// Links between rows, and entries of traces and their look-up table, at a few spans a trace.
constexpr uint64_t kIndexBytesPerSpan = 32;

}  // namespace

Heads::Heads(MemoryBudget& budget, uint32_t tenants_max, Metrics& metrics)
    : budget_(budget),
      tenants_max_(tenants_max),
      span_gauge_(metrics.gauge("clew_head_spans", "Spans in the heads.")),
      byte_gauge_(metrics.gauge("clew_head_bytes", "Memory that the heads hold.")),
      memory_(budget, Share::Head) {}

bool Heads::admits(std::string_view tenant) const {
  const std::shared_lock lock(mutex_);
  return heads_.size() < tenants_max_ || heads_.find(tenant) != heads_.end();
}

// Beyond a batch's content, appending adds the head's own index. That now and then a table of the head doubles is seen
// by settle().
bool Heads::reserve(std::string_view tenant, const model::SpanBatch& spans) {
  {
    const std::shared_lock lock(mutex_);
    const auto entry = heads_.find(tenant);
    if (entry != heads_.end() && entry->second->is_full()) return false;
  }
  return memory_.grow(spans.content_bytes() + spans.span_count() * kIndexBytesPerSpan);
}

void Heads::append(const std::string& tenant, const model::SpanBatch& spans, UnixNanos received) {
  const std::shared_ptr<Head> target = head(tenant);
  target->append(spans, received);
  span_gauge_.add(static_cast<int64_t>(spans.span_count()));
  uint64_t& bytes = bytes_[tenant];
  bytes_held_ -= bytes;
  bytes = target->memory_bytes();
  bytes_held_ += bytes;
}

void Heads::settle() {
  byte_gauge_.set(static_cast<int64_t>(bytes_held_));
  memory_.shrink_to(bytes_held_);
  if (memory_.bytes() == bytes_held_) return;
  const uint64_t missing = bytes_held_ - memory_.bytes();
  if (memory_.grow(missing)) return;
  const uint64_t left = budget_.limit(Share::Head) - std::min(budget_.limit(Share::Head), memory_.bytes());
  memory_.grow(std::min(left, missing));
}

std::shared_ptr<Head> Heads::head(const std::string& tenant) {
  const std::unique_lock lock(mutex_);
  std::shared_ptr<Head>& entry = heads_[tenant];
  if (entry == nullptr) entry = std::make_shared<Head>();
  return entry;
}

std::optional<HeadSnapshot> Heads::snapshot(std::string_view tenant) const {
  std::shared_ptr<Head> found;
  {
    const std::shared_lock lock(mutex_);
    const auto entry = heads_.find(tenant);
    if (entry == heads_.end()) return std::nullopt;
    found = entry->second;
  }
  return found->snapshot();
}

std::vector<std::string> Heads::tenants() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(heads_.size());
  for (const auto& [name, head] : heads_) names.push_back(name);
  return names;
}

}  // namespace clew::store
