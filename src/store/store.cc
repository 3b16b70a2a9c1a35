// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <algorithm>

#include "base/log.h"
#include "journal/journal.h"
#include "store/committer.h"
#include "store/heads.h"

namespace clew::store {
namespace {

class JournaledStore final : public Store {
 public:
  JournaledStore(std::unique_ptr<Heads> heads, std::unique_ptr<journal::Journal> journal, const Recovery& recovery,
                 MemoryBudget& budget, const Clock& clock, Metrics& metrics)
      : heads_(std::move(heads)),
        recovery_(recovery),
        committer_(std::move(journal), *heads_, budget, clock, metrics) {}

  void submit(Submission submission) override { committer_.submit(std::move(submission)); }
  std::optional<Snapshot> snapshot(std::string_view tenant) const override {
    const std::optional<HeadSnapshot> head = heads_->snapshot(tenant);
    if (!head) return std::nullopt;
    return Snapshot(*head);
  }
  std::vector<std::string> tenants() const override { return heads_->tenants(); }
  const Recovery& recovery() const override { return recovery_; }

 private:
  std::unique_ptr<Heads> heads_;
  Recovery recovery_;
  Committer committer_;
};

// A record whose frame is whole but whose payload cannot be read is damage like any other: counted, and replay goes on.
Result<void> replay(Heads& heads, journal::RecordKind kind, Bytes payload, Recovery& recovery) {
  if (kind != journal::RecordKind::Request)
    return Error(Code::FailedPrecondition, "the journal was written by a newer version of Clew");
  Result<RequestRecord> record = decode_request(payload);
  if (!record.ok()) {
    ++recovery.damaged_records;
    log(LogLevel::Error, "journal: a record cannot be read: " + record.error().what());
    return {};
  }
  ++recovery.requests;
  recovery.spans += record->spans.span_count();
  heads.append(record->tenant, record->spans, record->received);
  return {};
}

void publish(const Recovery& recovery, Metrics& metrics) {
  const auto gauge = [&metrics](std::string_view name, std::string_view help, double value) {
    metrics.gauge_from(name, help, [value] { return value; });
  };
  gauge("clew_recovery_seconds", "Time that the last start took to read the journal back.", recovery.seconds);
  gauge("clew_recovery_spans", "Spans that the last start read back.", static_cast<double>(recovery.spans));
  gauge("clew_recovery_damaged_records", "Records that could not be read at the last start.",
        static_cast<double>(recovery.damaged_records));
  gauge("clew_recovery_torn_bytes", "Bytes of unacknowledged requests that the last start dropped.",
        static_cast<double>(recovery.torn_bytes));
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(platform::FileSystem& files, const std::string& folder,
                                           const Options& options, const Clock& clock, MemoryBudget& budget,
                                           Metrics& metrics) {
  const uint64_t began = clock.monotonic_nanos();
  auto heads = std::make_unique<Heads>(budget, options.tenants_max, metrics);
  Recovery recovery;
  journal::Options journal_options;
  journal_options.segment_bytes = options.journal_segment_bytes;
  journal_options.bytes_max = options.journal_bytes_max;
  journal_options.free_space_floor_bytes = options.free_space_floor_bytes;
  journal::Journal::Opened opened = TRY(journal::Journal::open(
      files, folder + "/journal", journal_options,
      [&](journal::Lsn, journal::RecordKind kind, Bytes payload) { return replay(*heads, kind, payload, recovery); }));
  heads->settle();
  recovery.damaged_records += opened.report.records_lost;
  recovery.torn_bytes = opened.report.torn_bytes;
  recovery.seconds = static_cast<double>(clock.monotonic_nanos() - began) / kNanosPerSecond;
  publish(recovery, metrics);
  return std::unique_ptr<Store>(
      std::make_unique<JournaledStore>(std::move(heads), std::move(opened.journal), recovery, budget, clock, metrics));
}

}  // namespace clew::store
