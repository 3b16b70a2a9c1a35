// SPDX-License-Identifier: Apache-2.0
//
// What every journal does, on the real file system and on the one in memory alike: records come back in order and byte
// for byte, whatever their sizes; limits are answers; a folder has one user.
#include "journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "codec/crc32c.h"
#include "journal/segment.h"
#include "journal/testing/expectation.h"
#include "platform/real_file_system.h"
#include "platform/testing/faulty_file_system.h"

namespace clew::journal {
namespace {

using testing::HasSubstr;

class JournalTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    options_.segment_bytes = 64 << 10;
    options_.growth_bytes = 8 << 10;
    options_.free_space_floor_bytes = 0;
    if (std::string_view(GetParam()) == "faulty") {
      faulty_ = std::make_unique<platform::FaultyFileSystem>(1);
      files_ = faulty_.get();
      folder_ = "data/journal";
      return;
    }
    files_ = &platform::real_file_system();
    std::string pattern = testing::TempDir() + "clew_journal_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    folder_ = pattern + "/data/journal";
  }
  void TearDown() override {
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }

  std::unique_ptr<Journal> open() {
    auto journal = expected_.open(*files_, folder_, options_);
    EXPECT_EQ(expected_.violation(), "");
    return journal;
  }
  size_t segment_count() {
    size_t count = 0;
    for (const std::string& name : MUST(files_->list(folder_))) count += segment_number(name) ? 1 : 0;
    return count;
  }

  std::unique_ptr<platform::FaultyFileSystem> faulty_;
  platform::FileSystem* files_ = nullptr;
  std::string root_;
  std::string folder_;
  Options options_;
  Expectation expected_{1};
};

INSTANTIATE_TEST_SUITE_P(Every, JournalTest, testing::Values("real", "faulty"),
                         [](const auto& param) { return std::string(param.param); });

Result<Lsn> append(Journal& journal, std::string_view payload) {
  const Bytes parts[] = {as_bytes(payload)};
  const Record group[] = {{RecordKind::Request, parts}};
  return journal.append_group(group);
}

TEST_P(JournalTest, ANewJournalIsEmptyAndMakesNoSegmentBeforeTheFirstRecord) {
  EXPECT_EQ(open()->next_lsn(), 1U);
  EXPECT_EQ(expected_.report().segments, 0U);
  EXPECT_EQ(segment_count(), 0U);
}

TEST_P(JournalTest, RecordsComeBackInOrderOverSegmentsAndRestarts) {
  for (int run = 0; run < 4; ++run) {
    auto journal = open();
    for (int group = 0; group < 30; ++group) EXPECT_TRUE(expected_.append(*journal, 1 + group % 5));
    EXPECT_EQ(journal->next_lsn(), expected_.acknowledged() + 1);
    EXPECT_EQ(journal->figures().segments, segment_count());
  }
  auto journal = open();
  EXPECT_EQ(expected_.report().records, expected_.acknowledged());
  EXPECT_EQ(expected_.report().torn_bytes, 0U);
  EXPECT_GT(segment_count(), 8U);
}

