// SPDX-License-Identifier: Apache-2.0
//
// The manifest on a local folder under a disk that forgets: whatever happens at whatever place, the next opening finds
// the state before or after the delta that was under way, never another; it stays what it was shown to be; every object
// that it names is there; and no id is given to two objects.
//
// CLEW_SEED=n runs all of it with other seeds.
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "base/log.h"
#include "object/local_folder.h"
#include "platform/testing/faulty_file_system.h"
#include "platform/testing/seed.h"
#include "store/manifest.h"
#include "store/orphans.h"
#include "store/testing/random_delta.h"

namespace clew::store {
namespace {

using platform::base_seed;
using platform::FaultyFileSystem;

constexpr uint64_t kSeeds = 2;  // for each place of a fault
constexpr const char* kTenant = "default";

enum class End { Crash, PowerLoss };

// One life of a machine, its manifest, and what the manifest has said.
class Life {
 public:
  explicit Life(uint64_t seed) : files_(seed), random_(seed) {
    set_log_sink([](LogLevel, std::string_view) {});
    // Short of the first checkpoint, or of the second, so that the script meets it and collects.
    const uint64_t versions = kCheckpointEvery * (1 + seed / 1000 % 2) - 4;
    auto objects = MUST(object::open_local_folder(files_, "objects"));
    Manifest manifest = MUST(Manifest::open(*objects, manifest_prefix(kTenant)));
    while (manifest.state().version < versions) MUST(manifest.append({}));
    expected_ = manifest.state();
    operations_before_ = files_.operations();
    syncs_before_ = files_.syncs();
    writes_before_ = files_.writes();
  }
  ~Life() { set_log_sink(nullptr); }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  FaultyFileSystem& files() { return files_; }
  const std::string& violation() const { return violation_; }
  uint64_t operations_before() const { return operations_before_; }
  uint64_t syncs_before() const { return syncs_before_; }
  uint64_t writes_before() const { return writes_before_; }
  uint64_t appended() const { return appended_; }

  void run_script() {
    run(7);
    if (files_.running()) files_.crash();
    run(3);
  }
  void end(End end) { end == End::Crash ? files_.crash() : files_.power_loss(); }
  void judge(End first) {
    end(first);
    if (!run(1)) violate("it does not open");
    end(first == End::Crash ? End::PowerLoss : End::Crash);
    if (!run(2)) violate("it does not open");
    end(End::PowerLoss);
    if (!run(0)) violate("it does not open");
  }

 private:
  void violate(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }
  static bool same(ManifestState a, const ManifestState& b) {
    a.next_id = b.next_id;
    return a == b;
  }

  // Opens, deletes orphans, appends `count` deltas with an object each, collects. True if it could be opened.
  bool run(int count) {
    auto objects = object::open_local_folder(files_, "objects");
    if (!objects.ok()) return false;
    auto manifest = open(**objects);
    if (!manifest) return false;
    for (int i = 0; i < count; ++i) {
      const Delta delta = random_.delta(manifest->state(), [&] { return new_object(**objects); });
      if (!append(**objects, manifest, delta)) return true;
      if (i == 5) static_cast<void>(manifest->collect().ok());
    }
    return true;
  }

  std::optional<Manifest> open(object::ObjectStore& objects) {
    auto manifest = Manifest::open(objects, manifest_prefix(kTenant));
    if (!manifest.ok()) {
      if (manifest.error().code() == Code::DataLoss) violate(manifest.error().what());
      return std::nullopt;
    }
    const ManifestState& state = manifest->state();
    new_id_ = NewIds(state);
    if (in_doubt_ && same(*in_doubt_, state))
      expected_ = *in_doubt_;
    else if (!same(expected_, state))
      violate("version " + std::to_string(state.version) + " where " + std::to_string(expected_.version) +
              (in_doubt_ ? " or the next was expected" : " was expected"));
    in_doubt_.reset();
    const auto orphaned = orphans(objects, kTenant, state);
    if (orphaned.ok())
      for (const std::string& name : *orphaned) static_cast<void>(objects.remove(name).ok());
    for (const auto& [id, block] : state.blocks) check(objects, block_name(kTenant, id));
    for (const auto& [id, block] : state.set_aside) check(objects, block_name(kTenant, id));
    for (const auto& [id, rollup] : state.rollups) check(objects, rollup_name(kTenant, id));
    return std::move(manifest).value();
  }
  void check(object::ObjectStore& objects, const std::string& name) {
    const auto content = objects.get(name);
    if (content.ok() ? *content != name : content.error().code() == Code::NotFound && files_.running())
      violate(name + " is named and not there");
  }

  // Blocks and roll-ups draw from one row, and which it will be is not known here: an object of either name.
  ObjectId new_object(object::ObjectStore& objects) {
    while (true) {
      const ObjectId id = new_id_();
      bool done = true;
      for (const std::string& name : {block_name(kTenant, id), rollup_name(kTenant, id)}) {
        const Result<void> put = objects.put_if_absent(name, as_bytes(name));
        if (!put.ok() && put.error().code() == Code::AlreadyExists) violate(name + " was given before");
        done &= put.ok();
      }
      if (done || !files_.running()) return id;
    }
  }

