// SPDX-License-Identifier: Apache-2.0
//
// The promises of object/object_store.h under a disk that forgets: what was put is there to the byte, what was shown
// stays, what failed is there whole or not at all, and nothing incomplete is left by an opening. One script is run once
// for every operation, sync and write at which something can go wrong, with several seeds for what the disk then keeps.
//
// The second part switches off one kind of sync at a time and wants that to be noticed: every sync is needed.
//
// CLEW_SEED=n runs all of it with other seeds.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "object/local_folder.h"
#include "platform/testing/faulty_file_system.h"
#include "platform/testing/seed.h"

namespace clew::object {
namespace {

using platform::base_seed;
using platform::FaultyFileSystem;

constexpr uint64_t kSeeds = 4;                  // for each place of a fault
constexpr uint64_t kSeedsOfAnIgnoredSync = 60;  // it ends with the first that notices
constexpr const char* kFolder = "data/objects";

enum class End { Crash, PowerLoss };

// One life of a machine, its store, and what the store has said.
class Life {
 public:
  explicit Life(uint64_t seed) : files_(seed), seed_(seed) {}

  FaultyFileSystem& files() { return files_; }
  const std::string& violation() const { return violation_; }

  void run_script() {
    run(5, 1);
    if (files_.running()) files_.crash();
    run(4, 2);
  }
  void end(End end) { end == End::Crash ? files_.crash() : files_.power_loss(); }
  void judge(End first) {
    end(first);
    run(1, 3);
    end(End::PowerLoss);
    run(0, 4);
    for (const auto& [name, known] : objects_)
      if (known.must_be_there && !was_seen(name)) violate(name + " is lost");
  }

 private:
  struct Known {
    std::string bytes;
    bool must_be_there = false;
  };

  void violate(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }
  bool was_seen(const std::string& name) const { return seen_.contains(name); }

  static std::string name_of(int run, int i) {
    return "tenants/t" + std::to_string(i % 3) + (i % 2 == 0 ? "/blocks/" : "/manifest/deltas/") + std::to_string(run) +
           "-" + std::to_string(i);
  }
  // Distinct in every sector, so that a torn one is seen.
  std::string content(const std::string& name, size_t bytes) const {
    std::string content;
    while (content.size() < bytes) content += name + ":" + std::to_string(content.size() * seed_) + ";";
    content.resize(bytes);
    return content;
  }

