// SPDX-License-Identifier: Apache-2.0
//
// The journal's promise under a disk that forgets: acknowledged and lost 0, half-visible 0, invented 0, and what failed
// stays failed. One script of groups is run once for every operation, sync and write at which something can go wrong,
// with several seeds for what the disk then keeps, and the oracle of testing/expectation.h judges every replay.
//
// The second part switches off one kind of sync at a time and wants the oracle to notice: every sync is needed.
//
// CLEW_SEED=n runs all of it with other seeds.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/log.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "journal/testing/expectation.h"
#include "platform/testing/faulty_file_system.h"
#include "platform/testing/seed.h"

namespace clew::journal {
namespace {

using platform::base_seed;
using platform::FaultyFileSystem;

constexpr uint64_t kSeeds = 4;                   // for each place of a fault
constexpr uint64_t kSeedsOfAnIgnoredSync = 100;  // it ends with the first that notices
constexpr const char* kFolder = "data/journal";

enum class End { Crash, PowerLoss };

// One life of a machine and its journal.
class Life {
 public:
  explicit Life(uint64_t seed) : files_(seed), expected_(seed), random_(seed) {
    options_.segment_bytes = 40 << 10;  // a segment holds a few groups, so that rolling is often near
    options_.growth_bytes = 16 << 10;
    options_.free_space_floor_bytes = 0;
    options_.epoch_seed = seed;
    set_log_sink([](LogLevel, std::string_view) {});  // a line for each of thousands of failures on command
  }

  FaultyFileSystem& files() { return files_; }
  Expectation& expected() { return expected_; }
  const Options& options() const { return options_; }

  void never_trim() { trims_ = false; }

  // The journal's account of its bytes against the files.
  void check_figures(const Journal& journal) {
    uint64_t bytes = 0;
    uint64_t segments = 0;
    for (const std::string& name : MUST(files_.list(kFolder))) {
      if (!segment_number(name)) continue;
      bytes += MUST(MUST(files_.open(platform::join(kFolder, name), platform::Access::Read))->size());
      ++segments;
    }
    EXPECT_EQ(journal.figures().segments, segments);
    EXPECT_EQ(journal.figures().bytes_on_disk, bytes);
  }

  // Opens the journal and appends `groups` groups, one after the other whatever happens; true if it could be opened.
  bool run(int groups) {
    const auto journal = expected_.open(files_, kFolder, options_);
    if (journal == nullptr) return false;
    for (int i = 0; i < groups; ++i) {
      // Groups of several sectors, small ones that share a sector, and one that is large for its segment.
      const size_t bytes_max = i % 7 == 6 ? 9000 : i % 3 == 0 ? 60 : 1500;
      expected_.append(*journal, 1 + random_() % 4, bytes_max);
      if (trims_ && i % 4 == 3) trim_something(*journal);
    }
    if (files_.running()) check_figures(*journal);
    return true;
  }
  // Two runs, so that faults also strike an opening that has something to replay.
  void run_script() {
    run(9);
    if (files_.running()) files_.crash();
    run(7);
  }
  void end(End end) { end == End::Crash ? files_.crash() : files_.power_loss(); }
  // Whatever happened, the journal opens, takes more, and what was shown stays through further ends.
  void judge(End first) {
    end(first);
    if (!run(3)) ADD_FAILURE() << "the journal does not open";
    end(first == End::Crash ? End::PowerLoss : End::Crash);
    if (!run(2)) ADD_FAILURE() << "the journal does not open";
    end(End::PowerLoss);
    if (!run(0)) ADD_FAILURE() << "the journal does not open";
  }

 private:
  // Up to any record that is there; now and then up to all of them.
  void trim_something(Journal& journal) {
    const Lsn last = journal.next_lsn() - 1;
    const Lsn first = std::min(expected_.trimmed_to(), last);
    expected_.trim(journal, random_() % 4 == 0 ? last : first + random_() % (last - first + 1));
  }

