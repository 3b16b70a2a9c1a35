// SPDX-License-Identifier: Apache-2.0
//
// Opens a journal whose first segment is the input: whatever the bytes, opening ends without a crash or with an error,
// and what it shows is shown again, in full and with what is appended, by the next opening.
//
// Checksums would stop nearly every mutation at the door, so the first byte of the input says what is put right before
// the reader gets it: bit 0 the segment header, bit 1 the headers of records (epoch and checksum), bit 2 their
// payloads' checksums. Without them the reader is shown the bytes as they are.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "codec/crc32c.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "platform/testing/faulty_file_system.h"

namespace {

using namespace clew;
using namespace clew::journal;

constexpr size_t kInputBytesMax = 256 << 10;
constexpr uint64_t kEpoch = 7;
constexpr std::string_view kRecordMagic = "CLRC";

void put_right(std::vector<uint8_t>& segment, uint8_t what) {
  if ((what & 1) != 0 && segment.size() >= kSegmentHeaderBytes) {
    const Lsn first = std::max<Lsn>(load<Lsn>(&segment[40]) % 1000, 1);
    const SegmentHeaderBytes header = encode(SegmentHeader{1, kEpoch, first});
    std::copy(header.begin(), header.end(), segment.begin());
  }
  for (size_t at = kRecordsOffset; at + kRecordHeaderBytes <= segment.size(); at += kRecordAlignment) {
    uint8_t* header = &segment[at];
    if (!std::equal(kRecordMagic.begin(), kRecordMagic.end(), header)) continue;
    const auto payload_bytes = load<uint32_t>(header + 4);
    const size_t room = segment.size() - at - kRecordHeaderBytes;
    if ((what & 4) != 0 && payload_bytes <= room)
      put(header + 24, codec::crc32c(Bytes(header + kRecordHeaderBytes, payload_bytes)));
    if ((what & 2) != 0) {
      put(header + 8, kEpoch);
      put(header + 44, codec::crc32c(Bytes(header, 44)));
    }
  }
}

struct Shown {
  std::map<Lsn, std::string> records;
  Report report;
};

bool replay(platform::FaultyFileSystem& files, const Options& options, Shown& shown, std::string_view then_append) {
  Lsn last = 0;
  auto opened = Journal::open(files, "journal", options, [&](Lsn lsn, RecordKind, Bytes payload) -> Result<void> {
    CHECK(lsn > last);
    last = lsn;
    shown.records[lsn] = std::string(as_text(payload));
    return {};
  });
  if (!opened.ok()) return false;
  CHECK(opened->report.records == shown.records.size());
  CHECK(opened->journal->next_lsn() > last);
  shown.report = opened->report;
  if (!then_append.empty()) {
    const Bytes parts[] = {as_bytes(then_append)};
    const Record group[] = {{RecordKind::Request, parts}};
    const Result<Lsn> lsn = opened->journal->append_group(group);
    CHECK(lsn.ok());
    shown.records[*lsn] = then_append;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > kInputBytesMax) return 0;
  std::vector<uint8_t> segment(data + 1, data + size);
  put_right(segment, data[0]);

  platform::FaultyFileSystem files(1);
  MUST(files.make_directory("journal"));  // an empty disk in memory takes it
  {
    auto file = MUST(files.create("journal/" + segment_name(1)));
    const Bytes parts[] = {segment};
    MUST(file->write_at(0, parts));
  }
  Options options;
  options.free_space_floor_bytes = 0;
  options.growth_bytes = 4096;
  options.epoch_seed = 1;
  Shown first;
  if (!replay(files, options, first, "appended")) return 0;
  Shown second;
  CHECK(replay(files, options, second, ""));
  CHECK(first.records == second.records);
  CHECK(second.report.records_lost >= first.report.records_lost);
  return 0;
}
