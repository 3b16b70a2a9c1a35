// SPDX-License-Identifier: Apache-2.0
//
// One suite for every FileSystem: the real one, in a folder of its own, and the faulty one without faults must answer
// alike. What only one of them can show (locks between processes, loss of power) is tested elsewhere.
#include "platform/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "platform/real_file_system.h"
#include "platform/testing/faulty_file_system.h"

namespace clew::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileSystemTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "faulty") {
      faulty_ = std::make_unique<FaultyFileSystem>(1);
      files_ = faulty_.get();
      folder_ = "data";
      ASSERT_TRUE(files_->make_directory(folder_).ok());
      return;
    }
    files_ = &real_file_system();
    std::string pattern = testing::TempDir() + "clew_files_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (faulty_ == nullptr) std::filesystem::remove_all(folder_);
  }

  std::string at(std::string_view name) const { return join(folder_, name); }

  std::string content(const std::string& path) {
    auto file = MUST(files_->open(path, Access::Read));  // the test has written it
    std::vector<uint8_t> bytes(MUST(file->size()));
    EXPECT_EQ(MUST(file->read_at(0, bytes)), bytes.size());
    return std::string(as_text(bytes));
  }

  std::unique_ptr<FaultyFileSystem> faulty_;
  FileSystem* files_ = nullptr;
  std::string folder_;
};

INSTANTIATE_TEST_SUITE_P(Every, FileSystemTest, testing::Values("real", "faulty"),
                         [](const auto& param) { return std::string(param.param); });

Bytes text(std::string_view text) { return as_bytes(text); }

TEST_P(FileSystemTest, PartsAreWrittenBehindOneAnother) {
  auto file = MUST(files_->create(at("a")));
  // More parts than one system call takes, some of them empty.
  std::string all;
  std::vector<std::string> words;
  for (int i = 0; i < 2000; ++i) words.push_back(i % 7 == 0 ? "" : std::to_string(i) + ",");
  std::vector<Bytes> parts;
  for (const std::string& word : words) {
    parts.push_back(text(word));
    all += word;
  }
  EXPECT_TRUE(file->write_at(3, parts).ok());
  EXPECT_TRUE(file->sync("test").ok());
  EXPECT_EQ(content(at("a")), std::string(3, '\0') + all);
}

TEST_P(FileSystemTest, ReadsAreShortOnlyAtTheEnd) {
  auto file = MUST(files_->create(at("a")));
  const Bytes parts[] = {text("hello")};
  ASSERT_TRUE(file->write_at(0, parts).ok());
  std::vector<uint8_t> bytes(4);
  EXPECT_EQ(MUST(file->read_at(0, bytes)), 4U);
  EXPECT_EQ(MUST(file->read_at(3, bytes)), 2U);
  EXPECT_EQ(MUST(file->read_at(5, bytes)), 0U);
  EXPECT_EQ(MUST(file->read_at(500, bytes)), 0U);
}

TEST_P(FileSystemTest, TruncateCutsAndGrowsWithZeros) {
  auto file = MUST(files_->create(at("a")));
  const Bytes parts[] = {text("hello")};
  ASSERT_TRUE(file->write_at(0, parts).ok());
  EXPECT_TRUE(file->truncate(2).ok());
  EXPECT_TRUE(file->truncate(4).ok());
  EXPECT_EQ(content(at("a")), std::string("he\0\0", 4));
  ASSERT_TRUE(fill_with_zeros(*file, 1, 10'000'000).ok());
  EXPECT_EQ(MUST(file->size()), 10'000'001U);
  EXPECT_EQ(content(at("a")), "h" + std::string(10'000'000, '\0'));
}