  FaultyFileSystem files_;
  Expectation expected_;
  bool trims_ = true;
  std::mt19937_64 random_;
  Options options_;
};

// The number of places that the script offers to a fault.
uint64_t count(uint64_t (FaultyFileSystem::*counter)() const) {
  Life life(base_seed());
  life.run_script();
  EXPECT_EQ(life.expected().violation(), "");
  return (life.files().*counter)();
}

// Runs the script with a fault at each place in turn; the first violation, or nothing.
std::string first_violation(uint64_t places, uint64_t seeds, const std::function<void(Life&, uint64_t)>& plan,
                            const std::function<void(Life&)>& prepare = {}) {
  for (uint64_t place = 0; place < places; ++place) {
    for (uint64_t seed = base_seed(); seed < base_seed() + seeds; ++seed) {
      for (const End end : {End::Crash, End::PowerLoss}) {
        Life life(seed * 1000 + place);
        if (prepare) prepare(life);
        plan(life, place);
        life.run_script();
        life.judge(end);
        if (!life.expected().violation().empty())
          return life.expected().violation() + " (seed " + std::to_string(seed) + ", place " + std::to_string(place) +
                 (end == End::Crash ? ", crash)" : ", loss of power)");
      }
    }
  }
  return "";
}

TEST(Durability, TheMachineStopsAtEveryOperation) {
  const uint64_t operations = count(&FaultyFileSystem::operations);
  EXPECT_GT(operations, 40U);
  EXPECT_EQ(first_violation(operations, kSeeds, [](Life& life, uint64_t at) { life.files().stop_at(at); }), "");
}

TEST(Durability, EverySyncFailsOnce) {
  const uint64_t syncs = count(&FaultyFileSystem::syncs);
  EXPECT_GT(syncs, 14U);
  EXPECT_EQ(first_violation(syncs, kSeeds, [](Life& life, uint64_t at) { life.files().fail_sync_at(at); }), "");
}

TEST(Durability, EverySyncFailsAndTheMachineStopsSoonAfter) {
  const uint64_t syncs = count(&FaultyFileSystem::syncs);
  const uint64_t operations = count(&FaultyFileSystem::operations);
  for (uint64_t sync = 0; sync < syncs; ++sync) {
    // Operations that follow a sync lie about here; the exact place differs from run to run.
    const uint64_t about = operations * sync / syncs;
    const std::string violation = first_violation(14, 1, [&](Life& life, uint64_t at) {
      life.files().fail_sync_at(sync);
      life.files().stop_at(about + at);
    });
    EXPECT_EQ(violation, "") << "sync " << sync;
  }
}

TEST(Durability, TheDiskIsFullAtEveryWrite) {
  const uint64_t writes = count(&FaultyFileSystem::writes);
  EXPECT_GT(writes, 15U);
  EXPECT_EQ(first_violation(writes, kSeeds, [](Life& life, uint64_t at) { life.files().fail_write_at(at); }), "");
}

TEST(Durability, AFailedGroupCostsOnlyItself) {
  const uint64_t syncs = count(&FaultyFileSystem::syncs);
  for (uint64_t at = 3; at < syncs; ++at) {
    Life life(base_seed());
    life.files().fail_sync_at(at);
    const auto journal = life.expected().open(life.files(), kFolder, life.options());
    ASSERT_NE(journal, nullptr);
    int failed = 0;
    for (int i = 0; i < 40; ++i) failed += life.expected().append(*journal, 2) ? 0 : 1;
    EXPECT_EQ(failed, 1) << "sync " << at;
    EXPECT_EQ(journal->figures().groups_failed, 1U);
  }
}

// The groups that fail leave intact records behind in a segment. What comes next has the same sizes and LSNs, so that
// the old records would fit behind the new ones to the byte.
TEST(Durability, WhatFailedDoesNotComeBackBehindWhatFollows) {
  for (uint64_t seed = base_seed(); seed < base_seed() + 20; ++seed) {
    Life life(seed);
    auto journal = life.expected().open(life.files(), kFolder, life.options());
    EXPECT_TRUE(life.expected().append(*journal, 1, 0));
    for (int i = 0; i < 3; ++i) {
      life.files().fail_sync_at(life.files().syncs());
      EXPECT_FALSE(life.expected().append(*journal, 5, 0));
      EXPECT_TRUE(life.expected().append(*journal, 1, 0));
    }
    journal.reset();
    life.judge(seed % 2 == 0 ? End::Crash : End::PowerLoss);
    EXPECT_EQ(life.expected().violation(), "") << "seed " << seed;
  }
}

TEST(Durability, AFullDiskIsAnAnswerUntilThereIsSpace) {
  for (uint64_t seed = base_seed(); seed < base_seed() + 20; ++seed) {
    Life life(seed);
    life.never_trim();
    life.files().set_capacity(60'000 + seed * 777 % 20'000);
    EXPECT_TRUE(life.run(60));
    const uint64_t before = life.expected().acknowledged();
    EXPECT_LT(before, 150U) << "the disk is full";
    EXPECT_TRUE(life.run(5)) << "opening needs no space";
    life.files().set_capacity(1'000'000);
    EXPECT_TRUE(life.run(20));
    EXPECT_GE(life.expected().acknowledged(), before + 20);
    life.judge(End::PowerLoss);
    EXPECT_EQ(life.expected().violation(), "") << "seed " << seed;
  }
}

TEST(Durability, ADiskThatFailsForLongLeavesNoHeapOfSegments) {
  Life life(base_seed());
  EXPECT_TRUE(life.run(5));
  const auto journal = life.expected().open(life.files(), kFolder, life.options());
  for (int i = 0; i < 200; ++i) {
    // The header, the folder, or the group itself.
    life.files().fail_sync_at(life.files().syncs() + static_cast<uint64_t>(i) % 3);
    life.expected().append(*journal, 1);
  }
  EXPECT_LT(MUST(life.files().list(kFolder)).size(), 90U);
  EXPECT_LE(journal->figures().segments, MUST(life.files().list(kFolder)).size());
  life.judge(End::PowerLoss);
  EXPECT_EQ(life.expected().violation(), "");
}

TEST(Durability, AnythingAtAnyTime) {
  for (uint64_t seed = base_seed(); seed < base_seed() + 400; ++seed) {
    Life life(seed);
    std::mt19937_64 random(seed);
    for (int turn = 0; turn < 6; ++turn) {
      FaultyFileSystem& files = life.files();
      if (random() % 2 == 0) files.fail_sync_at(files.syncs() + random() % 12);
      if (random() % 2 == 0) files.fail_write_at(files.writes() + random() % 20);
      if (random() % 2 == 0) files.stop_at(files.operations() + random() % 40);
      life.run(static_cast<int>(random() % 12));
      life.end(random() % 2 == 0 ? End::Crash : End::PowerLoss);
    }
    life.judge(End::PowerLoss);
    ASSERT_EQ(life.expected().violation(), "") << "seed " << seed;
  }
}

// Without the sync of `site`, some stop of the machine must be noticed by the oracle.
std::string violation_without(platform::SyncSite site) {
  return first_violation(
      count(&FaultyFileSystem::operations), kSeedsOfAnIgnoredSync,
      [](Life& life, uint64_t at) { life.files().stop_at(at); }, [&](Life& life) { life.files().ignore_sync(site); });
}

TEST(EverySyncIsNeeded, OfTheGroup) { EXPECT_NE(violation_without(kSyncGroup), ""); }
TEST(EverySyncIsNeeded, OfTheSegmentHeader) { EXPECT_NE(violation_without(kSyncSegmentHeader), ""); }
TEST(EverySyncIsNeeded, OfTheFolder) { EXPECT_NE(violation_without(kSyncFolder), ""); }
TEST(EverySyncIsNeeded, OfTheFoldersParent) { EXPECT_NE(violation_without(kSyncParent), ""); }
TEST(EverySyncIsNeeded, OfTheTrimmed) { EXPECT_NE(violation_without(kSyncTrimmed), ""); }
TEST(EverySyncIsNeeded, OfWhatReplayHasShown) { EXPECT_NE(violation_without(kSyncReplayed), ""); }

}  // namespace
}  // namespace clew::journal
