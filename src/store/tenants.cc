// SPDX-License-Identifier: Apache-2.0
#include "store/tenants.h"

#include <algorithm>
#include <mutex>

namespace clew::store {
namespace {

// Links between rows, entries of traces and their look-up table at a few spans a trace, and of rows in large traces.
constexpr uint64_t kIndexBytesPerSpan = 40;

}  // namespace

Tenants::Tenants(object::ObjectStore& objects, MemoryBudget& budget, uint32_t tenants_max, const Clock& clock,
                 Metrics& metrics)
    : objects_(objects),
      tenants_max_(tenants_max),
      clock_(clock),
      duplicates_(metrics.counter("clew_store_duplicate_spans_total",
                                  "Spans that were left out since the store held an equal one.")),
      memory_(budget, metrics),
      retired_(std::make_shared<RetiredObjects>()) {}

bool Tenants::admits(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  return tenants_.size() < tenants_max_ || tenants_.find(name) != tenants_.end();
}

Result<Tenant*> Tenants::add(const std::string& name) {
  if (Tenant* known = find(name)) return known;
  Result<Manifest> manifest = Manifest::open(objects_, manifest_prefix(name));
  if (!manifest.ok()) return manifest.error().with("tenant " + name);
  auto made = std::make_unique<Tenant>(name, std::move(*manifest), memory_, retired_);
  const std::unique_lock lock(mutex_);
  return (tenants_[name] = std::move(made)).get();
}

// Beyond a batch's content, appending adds the head's own index. That now and then a table of the head doubles is seen
// by settle().
bool Tenants::reserve(std::string_view name, const model::SpanBatch& spans) {
  const Tenant* tenant = find(name);
  if (tenant != nullptr && tenant->is_full()) return false;
  return memory_.reserve(spans.content_bytes() + spans.span_count() * kIndexBytesPerSpan);
}

uint32_t Tenants::append(std::string_view name, const model::SpanBatch& spans, UnixNanos received, journal::Lsn lsn) {
  const Tenant::Appended appended = find(name)->append(spans, received, lsn, clock_.monotonic_nanos());
  duplicates_.add(appended.left_out);
  return appended.head_spans;
}

void Tenants::settle(journal::Lsn appended_to) {
  appended_to_.store(std::max(appended_to, appended_to_.load(std::memory_order_relaxed)), std::memory_order_release);
  memory_.settle();
}

Tenant* Tenants::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto entry = tenants_.find(name);
  return entry == tenants_.end() ? nullptr : entry->second.get();
}

std::vector<Tenant*> Tenants::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<Tenant*> all;
  all.reserve(tenants_.size());
  for (const auto& [name, tenant] : tenants_) all.push_back(tenant.get());
  return all;
}

// What is not in a head yet lies behind appended_to_, which is read first: what was appended since is in a head.
journal::Lsn Tenants::needed_from() const {
  journal::Lsn needed = appended_to_.load(std::memory_order_acquire) + 1;
  for (const Tenant* tenant : all()) {
    const journal::Lsn first = tenant->unsealed().first_lsn;
    if (first != 0) needed = std::min(needed, first);
  }
  return needed;
}

journal::Lsn Tenants::sealed_to() const {
  journal::Lsn last = 0;
  for (const Tenant* tenant : all()) last = std::max(last, tenant->manifest().seal.sealed_to);
  return last;
}

}  // namespace clew::store
