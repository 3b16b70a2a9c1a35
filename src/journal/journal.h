// SPDX-License-Identifier: Apache-2.0
//
// journal::Journal remembers records, in order, through kill -9 and loss of power: when append_group() is ok, its
// records are on disk and the requests in them may be acknowledged. Opening replays what is there. A record is opaque
// bytes with a kind; the journal neither knows nor cares that they hold spans. The bytes on disk:
// docs/format/journal.md.
//
//   auto opened = TRY(Journal::open(files, "data/journal", {}, [&](Lsn, RecordKind, Bytes payload) { … }));
//   Bytes parts[] = {head, body};
//   Record group[] = {{RecordKind::Request, parts}};
//   Lsn first = TRY(opened.journal->append_group(group));   // durable from here on
//
// A group is all or nothing for its caller: after an error none of its records counts, and once a later group has
// succeeded none of them will ever be replayed. (Before that, a crash can bring them back: they were sent, not
// acknowledged.) After a failed write or sync the segment is given up and the next group goes to a new one; an error
// for want of space leaves everything as it was. So every error is final for its group only: just append the next.
//
// What is elsewhere is trimmed: trim(up_to) removes segments from the oldest on, so the journal then begins at a later
// LSN. Who trims keeps up to where, and skips what it has when it opens again: a segment goes as a whole.
//
// Threads: one at a time. Lifetime: the FileSystem must outlive the Journal. Destruction closes; nothing is pending.
// Not here: what a payload means (model/batch_codec.h), when to answer (store/committer), when to trim (store).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "platform/file_system.h"

namespace clew::journal {

// The number of a record: the first ever is 1, and there are no gaps but those that Options::next_lsn_min asks for.
using Lsn = uint64_t;

// The values are part of the format.
enum class RecordKind : uint8_t { Request = 1 };

// A record's payload. Four times the largest request body (64 MiB after inflating): decoded columns of a body of tiny
// spans are larger than the body. Bounds what replay holds in memory.
constexpr uint64_t kPayloadBytesMax = uint64_t{256} << 20;
// Records of a group; bounds the scratch that append_group() uses (48 bytes a record).
constexpr size_t kGroupRecordsMax = 65'536;
// A segment without any record that is still needed stays as the last one up to this size: a flushed journal is small.
constexpr uint64_t kTrimmedBytesMax = 8 << 20;

// The promises that syncs keep; see platform/file_system.h.
constexpr platform::SyncSite kSyncGroup = "journal.group";                   // an acknowledged group
constexpr platform::SyncSite kSyncSegmentHeader = "journal.segment_header";  // a segment without header has no records
constexpr platform::SyncSite kSyncFolder = "journal.folder";                 // the name of a new segment
constexpr platform::SyncSite kSyncParent = "journal.parent";                 // the name of the journal's folder
constexpr platform::SyncSite kSyncReplayed = "journal.replayed";             // what replay has shown stays
constexpr platform::SyncSite kSyncTrimmed = "journal.trimmed";               // the oldest segments go first

struct Options {
  // A segment that would grow beyond this is followed by a new one; a group that is larger gets a larger segment.
  uint64_t segment_bytes = 64 << 20;
  // A segment grows by zeros written this far ahead, so that most syncs touch data only (bench/journal_bench.cc).
  uint64_t growth_bytes = 256 << 10;
  // All segments together; beyond it groups are refused as Unavailable.
  uint64_t bytes_max = uint64_t{16} << 30;
  // Free bytes that the journal leaves on the disk for others; groups that would need them are refused.
  uint64_t free_space_floor_bytes = 256 << 20;
  // The next record's LSN is at least this: LSNs that somebody knows to be taken are not given again, even if the
  // folder was lost.
  Lsn next_lsn_min = 1;
  // Where the segments' epochs come from; 0 asks the operating system. Tests give a number.
  uint64_t epoch_seed = 0;
};

struct Record {
  RecordKind kind = RecordKind::Request;
  // The payload is their concatenation; they are written from where they lie.
  std::span<const Bytes> payload;
};

// A stretch of a segment that held records which a sync had covered and that cannot be read any more.
struct Damage {
  std::string file;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  Lsn first_lsn = 0;
  uint64_t records_lost = 0;
};

// What opening found.
struct Report {
  uint64_t segments = 0;
  Lsn first_lsn = 0;  // where the oldest segment begins; 0 if there is none
  uint64_t records = 0;
  uint64_t payload_bytes = 0;
  // Bytes behind the last good record, of groups that were being written when the power went. No sync covered them.
  uint64_t torn_bytes = 0;
  uint64_t records_lost = 0;
  // The first kDamagesMax stretches; `damage_count` counts all.
  std::vector<Damage> damages;
  uint64_t damage_count = 0;
};
constexpr size_t kDamagesMax = 1000;

// Called for each record in order; `payload` lives until it returns. An error ends the opening with that error.
using OnRecord = std::function<Result<void>(Lsn lsn, RecordKind kind, Bytes payload)>;

struct Figures {
  uint64_t segments = 0;
  uint64_t bytes_on_disk = 0;
  uint64_t groups_failed = 0;       // since opening, for whatever reason
  uint64_t segments_abandoned = 0;  // since opening, after a failed write or sync
  uint64_t segments_trimmed = 0;    // since opening
};

class Journal {
 public:
  struct Opened {
    std::unique_ptr<Journal> journal;
    Report report;
  };

  // Locks the folder (made if missing), replays its segments, and is ready to append. Fails if the folder is in use or
  // cannot be read, or if a segment needs a newer program; not for damage, which is reported and left out, and not for
  // a full disk.
  static Result<Opened> open(platform::FileSystem& files, std::string folder, const Options& options,
                             const OnRecord& on_record);
  // Reads what is there and changes nothing, also while another process writes: what that one is just writing then
  // looks torn. NotFound if there is no such folder; otherwise as open().
  static Result<Report> inspect(platform::FileSystem& files, std::string folder);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  virtual ~Journal() = default;

  // Makes `records` durable as one group with one sync; the LSN of the first, the others follow without gap.
  // Unavailable: not written, for a reason that may pass. ResourceExhausted: a payload is above kPayloadBytesMax.
  virtual Result<Lsn> append_group(std::span<const Record> records) = 0;

  // Records up to `up_to` are not needed any more: removes the segments that hold nothing else, oldest first and each
  // durably before the next. The last segment stays, for the LSN that it tells. One with damage is renamed to
  // *.damaged for a person to look at. After an error everything is in order and the next call goes on.
  virtual Result<void> trim(Lsn up_to) = 0;

  // The LSN that the next record gets.
  virtual Lsn next_lsn() const = 0;
  virtual Figures figures() const = 0;

 protected:
  Journal() = default;
};

}  // namespace clew::journal
