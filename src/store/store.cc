// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <map>

#include "block/cache.h"
#include "journal/journal.h"
#include "object/local_folder.h"
#include "platform/file_system.h"
#include "store/committer.h"
#include "store/maintenance.h"
#include "store/recovery.h"
#include "store/sealer.h"
#include "store/tenants.h"

namespace clew::store {
namespace {

constexpr std::string_view kLockName = "lock";
constexpr platform::SyncSite kSyncFolder = "store.folder";  // the name of the data folder

// What outlives everything that reads or writes.
struct Ground {
  Ground(std::unique_ptr<platform::FileLock> folder_lock, std::unique_ptr<object::ObjectStore> object_store,
         const Options& store_options, const Clock& clock, MemoryBudget& budget, Metrics& metrics)
      : lock(std::move(folder_lock)),
        options(store_options),
        policy(store_options),
        objects(std::move(object_store)),
        cache(budget),
        tenants(*objects, budget, options.tenants_max, clock, metrics),
        shelves{*objects, cache, tenants.retired(), options.free_space_floor_bytes / 2} {}

  const std::unique_ptr<platform::FileLock> lock;
  const Options options;
  CurrentPolicy policy;
  const std::unique_ptr<object::ObjectStore> objects;
  block::Cache cache;
  Tenants tenants;
  const Shelves shelves;
  Recovery recovery;
};

class JournaledStore final : public Store {
 public:
  JournaledStore(std::unique_ptr<Ground> ground, std::unique_ptr<journal::Journal> journal, RecentRequests recent,
                 MemoryBudget& budget, const Clock& clock, Metrics& metrics)
      : ground_(std::move(ground)),
        committer_(std::move(journal), std::move(recent), ground_->tenants, budget, clock, metrics),
        maintenance_(ground_->tenants, ground_->shelves, committer_, ground_->options, ground_->policy, clock, budget,
                     metrics),
        sealer_(
            ground_->tenants, ground_->shelves, committer_, ground_->options, ground_->policy, clock, budget, metrics,
            [this](Tenant& tenant, const SealReport& report) { maintenance_.found_damaged(tenant, report.damaged); }) {}
  // The committer, which wakes the sealer, goes first.
  ~JournaledStore() override { committer_.stop(); }

  void submit(Submission submission) override { committer_.submit(std::move(submission)); }
  std::optional<Snapshot> snapshot(std::string_view name) const override {
    const Tenant* tenant = ground_->tenants.find(name);
    if (tenant == nullptr) return std::nullopt;
    return tenant->snapshot();
  }
  std::vector<std::string> tenants() const override {
    std::vector<std::string> names;
    for (const Tenant* tenant : ground_->tenants.all()) names.push_back(tenant->name());
    return names;
  }
  const Recovery& recovery() const override { return ground_->recovery; }
  Result<void> flush() override { return sealer_.flush(); }
  Result<void> compact() override { return maintenance_.compact(); }
  StorageFigures storage() const override;
  void change_policy(const Policy& policy) override {
    ground_->policy.set(policy);
    committer_.set_seal_spans(policy.seal_spans);
    sealer_.wake();
    maintenance_.wake();
  }