TEST_P(FileSystemTest, NamesAreMadeListedRenamedRemoved) {
  ASSERT_TRUE(files_->create(at("b")).ok());
  ASSERT_TRUE(files_->create(at("a")).ok());
  EXPECT_EQ(files_->create(at("a")).error().code(), Code::AlreadyExists);
  ASSERT_TRUE(files_->make_directory(at("c")).ok());
  EXPECT_EQ(files_->make_directory(at("c")).error().code(), Code::AlreadyExists);
  EXPECT_THAT(MUST(files_->list(folder_)), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(files_->rename(at("a"), at("b")).ok());
  EXPECT_THAT(MUST(files_->list(folder_)), ElementsAre("b", "c"));
  EXPECT_TRUE(files_->remove(at("b")).ok());
  EXPECT_EQ(files_->remove(at("b")).error().code(), Code::NotFound);
  EXPECT_EQ(files_->open(at("b"), Access::Read).error().code(), Code::NotFound);
  EXPECT_EQ(files_->list(at("nowhere")).error().code(), Code::NotFound);
  EXPECT_EQ(files_->create(at("nowhere/a")).error().code(), Code::NotFound);
  EXPECT_TRUE(files_->sync_directory(folder_, "test").ok());
  EXPECT_GT(MUST(files_->free_space(folder_)), 0U);
}

TEST_P(FileSystemTest, ALinkIsASecondNameAndReplacesNothing) {
  auto file = MUST(files_->create(at("a")));
  const Bytes parts[] = {text("hello")};
  ASSERT_TRUE(file->write_at(0, parts).ok());
  ASSERT_TRUE(files_->make_directory(at("folder")).ok());
  EXPECT_TRUE(files_->link(at("a"), at("folder/b")).ok());
  EXPECT_EQ(content(at("folder/b")), "hello");
  ASSERT_TRUE(files_->create(at("c")).ok());
  EXPECT_EQ(files_->link(at("a"), at("c")).error().code(), Code::AlreadyExists);
  EXPECT_EQ(files_->link(at("a"), at("folder")).error().code(), Code::AlreadyExists);
  EXPECT_EQ(files_->link(at("a"), at("folder/b")).error().code(), Code::AlreadyExists);
  EXPECT_EQ(content(at("c")), "");
  EXPECT_EQ(files_->link(at("nowhere"), at("d")).error().code(), Code::NotFound);
  EXPECT_EQ(files_->link(at("a"), at("nowhere/d")).error().code(), Code::NotFound);
  EXPECT_EQ(files_->link(at("a"), at("c/d")).error().code(), Code::FailedPrecondition);
  ASSERT_TRUE(files_->remove(at("a")).ok());
  EXPECT_EQ(content(at("folder/b")), "hello");
}

TEST_P(FileSystemTest, EntriesTellFilesFromFolders) {
  ASSERT_TRUE(files_->create(at("b")).ok());
  ASSERT_TRUE(files_->make_directory(at("a")).ok());
  ASSERT_TRUE(files_->create(at("a-")).ok());
  ASSERT_TRUE(files_->create(at("a/x")).ok());
  EXPECT_THAT(MUST(files_->entries(folder_)), ElementsAre(Entry{"a", true}, Entry{"a-", false}, Entry{"b", false}));
  EXPECT_EQ(files_->entries(at("b")).error().code(), Code::FailedPrecondition);
  EXPECT_EQ(files_->entries(at("nowhere")).error().code(), Code::NotFound);
  EXPECT_EQ(files_->open(at("a"), Access::Read).error().code(), Code::FailedPrecondition);
  EXPECT_EQ(files_->remove(at("a")).error().code(), Code::FailedPrecondition);
}

TEST_P(FileSystemTest, ManyMayReadAFileAtATime) {
  auto file = MUST(files_->create(at("a")));
  std::string all;
  for (int i = 0; i < 20'000; ++i) all += std::to_string(i);
  const Bytes parts[] = {text(all)};
  ASSERT_TRUE(file->write_at(0, parts).ok());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (size_t first = 0; first < 4; ++first)
    threads.emplace_back([&, first] {
      std::vector<uint8_t> bytes(777);
      for (size_t offset = first * 191; offset + bytes.size() < all.size(); offset += 1000) {
        const auto read = file->read_at(offset, bytes);
        const auto size = file->size();
        const bool right = read.ok() && *read == bytes.size() && size.ok() && *size == all.size() &&
                           as_text(bytes) == std::string_view(all).substr(offset, bytes.size());
        wrong += right ? 0 : 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(FileSystemTest, ALockIsHeldOnce) {
  auto first = files_->lock(at("lock"));
  ASSERT_TRUE(first.ok());
  const auto second = files_->lock(at("lock"));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Code::FailedPrecondition);
  EXPECT_THAT(second.error().what(), HasSubstr(folder_ + " is in use by another process"));
  first.value().reset();
  EXPECT_TRUE(files_->lock(at("lock")).ok());
}

TEST_P(FileSystemTest, DurableDirectoriesAreMadeWithTheirParents) {
  EXPECT_TRUE(make_durable_directory(*files_, at("x/y/z/"), "test").ok());
  EXPECT_TRUE(make_durable_directory(*files_, at("x/y/z"), "test").ok());
  EXPECT_THAT(MUST(files_->list(at("x/y"))), ElementsAre("z"));
}

TEST(RealFileSystem, AFileIsNotAFolder) {
  const std::string path = testing::TempDir() + "clew_not_a_folder";
  std::ofstream(path) << "x";
  const auto made = make_durable_directory(real_file_system(), path + "/journal", "test");
  EXPECT_FALSE(made.ok());
  EXPECT_EQ(make_durable_directory(real_file_system(), path, "test").error().code(), Code::FailedPrecondition);
  std::filesystem::remove(path);
}

TEST(Paths, ParentIsTheFolderAPathStandsIn) {
  EXPECT_EQ(parent("a/b"), "a");
  EXPECT_EQ(parent("a/b/"), "a");
  EXPECT_EQ(parent("a"), ".");
  EXPECT_EQ(parent("./a"), ".");
  EXPECT_EQ(parent("/a"), "/");
  EXPECT_EQ(parent("/a//b"), "/a");
}

}  // namespace
}  // namespace clew::platform