TEST_P(JournalTest, RecordsLargerThanSegmentAndWindowComeBack) {
  auto journal = open();
  EXPECT_TRUE(expected_.append(*journal, 1, 10));
  EXPECT_TRUE(expected_.append(*journal, 3, 4 << 20));
  EXPECT_TRUE(expected_.append(*journal, 1, 0));
  EXPECT_TRUE(expected_.append(*journal, 1, 9 << 20));
  EXPECT_TRUE(expected_.append(*journal, 500, 40));
  journal.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_P(JournalTest, ARestartGivesTheZerosBack) {
  open();
  auto journal = open();
  EXPECT_TRUE(expected_.append(*journal, 1, 10));
  const uint64_t while_open = journal->figures().bytes_on_disk;
  EXPECT_GE(while_open, options_.growth_bytes);
  journal.reset();
  journal = open();
  EXPECT_LT(journal->figures().bytes_on_disk, kRecordsOffset + 100);
  const auto file = MUST(files_->open(platform::join(folder_, segment_name(1)), platform::Access::Read));
  EXPECT_EQ(MUST(file->size()), journal->figures().bytes_on_disk);
}

TEST_P(JournalTest, AFolderHasOneUser) {
  auto journal = open();
  const auto second = Journal::open(*files_, folder_, options_, [](Lsn, RecordKind, Bytes) { return Result<void>(); });
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Code::FailedPrecondition);
  EXPECT_THAT(second.error().what(), HasSubstr("in use by another process"));
  journal.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_P(JournalTest, TheLimitOfItsBytesIsAnAnswer) {
  options_.bytes_max = 100 << 10;
  auto journal = open();
  size_t groups = 0;
  while (expected_.append(*journal, 1, 3000)) ++groups;
  EXPECT_GT(groups, 20U);
  EXPECT_LE(journal->figures().bytes_on_disk, options_.bytes_max);
  EXPECT_THAT(append(*journal, std::string(4000, 'x')).error().what(), HasSubstr("limit of 102400"));
  journal.reset();
  options_.bytes_max = 200 << 10;
  journal = open();
  EXPECT_TRUE(expected_.append(*journal, 1, 3000));
  EXPECT_EQ(journal->figures().groups_failed, 0U);
}

TEST_P(JournalTest, SpaceIsLeftForOthers) {
  options_.free_space_floor_bytes = uint64_t{1} << 60;
  auto journal = open();
  const auto refused = append(*journal, "x");
  EXPECT_EQ(refused.error().code(), Code::Unavailable);
  EXPECT_THAT(refused.error().what(), HasSubstr("are kept free"));
  EXPECT_EQ(segment_count(), 0U);
}

TEST_P(JournalTest, TrimmingRemovesTheSegmentsThatHoldNothingElse) {
  auto journal = open();
  std::vector<Lsn> first_lsns;  // of the segments
  while (first_lsns.size() < 6) {
    const uint64_t before = journal->figures().segments;
    const Lsn lsn = journal->next_lsn();
    ASSERT_TRUE(expected_.append(*journal, 3));
    if (journal->figures().segments > before) first_lsns.push_back(lsn);
  }
  EXPECT_TRUE(expected_.trim(*journal, first_lsns[1] - 2));
  EXPECT_EQ(segment_count(), 6U) << "the last record of the first one is needed";
  EXPECT_TRUE(expected_.trim(*journal, first_lsns[1] - 1));
  EXPECT_EQ(segment_count(), 5U);
  EXPECT_TRUE(expected_.trim(*journal, first_lsns[3]));
  EXPECT_EQ(segment_count(), 3U);
  EXPECT_EQ(journal->figures().segments, 3U);
  EXPECT_EQ(journal->figures().segments_trimmed, 3U);
  journal.reset();
  journal = open();
  EXPECT_EQ(expected_.report().first_lsn, first_lsns[3]);
  EXPECT_EQ(expected_.shown().begin()->first, first_lsns[3]);
  EXPECT_EQ(expected_.report().damage_count, 0U);
  const Lsn next = journal->next_lsn();
  EXPECT_TRUE(expected_.trim(*journal, next - 1));
  EXPECT_TRUE(journal->trim(UINT64_MAX).ok());
  EXPECT_EQ(segment_count(), 1U) << "it knows the last LSN";
  EXPECT_EQ(journal->next_lsn(), next);
  journal.reset();
  journal = open();
  EXPECT_EQ(journal->next_lsn(), next);
  EXPECT_TRUE(expected_.append(*journal, 3));
  EXPECT_TRUE(expected_.trim(*journal, next - 1));
  EXPECT_EQ(segment_count(), 1U);
  journal.reset();
  open();
  EXPECT_EQ(expected_.report().first_lsn, next);
}

TEST_P(JournalTest, AJournalOfWhichNothingIsNeededIsSmall) {
  options_.segment_bytes = 64 << 20;
  auto journal = open();
  while (journal->figures().bytes_on_disk < kTrimmedBytesMax) ASSERT_TRUE(expected_.append(*journal, 1, 2 << 20));
  const Lsn next = journal->next_lsn();
  EXPECT_TRUE(expected_.trim(*journal, next - 2));
  EXPECT_GT(journal->figures().bytes_on_disk, kTrimmedBytesMax) << "the last record is needed";
  EXPECT_TRUE(expected_.trim(*journal, next - 1));
  EXPECT_EQ(journal->figures().bytes_on_disk, kRecordsOffset);
  EXPECT_EQ(segment_count(), 1U);
  EXPECT_TRUE(expected_.append(*journal, 1));
  journal.reset();
  journal = open();
  EXPECT_EQ(journal->next_lsn(), next + 1);
  // The same for a segment of an earlier run.
  while (journal->figures().bytes_on_disk < kTrimmedBytesMax + kRecordsOffset)
    ASSERT_TRUE(expected_.append(*journal, 1, 2 << 20));
  const Lsn last = journal->next_lsn() - 1;
  journal.reset();
  journal = open();
  EXPECT_TRUE(expected_.trim(*journal, last));
  EXPECT_EQ(journal->figures().bytes_on_disk, kRecordsOffset);
  journal.reset();
  EXPECT_EQ(open()->next_lsn(), last + 1);
}

TEST_P(JournalTest, ALimitOfBytesIsFreedByTrimming) {
  options_.bytes_max = 200 << 10;
  auto journal = open();
  for (int round = 0; round < 5; ++round) {
    while (expected_.append(*journal, 1, 3000)) {
    }
    EXPECT_TRUE(expected_.trim(*journal, journal->next_lsn() - 1));
    EXPECT_TRUE(expected_.append(*journal, 1, 3000));
  }
  journal.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_P(JournalTest, TheNextLsnIsAtLeastWhatOthersKnow) {
  options_.next_lsn_min = 1000;
  {
    auto journal = open();
    EXPECT_EQ(journal->next_lsn(), 1000U);
    EXPECT_EQ(MUST(append(*journal, "a")), 1000U);
  }
  const auto lsns = [&](uint64_t damages) {
    std::vector<Lsn> shown;
    auto opened = MUST(Journal::open(*files_, folder_, options_, [&](Lsn lsn, RecordKind, Bytes) -> Result<void> {
      shown.push_back(lsn);
      return {};
    }));
    EXPECT_EQ(opened.report.damage_count, damages);
    return shown;
  };
  EXPECT_EQ(lsns(0), std::vector<Lsn>{1000});
  options_.next_lsn_min = 2000;
  {
    auto opened =
        MUST(Journal::open(*files_, folder_, options_, [](Lsn, RecordKind, Bytes) { return Result<void>(); }));
    EXPECT_EQ(MUST(append(*opened.journal, "b")), 2000U);
    EXPECT_EQ(MUST(append(*opened.journal, "c")), 2001U);
  }
  options_.next_lsn_min = 5;
  EXPECT_EQ(lsns(0), (std::vector<Lsn>{1000, 2000, 2001})) << "the gap was made on purpose";
  ASSERT_TRUE(files_->remove(platform::join(folder_, segment_name(2))).ok());
  {
    auto opened =
        MUST(Journal::open(*files_, folder_, options_, [](Lsn, RecordKind, Bytes) { return Result<void>(); }));
    EXPECT_EQ(MUST(append(*opened.journal, "d")), 1001U);
  }
  EXPECT_EQ(lsns(0), (std::vector<Lsn>{1000, 1001}));
}

TEST_P(JournalTest, ADamagedSegmentIsSetAsideForAPerson) {
  {
    auto journal = open();
    while (journal->figures().segments < 3) ASSERT_TRUE(expected_.append(*journal, 3));
  }
  for (const uint64_t number : {1, 2}) {  // of the first a record, of the second all that says what it is
    auto file = MUST(files_->open(platform::join(folder_, segment_name(number)), platform::Access::ReadWrite));
    const std::string zeros(number == 1 ? 100 : 2 * kRecordsOffset, '\1');
    const Bytes parts[] = {as_bytes(zeros)};
    ASSERT_TRUE(file->write_at(number == 1 ? kRecordsOffset + 100 : 0, parts).ok());
  }
  expected_.allow_damage();
  auto journal = open();
  EXPECT_EQ(expected_.report().damage_count, 2U);
  ASSERT_TRUE(expected_.trim(*journal, journal->next_lsn() - 1));
  EXPECT_EQ(segment_count(), 1U);
  const std::vector<std::string> names = MUST(files_->list(folder_));
  EXPECT_THAT(names, testing::IsSupersetOf({segment_name(1) + ".damaged", segment_name(2) + ".damaged"}));
  journal.reset();
  journal = open();
  EXPECT_EQ(expected_.report().damage_count, 0U);
}

TEST_P(JournalTest, ARecordAboveTheLimitIsRefused) {
  const std::string mebibyte(1 << 20, 'x');
  const std::vector<Bytes> parts(257, as_bytes(mebibyte));
  const Record group[] = {{RecordKind::Request, parts}};
  auto journal = open();
  EXPECT_EQ(journal->append_group(group).error().code(), Code::ResourceExhausted);
  EXPECT_TRUE(expected_.append(*journal, 1));
}

TEST_P(JournalTest, OtherFilesAreLeftAlone) {
  {
    EXPECT_TRUE(expected_.append(*open(), 1));
  }
  ASSERT_TRUE(files_->create(platform::join(folder_, "notes.txt")).ok());
  ASSERT_TRUE(files_->create(platform::join(folder_, "ffffffffffffffff.journal")).ok());
  EXPECT_TRUE(expected_.append(*open(), 1));
  EXPECT_NE(open(), nullptr);
}

TEST_P(JournalTest, TheCallersErrorEndsTheOpening) {
  {
    EXPECT_TRUE(expected_.append(*open(), 3));
  }
  const auto opened = Journal::open(*files_, folder_, options_, [](Lsn lsn, RecordKind, Bytes) -> Result<void> {
    if (lsn == 2) return Error(Code::ResourceExhausted, "no room");
    return {};
  });
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Code::ResourceExhausted);
  EXPECT_THAT(opened.error().what(), HasSubstr("record 2 in 0000000000000001.journal at"));
  EXPECT_NE(open(), nullptr) << "and lets go of the lock";
}

TEST_P(JournalTest, ASegmentOfANewerProgramEndsTheOpening) {
  {
    EXPECT_TRUE(expected_.append(*open(), 1));
  }
  auto file = MUST(files_->open(platform::join(folder_, segment_name(1)), platform::Access::ReadWrite));
  SegmentHeaderBytes header;
  ASSERT_TRUE(file->read_at(0, header).ok());
  header[8] = 2;
  put(&header[60], codec::crc32c(Bytes(header).first(60)));
  const Bytes parts[] = {header};
  ASSERT_TRUE(file->write_at(0, parts).ok());
  const auto opened = Journal::open(*files_, folder_, options_, [](Lsn, RecordKind, Bytes) { return Result<void>(); });
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Code::FailedPrecondition);
  EXPECT_THAT(opened.error().what(), HasSubstr("newer Clew"));
}

}  // namespace
}  // namespace clew::journal
