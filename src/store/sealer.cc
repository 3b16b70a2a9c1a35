// SPDX-License-Identifier: Apache-2.0
#include "store/sealer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace clew::store {
namespace {

// How often it is looked whether a head is due: at 100,000 spans a second, 10,000 of them.
constexpr std::chrono::milliseconds kLookEvery(100);
// How often links are confirmed, so that a snapshot finds little to do.
constexpr uint64_t kLinkEveryNanos = 500 * kNanosPerMilli;
constexpr uint64_t kRetryFirstNanos = kNanosPerSecond;
constexpr uint64_t kRetryLastNanos = 60 * kNanosPerSecond;

// A head is sealed when it has this part of the share of all heads, and the largest one when all have the other part:
// while it is being sealed, it stays, and the next one grows beside it.
constexpr uint64_t kHeadPercent = 25;
constexpr uint64_t kHeadsPercent = 60;
// The journal's size, in percent of its largest, from which on the heads that keep it are sealed.
constexpr uint64_t kJournalPercent = 50;
// Rounds of freezing and sealing until everything is in blocks: what is frozen already, and what has come since.
constexpr int kFlushRounds = 2;

}  // namespace

Sealer::Sealer(Tenants& tenants, const Shelves& shelves, Committer& committer, const Options& options,
               const CurrentPolicy& policy, const Clock& clock, MemoryBudget& budget, Metrics& metrics,
               AfterSeal after_seal)
    : tenants_(tenants),
      shelves_(shelves),
      committer_(committer),
      options_(options),
      policy_(policy),
      clock_(clock),
      budget_(budget),
      after_seal_(std::move(after_seal)),
      seals_(metrics.counter("clew_store_seals_total", "Heads that were written into blocks.")),
      failed_seals_(metrics.counter("clew_store_failed_seals_total", "Seals that failed and are tried again.")),
      spans_(metrics.counter("clew_store_sealed_spans_total", "Spans that were written into blocks by seals.")),
      bytes_(metrics.counter("clew_store_sealed_bytes_total", "Bytes of blocks and roll-ups that seals have written.")),
      shared_traces_(metrics.counter("clew_store_shared_traces_total",
                                     "Traces that were sealed while blocks held parts of them.")),
      carried_traces_(metrics.counter("clew_store_carried_traces_total",
                                      "Traces that a seal has left in memory, being still written.")),
      head_spans_(metrics.gauge("clew_head_spans", "Spans in the heads.")),
      chore_("clew-seal", kLookEvery, [this](Chore::Call call) { return round(call); }) {
  committer_.set_sealer(policy_.get().seal_spans, [this] { wake(); });
}

std::optional<Error> Sealer::round(Chore::Call call) {
  std::optional<Error> error;
  if (call == Chore::Call::Asked) {
    error = flush_all();
  } else {
    seal_due();
  }
  committer_.trim(tenants_.needed_from());
  link();
  return error;
}

void Sealer::seal_due() {
  if (clock_.monotonic_nanos() < retry_at_nanos_) return;
  // Heads that need records up to here keep the journal from shrinking.
  journal::Lsn pinned_to = 0;
  if (committer_.journal_bytes() > options_.journal_bytes_max / 100 * kJournalPercent) {
    const journal::Lsn oldest = tenants_.needed_from();
    pinned_to = oldest + (tenants_.appended_to() + 1 - oldest) / 2;
  }
  for (Tenant* tenant : tenants_.all()) {
    const std::optional<Carry> carry = due(*tenant, pinned_to);
    if (carry && !try_seal(*tenant, *carry)) return;
  }
  seal_for_room();
}