  // Opens, looks at everything, then puts `count` objects by either way, and removes one.
  void run(int count, int run) {
    auto opened = open_local_folder(files_, kFolder);
    if (!opened.ok()) return;
    ObjectStore& store = **opened;
    if (const auto left = files_.list(std::string(kFolder) + "/.incomplete"); left.ok() && !left->empty())
      violate("something incomplete was left by an opening");
    look(store);
    for (int i = 0; i < count; ++i) {
      const std::string name = name_of(run, i);
      Known& known = objects_[name];
      known.bytes = content(name, i % 4 == 3 ? 270'000 : 100 + static_cast<size_t>(i) * 700);
      const bool done = i % 3 == 0 ? put(store, name, known.bytes) : upload(store, name, known.bytes);
      known.must_be_there |= done;
      if (i == 2) {
        const std::string gone = name_of(run, 0);
        objects_[gone].must_be_there = false;
        if (store.remove(gone).ok() && files_.running() && store.get(gone).ok()) violate("a removed object is shown");
      }
    }
    look(store);
  }

  static bool put(ObjectStore& store, const std::string& name, const std::string& bytes) {
    return store.put_if_absent(name, as_bytes(bytes)).ok();
  }
  static bool upload(ObjectStore& store, const std::string& name, const std::string& bytes) {
    auto upload = store.upload(name);
    if (!upload.ok()) return false;
    const size_t half = bytes.size() / 2;
    return (*upload)->append(as_bytes(bytes).first(half)).ok() &&
           (*upload)->append(as_bytes(bytes).subspan(half)).ok() && (*upload)->commit().ok();
  }

  // What is shown must be right, what must be shown must be there, and what was shown must be shown henceforth.
  void look(ObjectStore& store) {
    seen_.clear();
    const auto page = store.list("", "");
    std::map<std::string, uint64_t> listed;
    if (page.ok())
      for (const Listed& object : *page) listed[object.name] = object.bytes;
    for (auto& [name, known] : objects_) {
      // Names are shown by either a list or a get, so that each has to keep the promise by itself.
      std::optional<uint64_t> bytes;
      if (name.size() % 2 == 0 && page.ok()) {
        if (listed.contains(name)) bytes = listed.at(name);
      } else {
        const auto got = store.get(name);
        if (!got.ok() && got.error().code() != Code::NotFound) continue;
        if (got.ok()) bytes = got->size();
        if (got.ok() && *got != known.bytes) violate(name + " has other bytes than were put");
      }
      if (!files_.running()) return;
      if (!bytes && known.must_be_there) violate(name + " is lost");
      if (!bytes) continue;
      seen_[name] = true;
      if (*bytes != known.bytes.size()) violate(name + " has another size than was put");
      if (!removed(name)) known.must_be_there = true;
    }
    for (const auto& [name, bytes] : listed)
      if (!objects_.contains(name)) violate(name + " was never put");
  }
  // Removals need no sync, so such an object may come and go.
  static bool removed(const std::string& name) { return name.ends_with("-0"); }

  FaultyFileSystem files_;
  const uint64_t seed_;
  std::map<std::string, Known> objects_;
  std::map<std::string, bool> seen_;
  std::string violation_;
};

uint64_t count(uint64_t (FaultyFileSystem::*counter)() const) {
  Life life(base_seed());
  life.run_script();
  EXPECT_EQ(life.violation(), "");
  return (life.files().*counter)();
}

std::string first_violation(uint64_t places, uint64_t seeds, const std::function<void(Life&, uint64_t)>& plan) {
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

TEST(LocalFolderDurability, TheMachineStopsAtEveryOperation) {
  const uint64_t operations = count(&FaultyFileSystem::operations);
  EXPECT_GT(operations, 60U);
  EXPECT_EQ(first_violation(operations, kSeeds, [](Life& life, uint64_t at) { life.files().stop_at(at); }), "");
}

TEST(LocalFolderDurability, EverySyncFailsOnce) {
  const uint64_t syncs = count(&FaultyFileSystem::syncs);
  EXPECT_GT(syncs, 25U);
  EXPECT_EQ(first_violation(syncs, kSeeds, [](Life& life, uint64_t at) { life.files().fail_sync_at(at); }), "");
}

TEST(LocalFolderDurability, EverySyncFailsAndTheMachineStopsSoonAfter) {
  const uint64_t syncs = count(&FaultyFileSystem::syncs);
  const uint64_t operations = count(&FaultyFileSystem::operations);
  for (uint64_t sync = 0; sync < syncs; ++sync) {
    const uint64_t about = operations * sync / syncs;
    const std::string violation = first_violation(10, 1, [&](Life& life, uint64_t at) {
      life.files().fail_sync_at(sync);
      life.files().stop_at(about + at);
    });
    EXPECT_EQ(violation, "") << "sync " << sync;
  }
}

TEST(LocalFolderDurability, TheDiskIsFullAtEveryWrite) {
  const uint64_t writes = count(&FaultyFileSystem::writes);
  EXPECT_GT(writes, 30U);
  EXPECT_EQ(first_violation(writes, kSeeds, [](Life& life, uint64_t at) { life.files().fail_write_at(at); }), "");
}

TEST(LocalFolderDurability, AFullDiskIsUnavailableAndGivesBackWhatItTook) {
  FaultyFileSystem files(base_seed());
  const auto store = MUST(open_local_folder(files, kFolder));
  files.set_capacity(1000);
  const std::string large(4000, 'x');
  EXPECT_EQ(store->put_if_absent("a/b", as_bytes(large)).error().code(), Code::Unavailable);
  EXPECT_EQ(MUST(store->free_space()), 1000U);
  EXPECT_TRUE(store->put_if_absent("a/b", as_bytes("small")).ok());
  EXPECT_EQ(MUST(store->free_space()), 995U);
}

// What the failed sync covered may be lost, and no later sync would tell.
TEST(LocalFolderDurability, AFailedSyncOnTheWayEndsTheUpload) {
  FaultyFileSystem files(base_seed());
  const auto store = MUST(open_local_folder(files, kFolder));
  auto upload = MUST(store->upload("a/b"));
  const std::string piece(1 << 20, 'x');
  files.fail_sync_at(files.syncs());
  int appended = 0;
  while (appended < 100 && upload->append(as_bytes(piece)).ok()) ++appended;
  EXPECT_LT(appended, 100) << "there was no sync on the way";
  EXPECT_FALSE(upload->append(as_bytes(piece)).ok());
  EXPECT_FALSE(upload->commit().ok());
  upload.reset();
  EXPECT_EQ(store->get("a/b").error().code(), Code::NotFound);
  EXPECT_TRUE(MUST(files.list(std::string(kFolder) + "/.incomplete")).empty());
}

std::string violation_without(platform::SyncSite site) {
  return first_violation(count(&FaultyFileSystem::operations), kSeedsOfAnIgnoredSync, [&](Life& life, uint64_t at) {
    life.files().stop_at(at);
    life.files().ignore_sync(site);
  });
}

TEST(EverySyncIsNeeded, OfTheBytes) { EXPECT_NE(violation_without(kSyncObject), ""); }
TEST(EverySyncIsNeeded, OfTheName) { EXPECT_NE(violation_without(kSyncObjectName), ""); }
TEST(EverySyncIsNeeded, OfTheStoresFolder) { EXPECT_NE(violation_without(kSyncObjectRoot), ""); }
TEST(EverySyncIsNeeded, OfTheFolders) { EXPECT_NE(violation_without(kSyncObjectFolder), ""); }
TEST(EverySyncIsNeeded, OfWhatIsShown) { EXPECT_NE(violation_without(kSyncObjectShown), ""); }

}  // namespace
}  // namespace clew::object
