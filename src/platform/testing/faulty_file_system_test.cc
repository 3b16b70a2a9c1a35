// SPDX-License-Identifier: Apache-2.0
//
// The faulty file system is the ground of every durability test, so it is tested itself: over many seeds, what was
// synced is always there, what was not is sometimes kept, sometimes lost and sometimes torn, and planned faults strike
// where they were planned.
#include "platform/testing/faulty_file_system.h"

#include <gtest/gtest.h>

#include <set>

namespace clew::platform {
namespace {

constexpr uint64_t kSeeds = 60;

Result<void> write(File& file, uint64_t offset, std::string_view text) {
  const Bytes parts[] = {as_bytes(text)};
  return file.write_at(offset, parts);
}

std::string content(FileSystem& files, const std::string& path) {
  auto opened = files.open(path, Access::Read);
  if (!opened.ok()) return "(none)";
  std::vector<uint8_t> bytes(4096);
  bytes.resize(MUST(opened.value()->read_at(0, bytes)));
  return std::string(as_text(bytes));
}

TEST(FaultyFileSystem, SyncedBytesAndNamesSurviveALossOfPower) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    FaultyFileSystem files(seed);
    auto file = MUST(files.create("a"));
    ASSERT_TRUE(write(*file, 0, "hello").ok());
    ASSERT_TRUE(file->sync("file").ok());
    ASSERT_TRUE(files.sync_directory(".", "folder").ok());
    files.power_loss();
    EXPECT_EQ(content(files, "a"), "hello") << "seed " << seed;
    EXPECT_FALSE(file->size().ok()) << "a handle must not outlive its process";
  }
}

TEST(FaultyFileSystem, UnsyncedNamesMayGo) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    FaultyFileSystem files(seed);
    auto file = MUST(files.create("a"));
    ASSERT_TRUE(write(*file, 0, "hello").ok());
    ASSERT_TRUE(file->sync("file").ok());
    files.power_loss();
    seen.insert(content(files, "a"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"hello", "(none)"}));
}

TEST(FaultyFileSystem, TheTwoNamesOfAFileLiveTheirOwnLives) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    FaultyFileSystem files(seed);
    ASSERT_TRUE(files.make_directory("b").ok());
    auto file = MUST(files.create("a"));
    ASSERT_TRUE(write(*file, 0, "hello").ok());
    ASSERT_TRUE(file->sync("file").ok());
    ASSERT_TRUE(files.sync_directory(".", "folder").ok());
    files.set_capacity(5);
    ASSERT_TRUE(files.link("a", "b/c").ok());
    EXPECT_TRUE(write(*file, 0, "HELLO").ok()) << "a second name takes no room";
    ASSERT_TRUE(file->sync("file").ok());
    files.power_loss();
    EXPECT_EQ(content(files, "a"), "HELLO");
    seen.insert(content(files, "b/c"));
    ASSERT_TRUE(files.remove("a").ok());
    ASSERT_TRUE(files.sync_directory(".", "folder").ok());
    files.power_loss();
    EXPECT_EQ(content(files, "a"), "(none)");
  }
  EXPECT_EQ(seen, (std::set<std::string>{"HELLO", "(none)"}));
}

TEST(FaultyFileSystem, UnsyncedSectorsAreKeptLostOrTorn) {
  const std::string old_sector(512, 'o');
  const std::string new_sector(512, 'n');
  bool kept = false;
  bool lost = false;
  bool torn = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    FaultyFileSystem files(seed);
    auto file = MUST(files.create("a"));
    ASSERT_TRUE(write(*file, 0, old_sector + old_sector).ok());
    ASSERT_TRUE(file->sync("file").ok());
    ASSERT_TRUE(files.sync_directory(".", "folder").ok());
    ASSERT_TRUE(write(*file, 512, new_sector).ok());
    files.power_loss();
    const std::string now = content(files, "a");
    ASSERT_EQ(now.size(), 1024U);
    EXPECT_EQ(now.substr(0, 512), old_sector) << "a sector that was not written must not change";
    const std::string second = now.substr(512);
    kept |= second == new_sector;
    lost |= second == old_sector;
    torn |= second != new_sector && second != old_sector;
  }
  EXPECT_TRUE(kept && lost && torn);
}

TEST(FaultyFileSystem, AFailedSyncForgetsAndLaterSyncsDoNotHelp) {
  bool kept = false;
  bool lost = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    FaultyFileSystem files(seed);
    auto file = MUST(files.create("a"));
    ASSERT_TRUE(files.sync_directory(".", "folder").ok());
    files.fail_sync_at(files.syncs());
    ASSERT_TRUE(write(*file, 0, "hello").ok());
    EXPECT_FALSE(file->sync("file").ok());
    EXPECT_EQ(content(files, "a"), "hello") << "the cache still shows it";
    EXPECT_TRUE(file->sync("file").ok()) << "as Linux says";
    files.power_loss();
    kept |= content(files, "a") == "hello";
    lost |= content(files, "a") != "hello";
  }
  EXPECT_TRUE(kept && lost);
}

TEST(FaultyFileSystem, AnIgnoredSyncSaysOkAndDoesNothing) {
  bool lost = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    FaultyFileSystem files(seed);
    files.ignore_sync("file");
    auto file = MUST(files.create("a"));
    ASSERT_TRUE(files.sync_directory(".", "folder").ok());
    ASSERT_TRUE(write(*file, 0, "hello").ok());
    EXPECT_TRUE(file->sync("file").ok());
    files.power_loss();
    lost |= content(files, "a") != "hello";
  }
  EXPECT_TRUE(lost);
}

TEST(FaultyFileSystem, ACrashKeepsTheCacheAndDropsLocksAndHandles) {
  FaultyFileSystem files(1);
  auto file = MUST(files.create("a"));
  ASSERT_TRUE(write(*file, 0, "hello").ok());
  auto lock = MUST(files.lock("lock"));
  files.crash();
  EXPECT_EQ(content(files, "a"), "hello");
  EXPECT_FALSE(write(*file, 0, "late").ok());
  EXPECT_TRUE(files.lock("lock").ok());
}

TEST(FaultyFileSystem, AFullDiskTakesAPartOfTheWrite) {
  FaultyFileSystem files(1);
  files.set_capacity(8);
  auto file = MUST(files.create("a"));
  EXPECT_EQ(write(*file, 0, "hello world").error().code(), Code::Unavailable);
  EXPECT_EQ(content(files, "a"), "hello wo");
  EXPECT_EQ(MUST(files.free_space(".")), 0U);
  EXPECT_TRUE(write(*file, 0, "HELLO").ok()) << "overwriting needs no room";
  files.set_capacity(100);
  EXPECT_TRUE(write(*file, 0, "hello world").ok());
  files.fail_write_at(files.writes());
  EXPECT_EQ(write(*file, 0, "hello world").error().code(), Code::Unavailable);
  EXPECT_TRUE(write(*file, 0, "hello world").ok());
}

TEST(FaultyFileSystem, WhenStoppedNothingWorksUntilTheNextStart) {
  FaultyFileSystem files(1);
  auto file = MUST(files.create("a"));
  files.stop_at(files.operations() + 1);
  EXPECT_TRUE(write(*file, 0, "hello").ok());
  EXPECT_FALSE(file->sync("file").ok());
  EXPECT_FALSE(file->size().ok());
  EXPECT_FALSE(files.list(".").ok());
  EXPECT_FALSE(files.create("b").ok());
  files.power_loss();
  EXPECT_TRUE(files.list(".").ok());
  EXPECT_TRUE(files.create("b").ok());
}

}  // namespace
}  // namespace clew::platform
