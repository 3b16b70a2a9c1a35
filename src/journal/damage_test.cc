// SPDX-License-Identifier: Apache-2.0
//
// Bad spots on the disk: a bit flipped anywhere costs at most the record it is in, and that is said with its place;
// everything else is shown as it was. Only the last group of the newest segment cannot be told from a torn one.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "codec/crc32c.h"
#include "journal/journal.h"
#include "journal/replay.h"
#include "journal/segment.h"
#include "journal/testing/expectation.h"
#include "platform/testing/faulty_file_system.h"

namespace clew::journal {
namespace {

constexpr const char* kFolder = "journal";

struct Place {
  std::string path;
  uint64_t begin = 0;  // of the record's header
  uint64_t end = 0;    // of its payload, without padding
  Lsn lsn = 0;
  Lsn group_lsn = 0;
};

class DamageTest : public testing::Test {
 protected:
  DamageTest() {
    options_.segment_bytes = 20 << 10;
    options_.growth_bytes = 4 << 10;
    options_.free_space_floor_bytes = 0;
    options_.epoch_seed = 7;
  }

  // Three full segments and the beginning of a fourth.
  void write() {
    auto journal = expected_.open(files_, kFolder, options_);
    while (journal->figures().segments < 4) expected_.append(*journal, 3, 600);
    expected_.append(*journal, 3, 600);
    expected_.append(*journal, 3, 600);
    journal.reset();
    find_places();
    expected_.allow_damage();
  }

  void find_places() {
    for (const std::string& name : MUST(files_.list(kFolder))) {
      const std::string path = platform::join(kFolder, name);
      auto file = MUST(files_.open(path, platform::Access::Read));
      const SegmentHeader segment = MUST(read_segment_header(*file, *segment_number(name)));
      Window window(*file, MUST(file->size()));
      uint64_t at = kRecordsOffset;
      while (at + kRecordHeaderBytes <= window.file_bytes()) {
        const auto header = decode_record_header(MUST(window.at(at, kRecordHeaderBytes)), segment.epoch);
        if (!header) break;
        places_.push_back(
            {path, at, at + kRecordHeaderBytes + header->payload_bytes, header->lsn, header->group_lsn()});
        at += record_bytes(header->payload_bytes);
      }
    }
  }

  const Place* record_at(const std::string& path, uint64_t offset) const {
    for (const Place& place : places_)
      if (place.path == path && place.begin <= offset && offset < place.end) return &place;
    return nullptr;
  }

  // Opens and wants exactly the records of `missing` to be missing.
  void expect_missing(const std::set<Lsn>& missing) {
    ASSERT_NE(expected_.open(files_, kFolder, options_), nullptr);
    ASSERT_EQ(expected_.violation(), "");
    for (const Place& place : places_)
      ASSERT_EQ(expected_.shown().contains(place.lsn), !missing.contains(place.lsn)) << "LSN " << place.lsn;
  }

  const Place& place_of(Lsn lsn) const { return places_[lsn - 1]; }
  std::set<Lsn> all_of(const std::string& path) const {
    std::set<Lsn> lsns;
    for (const Place& place : places_)
      if (place.path == path) lsns.insert(place.lsn);
    return lsns;
  }
  void overwrite(const std::string& path, uint64_t offset, std::string_view bytes) {
    const Bytes parts[] = {as_bytes(bytes)};
    ASSERT_TRUE(MUST(files_.open(path, platform::Access::ReadWrite))->write_at(offset, parts).ok());
  }

