// SPDX-License-Identifier: Apache-2.0
//
// Reading one journal segment after a start: delivers the records that count, in order, and tells what was torn and
// what is damaged (docs/format/journal.md, section 5, which this follows rule by rule).
//
// Memory: one window of kReplayWindowBytes, or one record where that is larger.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "platform/file_system.h"

namespace clew::journal {

constexpr uint64_t kReplayWindowBytes = 1 << 20;

// Bytes of a file by offset, read in pieces of a window.
class Window {
 public:
  Window(platform::File& file, uint64_t file_bytes) : file_(file), file_bytes_(file_bytes) {}

  uint64_t file_bytes() const { return file_bytes_; }
  // The bytes [offset, offset + bytes), which lie inside the file; valid until the next call. DataLoss if the file has
  // become shorter.
  Result<Bytes> at(uint64_t offset, uint64_t bytes);
  // The bytes from `offset` on that lie in the window, at least `bytes_min` unless the file ends: for scanning.
  Result<Bytes> from(uint64_t offset, uint64_t bytes_min);

 private:
  platform::File& file_;
  uint64_t file_bytes_;
  std::unique_ptr<uint8_t[]> buffer_;
  uint64_t capacity_ = 0;
  uint64_t begin_ = 0;
  uint64_t length_ = 0;
};

// A segment as opening has found it.
struct SegmentFile {
  std::string name;
  SegmentHeader header;
  // The first LSN of the segments after this one; records from it on do not count here. Nothing for the last segment.
  std::optional<Lsn> end_lsn;
  // The segment after this one can be read: it begins where the acknowledged records of this one end.
  bool end_is_known = false;
};

// Where the records that count end, and where the last of their groups begins.
struct ReplayEnd {
  uint64_t offset = kRecordsOffset;
  uint64_t last_group_offset = kRecordsOffset;
  bool damaged = false;
  // Everything behind `offset` is zero.
  bool clean = true;
};

// `next_lsn` is the LSN expected first and, on return, the one that follows the last. Adds to `report`.
Result<ReplayEnd> replay_segment(platform::File& file, const SegmentFile& segment, Lsn& next_lsn,
                                 const OnRecord& on_record, Report& report);

// The first intact copy of the header at the front of `file`. As decode_segment_header(); and DataLoss if it is the
// header of a segment of another number.
Result<SegmentHeader> read_segment_header(platform::File& file, uint64_t number);

// The offset behind the last byte at or after `offset` that is not zero; `offset` if there is none.
Result<uint64_t> end_of_data(Window& window, uint64_t offset);

// Counts `damage` and, up to kDamagesMax, keeps it.
void add_damage(Report& report, Damage damage);

}  // namespace clew::journal
