// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a journal segment: its name, its header and the header in front of each record, as
// docs/format/journal.md sections 2 and 3 lay them out. Encoding and decoding only; files are read in replay.h and
// written in journal.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "journal/journal.h"

namespace clew::journal {

constexpr uint32_t kFormatVersion = 1;
constexpr uint64_t kSegmentHeaderBytes = 64;
// Where the two copies of the header lie: in different pages, so that one bad spot does not cost a segment.
constexpr std::array<uint64_t, 2> kSegmentHeaderOffsets = {0, 4096};
constexpr uint64_t kRecordsOffset = 8192;
constexpr uint64_t kRecordHeaderBytes = 48;
constexpr uint64_t kRecordAlignment = 8;
// Numbers beyond are not ours; it keeps every sum of them inside 64 bits.
constexpr uint64_t kNumberMax = uint64_t{1} << 62;
// A record beyond is not ours; those that follow the last possible one still have numbers.
constexpr Lsn kLsnMax = kNumberMax / 2;

static_assert(kSegmentHeaderOffsets[1] + kSegmentHeaderBytes <= kRecordsOffset);
static_assert(kRecordsOffset % kRecordAlignment == 0 && kRecordHeaderBytes % kRecordAlignment == 0);
static_assert(kPayloadBytesMax <= UINT32_MAX);

struct SegmentHeader {
  uint64_t number = 0;  // as in the name; later segments have higher ones
  uint64_t epoch = 0;   // random; marks the records that belong to this use of the file
  Lsn first_lsn = 0;
  // Optional feature: the LSNs between the records before this segment and its first were skipped on purpose.
  bool after_gap = false;
};

using SegmentHeaderBytes = std::array<uint8_t, kSegmentHeaderBytes>;
SegmentHeaderBytes encode(const SegmentHeader& header);
// DataLoss if these bytes are not an intact header; FailedPrecondition if a newer program wrote it.
Result<SegmentHeader> decode_segment_header(Bytes bytes);

struct RecordHeader {
  uint64_t epoch = 0;
  Lsn lsn = 0;
  uint32_t index_in_group = 0;
  uint32_t payload_bytes = 0;
  uint32_t payload_crc = 0;
  uint8_t kind = 0;

  // The first of the records that were synced together with this one; everything before it was synced earlier.
  Lsn group_lsn() const { return lsn - index_in_group; }
};

using RecordHeaderBytes = std::array<uint8_t, kRecordHeaderBytes>;
RecordHeaderBytes encode(const RecordHeader& header);
// The header at the front of `bytes`, at least kRecordHeaderBytes long, if it is intact and of `epoch`.
std::optional<RecordHeader> decode_record_header(Bytes bytes, uint64_t epoch);

// What a record takes in the segment: header, payload, and zeros up to the alignment.
constexpr uint64_t record_bytes(uint64_t payload_bytes) {
  return kRecordHeaderBytes + (payload_bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

// "000000000000002a.journal" and back; nothing for another kind of name.
std::string segment_name(uint64_t number);
std::optional<uint64_t> segment_number(std::string_view name);

}  // namespace clew::journal