 private:
  const std::unique_ptr<Ground> ground_;
  Committer committer_;
  Maintenance maintenance_;
  Sealer sealer_;
};

TenantFigures figures_of(const Tenant& tenant) {
  TenantFigures figures;
  figures.tenant = tenant.name();
  const ManifestState manifest = tenant.manifest();
  figures.manifest_version = manifest.version;
  std::map<uint32_t, LevelFigures> levels;
  for (const auto& [id, entry] : manifest.blocks) {
    LevelFigures& level = levels[entry.level];
    level.level = entry.level;
    ++level.blocks;
    level.spans += entry.facts.span_count;
    level.bytes += entry.facts.bytes;
  }
  for (const auto& [number, level] : levels) figures.levels.push_back(level);
  figures.rollups = manifest.rollups.size();
  for (const auto& [id, entry] : manifest.rollups) figures.rollup_bytes += entry.bytes;
  const Tenant::Unsealed unsealed = tenant.unsealed();
  figures.head_spans = unsealed.spans;
  figures.head_bytes = unsealed.bytes;
  const Snapshot snapshot = tenant.snapshot();
  if (snapshot.shared_in_blocks) figures.shared_traces += snapshot.shared_in_blocks->size();
  if (snapshot.shared_in_heads) figures.shared_traces += snapshot.shared_in_heads->size();
  figures.blocks_set_aside = manifest.set_aside.size();
  figures.spans_set_aside = manifest.spans_set_aside;
  figures.spans_removed_by_retention = manifest.spans_removed_by_retention;
  return figures;
}

StorageFigures JournaledStore::storage() const {
  StorageFigures figures;
  for (const Tenant* tenant : ground_->tenants.all()) figures.tenants.push_back(figures_of(*tenant));
  figures.journal_bytes = committer_.journal_bytes();
  figures.retired_bytes = ground_->tenants.retired()->bytes();
  const SealTotals sealed = sealer_.totals();
  figures.seals = sealed.seals;
  figures.sealed_spans = sealed.spans;
  figures.sealed_bytes = sealed.bytes;
  const CompactionTotals compacted = maintenance_.totals();
  figures.compactions = compacted.compactions;
  figures.compacted_bytes = compacted.bytes;
  figures.duplicate_spans = ground_->tenants.duplicates().value();
  return figures;
}

void publish(const Recovery& recovery, Metrics& metrics) {
  const auto gauge = [&metrics](std::string_view name, std::string_view help, double value) {
    metrics.gauge_from(name, help, [value] { return value; });
  };
  gauge("clew_recovery_seconds", "Time that the last start took to read the journal back.", recovery.seconds);
  gauge("clew_recovery_spans", "Spans that the last start read back.", static_cast<double>(recovery.spans));
  gauge("clew_recovery_damaged_records", "Records that could not be read at the last start.",
        static_cast<double>(recovery.damaged_records));
  gauge("clew_recovery_blocks", "Blocks that the last start opened.", static_cast<double>(recovery.blocks));
  gauge("clew_recovery_damaged_blocks", "Damaged blocks that the last start set aside.",
        static_cast<double>(recovery.damaged_blocks));
  gauge("clew_recovery_torn_bytes", "Bytes of unacknowledged requests that the last start dropped.",
        static_cast<double>(recovery.torn_bytes));
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(platform::FileSystem& files, const std::string& folder,
                                           const Options& options, const Clock& clock, MemoryBudget& budget,
                                           Metrics& metrics) {
  const uint64_t began = clock.monotonic_nanos();
  // First of all: opening removes what looks left over, and what another process is about to finish looks like that.
  TRY(platform::make_durable_directory(files, folder, kSyncFolder));
  auto lock = TRY(files.lock(platform::join(folder, kLockName)));
  auto objects = TRY(object::open_local_folder(files, folder + "/objects"));
  auto ground = std::make_unique<Ground>(std::move(lock), std::move(objects), options, clock, budget, metrics);
  Recovery& recovery = ground->recovery;
  TRY(open_tenants(ground->tenants, ground->shelves, recovery));

  journal::Options journal_options;
  journal_options.segment_bytes = options.journal_segment_bytes;
  journal_options.bytes_max = options.journal_bytes_max;
  journal_options.free_space_floor_bytes = options.free_space_floor_bytes;
  journal_options.next_lsn_min = ground->tenants.sealed_to() + 1;
  Replay replay(ground->tenants, recovery);
  journal::Journal::Opened opened = TRY(journal::Journal::open(
      files, folder + "/journal", journal_options,
      [&](journal::Lsn lsn, journal::RecordKind kind, Bytes payload) { return replay.take(lsn, kind, payload); }));
  ground->tenants.settle(opened.journal->next_lsn() - 1);
  recovery.damaged_records += opened.report.records_lost;
  recovery.torn_bytes = opened.report.torn_bytes;
  recovery.seconds = static_cast<double>(clock.monotonic_nanos() - began) / kNanosPerSecond;
  publish(recovery, metrics);
  return std::unique_ptr<Store>(std::make_unique<JournaledStore>(std::move(ground), std::move(opened.journal),
                                                                 replay.take_recent(), budget, clock, metrics));
}

}  // namespace clew::store