  // As a writer should: the same again where it failed, then a new opening.
  bool append(object::ObjectStore& objects, std::optional<Manifest>& manifest, const Delta& delta) {
    if (!files_.running()) return false;
    in_doubt_ = MUST(apply(manifest->state(), delta));  // it was made to fit
    for (int i = 0; i < 2; ++i) {
      const ManifestState before = manifest->state();
      const Result<void> done = manifest->append(delta);
      if (done.ok()) {
        if (!same(*in_doubt_, manifest->state())) violate("another state than that of the delta");
        expected_ = manifest->state();
        in_doubt_.reset();
        ++appended_;
        return true;
      }
      if (!(manifest->state() == before)) violate("an error has changed the state");
      if (done.error().code() == Code::AlreadyExists) violate("nobody else writes");
    }
    if (files_.running()) manifest = open(objects);
    return manifest.has_value();
  }

  FaultyFileSystem files_;
  RandomDeltas random_;
  NewIds new_id_{{}};
  ManifestState expected_;
  std::optional<ManifestState> in_doubt_;
  uint64_t operations_before_ = 0;
  uint64_t syncs_before_ = 0;
  uint64_t writes_before_ = 0;
  uint64_t appended_ = 0;
  std::string violation_;
};

using Plan = std::function<void(Life&, uint64_t place)>;

std::string first_violation(uint64_t places, uint64_t seeds, const Plan& plan) {
  for (uint64_t place = 0; place < places; ++place) {
    for (uint64_t seed = base_seed(); seed < base_seed() + seeds; ++seed) {
      for (const End end : {End::Crash, End::PowerLoss}) {
        Life life(seed * 1000 + place);
        plan(life, place);
        life.run_script();
        life.judge(end);
        if (!life.violation().empty())
          return life.violation() + " (seed " + std::to_string(seed) + ", place " + std::to_string(place) +
                 (end == End::Crash ? ", crash)" : ", loss of power)");
      }
    }
  }
  return "";
}

// Places that a script offers; scripts differ by seed, this is about their number.
uint64_t places(uint64_t (FaultyFileSystem::*counter)() const, uint64_t (Life::*before)() const) {
  Life life(base_seed());
  life.run_script();
  EXPECT_EQ(life.violation(), "");
  EXPECT_EQ(life.appended(), 10U);
  return (life.files().*counter)() - (life.*before)();
}

TEST(ManifestDurability, TheMachineStopsAtEveryOperation) {
  const uint64_t count = places(&FaultyFileSystem::operations, &Life::operations_before);
  EXPECT_GT(count, 200U);
  EXPECT_EQ(first_violation(count, kSeeds,
                            [](Life& life, uint64_t at) { life.files().stop_at(life.operations_before() + at); }),
            "");
}

TEST(ManifestDurability, EverySyncFailsOnce) {
  const uint64_t count = places(&FaultyFileSystem::syncs, &Life::syncs_before);
  EXPECT_GT(count, 40U);
  EXPECT_EQ(first_violation(count, kSeeds,
                            [](Life& life, uint64_t at) { life.files().fail_sync_at(life.syncs_before() + at); }),
            "");
}

TEST(ManifestDurability, TheDiskIsFullAtEveryWrite) {
  const uint64_t count = places(&FaultyFileSystem::writes, &Life::writes_before);
  EXPECT_GT(count, 60U);
  EXPECT_EQ(first_violation(count, kSeeds,
                            [](Life& life, uint64_t at) { life.files().fail_write_at(life.writes_before() + at); }),
            "");
}

TEST(ManifestDurability, AnythingAtAnyTime) {
  for (uint64_t seed = base_seed(); seed < base_seed() + 200; ++seed) {
    Life life(seed);
    std::mt19937_64 random(seed);
    for (int turn = 0; turn < 6; ++turn) {
      FaultyFileSystem& files = life.files();
      if (random() % 2 == 0) files.fail_sync_at(files.syncs() + random() % 40);
      if (random() % 2 == 0) files.fail_write_at(files.writes() + random() % 60);
      if (random() % 2 == 0) files.stop_at(files.operations() + random() % 200);
      life.run_script();
      life.end(random() % 2 == 0 ? End::Crash : End::PowerLoss);
    }
    life.judge(End::PowerLoss);
    ASSERT_EQ(life.violation(), "") << "seed " << seed;
  }
}

// The oracle notices when the store under the manifest forgets.
TEST(ManifestDurability, AStoreThatForgetsIsNoticed) {
  for (const platform::SyncSite site : {object::kSyncObject, object::kSyncObjectName, object::kSyncObjectShown}) {
    EXPECT_NE(first_violation(150, 20,
                              [&](Life& life, uint64_t at) {
                                life.files().stop_at(life.operations_before() + at);
                                life.files().ignore_sync(site);
                              }),
              "")
        << site;
  }
}

}  // namespace
}  // namespace clew::store