std::optional<Sealer::Carry> Sealer::due(const Tenant& tenant, journal::Lsn pinned_to) const {
  const Tenant::Unsealed unsealed = tenant.unsealed();
  if (unsealed.is_frozen) return Carry::None;
  if (unsealed.spans == 0) return std::nullopt;
  if (unsealed.first_lsn < pinned_to) return Carry::None;
  const Policy policy = policy_.get();
  if (unsealed.active_spans >= policy.seal_spans) return Carry::Recent;
  if (unsealed.active_bytes >= tenants_.memory().limit() / 100 * kHeadPercent) return Carry::Recent;
  if (clock_.monotonic_nanos() - unsealed.began_nanos >= policy.seal_interval_nanos) return Carry::Recent;
  return std::nullopt;
}

void Sealer::seal_for_room() {
  const HeadMemory& memory = tenants_.memory();
  if (memory.held() < memory.limit() / 100 * kHeadsPercent) return;
  Tenant* largest = nullptr;
  uint64_t most = 0;
  for (Tenant* tenant : tenants_.all()) {
    const uint64_t bytes = tenant->unsealed().bytes;
    if (bytes <= most) continue;
    most = bytes;
    largest = tenant;
  }
  if (largest != nullptr) try_seal(*largest, Carry::None);
}

bool Sealer::try_seal(Tenant& tenant, Carry carry) {
  const Result<void> sealed = seal(tenant, carry);
  if (sealed.ok()) return true;
  retry_after_nanos_ = std::clamp(retry_after_nanos_ * 2, kRetryFirstNanos, kRetryLastNanos);
  retry_at_nanos_ = clock_.monotonic_nanos() + retry_after_nanos_;
  return false;
}

// What a frozen head that is there already was frozen for does not matter any more: it has waited.
Result<void> Sealer::seal(Tenant& tenant, Carry carry) {
  Result<SealReport> report = [&]() -> Result<SealReport> {
    TRY(tenant.finish_pending());
    TRY(check_room(shelves_, 0));
    tenant.freeze();
    std::optional<UnixNanos> carry_from;
    const uint64_t carry_nanos = policy_.get().carry_nanos;
    if (carry == Carry::Recent && carry_nanos > 0) carry_from = clock_.now() - carry_nanos;
    return SealJob(tenant, shelves_, budget_, carry_from, clock_.monotonic_nanos()).run();
  }();
  if (!report.ok()) {
    failed_seals_.add();
    cannot_seal_.raise(
        fmt::format("store: tenant {}: recent spans cannot be written into a block; they stay in memory "
                    "and journal, and it is tried again: {}",
                    tenant.name(), report.error().what()));
    return report.error();
  }
  cannot_seal_.clear("store: recent spans are written into blocks again");
  retry_after_nanos_ = 0;
  seals_.add();
  spans_.add(report->spans);
  bytes_.add(report->bytes);
  shared_traces_.add(report->shared_traces);
  carried_traces_.add(report->carried_traces);
  tenants_.duplicates().add(report->duplicates);
  after_seal_(tenant, *report);
  return {};
}

std::optional<Error> Sealer::flush_all() {
  std::optional<Error> first;
  for (Tenant* tenant : tenants_.all()) {
    if (Result<void> done = flush(*tenant); !done.ok() && !first) first = std::move(done).error();
  }
  return first;
}

Result<void> Sealer::flush(Tenant& tenant) {
  for (int round = 0; round < kFlushRounds; ++round) {
    TRY(tenant.finish_pending());
    const Tenant::Unsealed unsealed = tenant.unsealed();
    if (!unsealed.is_frozen && unsealed.spans == 0) return {};
    TRY(seal(tenant, Carry::None));
    if (!unsealed.is_frozen) return {};
  }
  return {};
}

void Sealer::link() {
  const uint64_t now = clock_.monotonic_nanos();
  if (now - linked_at_nanos_ < kLinkEveryNanos) return;
  linked_at_nanos_ = now;
  uint64_t spans = 0;
  for (Tenant* tenant : tenants_.all()) {
    const uint64_t unsealed = tenant->unsealed().spans;
    spans += unsealed;
    if (unsealed > 0) tenant->confirm_links();
  }
  head_spans_.set(static_cast<int64_t>(spans));
}

}  // namespace clew::store