  platform::FaultyFileSystem files_{1};
  Options options_;
  Expectation expected_{1};
  std::vector<Place> places_;
};

TEST_F(DamageTest, AFlippedBitAnywhereCostsAtMostItsRecord) {
  write();
  const Lsn last_group = places_.back().group_lsn;
  size_t flips = 0;
  for (const std::string& name : MUST(files_.list(kFolder))) {
    const std::string path = platform::join(kFolder, name);
    const uint64_t bytes = MUST(MUST(files_.open(path, platform::Access::Read))->size());
    // Every 13th byte, and every byte of the first records' headers.
    for (uint64_t at = 0; at < bytes; at += at >= kRecordsOffset && at < kRecordsOffset + 100 ? 1 : 13) {
      SCOPED_TRACE(path + " at " + std::to_string(at));
      const unsigned bit = static_cast<unsigned>(at % 8);
      files_.flip_bit(path, at, bit);
      const Place* hit = record_at(path, at);
      std::set<Lsn> missing;
      if (hit != nullptr) missing.insert(hit->lsn);
      const bool torn = hit != nullptr && hit->lsn >= last_group;
      if (torn)
        for (Lsn lsn = hit->lsn; lsn <= places_.back().lsn; ++lsn) missing.insert(lsn);
      expect_missing(missing);
      const Report& report = expected_.report();
      ASSERT_EQ(report.damage_count, missing.empty() || torn ? 0U : 1U);
      ASSERT_EQ(report.torn_bytes > 0, torn);
      if (report.damage_count == 1) {
        ASSERT_EQ(report.records_lost, 1U);
        ASSERT_EQ(platform::join(kFolder, report.damages[0].file), path);
        ASSERT_EQ(report.damages[0].offset, hit->begin);
        ASSERT_EQ(report.damages[0].bytes, record_bytes(hit->end - hit->begin - kRecordHeaderBytes));
        ASSERT_EQ(report.damages[0].first_lsn, hit->lsn);
      }
      files_.flip_bit(path, at, bit);
      ++flips;
    }
  }
  EXPECT_GT(flips, 3000U);
  expect_missing({});
}

TEST_F(DamageTest, ALostPageCostsTheRecordsInIt) {
  write();
  const std::string path = place_of(1).path;
  const uint64_t page = 12288;
  overwrite(path, page, std::string(4096, '\0'));
  std::set<Lsn> missing;
  for (const Place& place : places_)
    if (place.path == path && place.begin < page + 4096 && place.end > page) missing.insert(place.lsn);
  EXPECT_GT(missing.size(), 3U);
  expect_missing(missing);
  EXPECT_EQ(expected_.report().records_lost, missing.size());
}

TEST_F(DamageTest, ASegmentWithoutHeaderIsReportedAndTheOthersAreShown) {
  write();
  const std::set<Lsn> second = all_of(place_of(*all_of(place_of(1).path).rbegin() + 1).path);
  const std::string path = place_of(*second.begin()).path;
  for (const uint64_t offset : kSegmentHeaderOffsets) overwrite(path, offset, "garbage");
  expect_missing(second);
  EXPECT_EQ(expected_.report().damage_count, 1U);
  EXPECT_EQ(expected_.report().records_lost, second.size());
  EXPECT_EQ(expected_.report().damages[0].first_lsn, *second.begin());
}

TEST_F(DamageTest, ASegmentThatIsGoneIsReported) {
  write();
  const std::set<Lsn> second = all_of(place_of(*all_of(place_of(1).path).rbegin() + 1).path);
  ASSERT_TRUE(files_.remove(place_of(*second.begin()).path).ok());
  expect_missing(second);
  EXPECT_EQ(expected_.report().damage_count, 1U);
  EXPECT_EQ(expected_.report().records_lost, second.size());
}

TEST_F(DamageTest, ASegmentThatWasCutIsReported) {
  write();
  const Place& cut = place_of(7);
  ASSERT_TRUE(MUST(files_.open(cut.path, platform::Access::ReadWrite))->truncate(cut.end - 1).ok());
  std::set<Lsn> missing = all_of(cut.path);
  for (Lsn lsn = 1; lsn < 7; ++lsn) missing.erase(lsn);
  expect_missing(missing);
  EXPECT_EQ(expected_.report().damage_count, 1U);
  EXPECT_EQ(expected_.report().records_lost, missing.size());
}

TEST_F(DamageTest, TheFirstAndTheLastSegmentCanBeLost) {
  write();
  std::set<Lsn> missing = all_of(places_.front().path);
  for (const uint64_t offset : kSegmentHeaderOffsets) overwrite(places_.front().path, offset, "garbage");
  expect_missing(missing);
  EXPECT_EQ(expected_.report().damage_count, 1U);
  for (const uint64_t offset : kSegmentHeaderOffsets) overwrite(places_.back().path, offset, "garbage");
  missing.merge(all_of(places_.back().path));
  expect_missing(missing);
  EXPECT_EQ(expected_.report().damage_count, 2U);
}

TEST_F(DamageTest, AfterDamageTheJournalGoesOn) {
  write();
  files_.flip_bit(place_of(5).path, place_of(5).begin + 60, 3);
  auto journal = expected_.open(files_, kFolder, options_);
  EXPECT_TRUE(expected_.append(*journal, 3));
  journal.reset();
  files_.power_loss();
  ASSERT_NE(expected_.open(files_, kFolder, options_), nullptr);
  EXPECT_EQ(expected_.violation(), "");
  EXPECT_EQ(expected_.shown().size(), expected_.must_be_shown().size() - 1);
  EXPECT_EQ(expected_.report().damage_count, 1U);
}

// A sender that knows the format puts a whole record into its payload; then the record around it is damaged, so that
// its length is unknown and the reader looks for the next header.
TEST_F(DamageTest, ARecordInsideAPayloadIsNotARecord) {
  auto journal = expected_.open(files_, kFolder, options_);
  expected_.append(*journal, 1);
  const RecordHeader forged{0x1122334455667788, 3, 0, 5, codec::crc32c(as_bytes("hello")), 1};
  const RecordHeaderBytes header = encode(forged);
  const Bytes parts[] = {header, as_bytes("hello")};
  const Record group[] = {{RecordKind::Request, parts}};
  ASSERT_TRUE(journal->append_group(group).ok());
  expected_.append(*journal, 1);
  expected_.append(*journal, 1);
  journal.reset();
  find_places();
  expected_.allow_damage();
  ASSERT_EQ(places_.size(), 4U);
  files_.flip_bit(places_[1].path, places_[1].begin + 20, 0);
  expect_missing({2});
  EXPECT_EQ(expected_.report().damage_count, 1U);
}

TEST_F(DamageTest, ReportsAreBoundedAndCountsAreNot) {
  options_.segment_bytes = 10 << 20;
  auto journal = expected_.open(files_, kFolder, options_);
  for (size_t i = 0; i < 2 * kDamagesMax + 200; ++i) expected_.append(*journal, 1, 10);
  journal.reset();
  find_places();
  expected_.allow_damage();
  for (size_t i = 0; i < 2 * kDamagesMax + 100; i += 2) files_.flip_bit(places_[i].path, places_[i].begin, 0);
  ASSERT_NE(expected_.open(files_, kFolder, options_), nullptr);
  EXPECT_EQ(expected_.report().damages.size(), kDamagesMax);
  EXPECT_EQ(expected_.report().damage_count, kDamagesMax + 50);
  EXPECT_EQ(expected_.report().records_lost, kDamagesMax + 50);
}

}  // namespace
}  // namespace clew::journal
