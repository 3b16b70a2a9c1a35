// SPDX-License-Identifier: Apache-2.0
//
// A group is one gather list: for each record its header, its payload from where it lies, and the zeros up to the
// alignment. The segment in front of the writing place is zeros that were written ahead, so that the sync of a small
// group changes no size and no extents: a third less time than appending (bench/journal_bench.cc).
#include "journal/appender.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "codec/crc32c.h"
#include "platform/entropy.h"

namespace clew::journal {

namespace {

constexpr std::array<uint8_t, kRecordAlignment> kPadding{};

// A group above this part of Options::growth_bytes is not written over zeros: its sync is long because of its own
// bytes, and to write them twice would cost more than the change of size.
constexpr uint64_t kLargeGroupDivisor = 8;

uint64_t payload_bytes(const Record& record) {
  uint64_t sum = 0;
  for (const Bytes part : record.payload) sum += part.size();
  return sum;
}

Error unavailable(const Error& cause) { return {Code::Unavailable, cause.with("the journal cannot write").what()}; }

// splitmix64: tests get different epochs from a seed, none of them zero in practice.
uint64_t mixed(uint64_t value) {
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

}  // namespace

Appender::Appender(platform::FileSystem& files, std::string folder, const Options& options, Start start)
    : files_(files),
      folder_(std::move(folder)),
      options_(options),
      lock_(std::move(start.lock)),
      next_lsn_(start.next_lsn),
      after_gap_(start.after_gap),
      next_number_(start.next_number),
      held_(std::move(start.segments)) {
  figures_.segments = held_.size();
  for (const Held& segment : held_) figures_.bytes_on_disk += segment.bytes;
}

Result<Lsn> Appender::append_group(std::span<const Record> records) {
  CHECK(!records.empty() && records.size() <= kGroupRecordsMax);
  uint64_t bytes = 0;
  for (const Record& record : records) {
    const uint64_t payload = payload_bytes(record);
    if (payload > kPayloadBytesMax)
      return Error(Code::ResourceExhausted,
                   fmt::format("a record of {} bytes is above the limit of {}", payload, kPayloadBytesMax));
    bytes += record_bytes(payload);
  }
  const Result<void> written = write_group(records, bytes);
  if (!written.ok()) {
    ++figures_.groups_failed;
    return unavailable(written.error());
  }
  active_->end += bytes;
  after_gap_ = false;
  return std::exchange(next_lsn_, next_lsn_ + records.size());
}

Result<void> Appender::write_group(std::span<const Record> records, uint64_t bytes) {
  TRY(ensure_segment(bytes));
  TRY(ensure_room(bytes));
  std::vector<RecordHeaderBytes> headers;
  headers.reserve(records.size());  // the gather list points into it
  std::vector<Bytes> parts;
  for (size_t i = 0; i < records.size(); ++i) {
    RecordHeader header;
    header.epoch = active_->epoch;
    header.lsn = next_lsn_ + i;
    header.index_in_group = static_cast<uint32_t>(i);
    header.payload_bytes = static_cast<uint32_t>(payload_bytes(records[i]));
    for (const Bytes part : records[i].payload) header.payload_crc = codec::crc32c(part, header.payload_crc);
    header.kind = static_cast<uint8_t>(records[i].kind);
    parts.emplace_back(headers.emplace_back(encode(header)));
    parts.insert(parts.end(), records[i].payload.begin(), records[i].payload.end());
    const uint64_t unpadded = kRecordHeaderBytes + header.payload_bytes;
    parts.push_back(Bytes(kPadding).first(record_bytes(header.payload_bytes) - unpadded));
  }
  Result<void> written = active_->file->write_at(active_->end, parts);
  if (written.ok()) written = active_->file->sync(kSyncGroup);
  if (!written.ok()) abandon();
  return written;
}

Result<void> Appender::ensure_segment(uint64_t group_bytes) {
  const bool empty = active_ && active_->end == kRecordsOffset;
  if (active_ && !empty && active_->end + group_bytes > options_.segment_bytes) finish();
  if (active_) return {};
  TRY(check_space(kRecordsOffset + group_bytes));
  return create_segment();
}

// The segment's zeros reach at least to the end of the group that comes.
Result<void> Appender::ensure_room(uint64_t group_bytes) {
  const uint64_t group_end = active_->end + group_bytes;
  if (group_end <= active_->zeroed) return {};
  const bool large = group_bytes > options_.growth_bytes / kLargeGroupDivisor;
  uint64_t ahead = large ? 0 : options_.growth_bytes;
  if (ahead > 0 && !check_space(group_end + ahead - active_->zeroed).ok()) ahead = 0;
  const uint64_t end = group_end + ahead;
  TRY(check_space(end - active_->zeroed));
  // A large group is written straight behind the end. If that fails, the segment is given up.
  if (!large) {
    const Result<void> filled = platform::fill_with_zeros(*active_->file, active_->zeroed, end - active_->zeroed);
    if (!filled.ok()) {
      // Nothing of the group is written, so want of space leaves the segment good. What there was goes back to others.
      const bool usable = filled.error().code() == Code::Unavailable && active_->file->truncate(active_->zeroed).ok();
      if (!usable) abandon();
      return filled.error();
    }
  }
  figures_.bytes_on_disk += end - active_->zeroed;
  active_->zeroed = end;
  return {};
}

Result<void> Appender::check_space(uint64_t bytes) {
  if (figures_.bytes_on_disk + bytes > options_.bytes_max)
    return Error(Code::Unavailable, fmt::format("its {} bytes and {} more are above the limit of {}",
                                                figures_.bytes_on_disk, bytes, options_.bytes_max));
  const uint64_t space = TRY(files_.free_space(folder_));
  if (space < options_.free_space_floor_bytes + bytes)
    return Error(Code::Unavailable, fmt::format("{} bytes are free on the disk, {} are needed and {} are kept free",
                                                space, bytes, options_.free_space_floor_bytes));
  return {};
}

Result<void> Appender::create_segment() {
  const uint64_t number = next_number_++;
  Active segment;
  segment.name = segment_name(number);
  segment.first_lsn = next_lsn_;
  segment.epoch = draw_epoch(number);
  segment.file = TRY(files_.create(path_of(segment.name)));
  Result<void> ready = write_header(segment, number);
  if (ready.ok()) ready = files_.sync_directory(folder_, kSyncFolder);
  if (!ready.ok()) {
    segment.file.reset();
    // If it stays it holds no record, which is harmless, and its number is not used again.
    static_cast<void>(files_.remove(path_of(segment.name)).ok());
    return ready;
  }
  ++figures_.segments;
  figures_.bytes_on_disk += kRecordsOffset;
  active_ = std::move(segment);
  return {};
}

Result<void> Appender::write_header(Active& segment, uint64_t number) {
  const SegmentHeaderBytes header = encode(SegmentHeader{number, segment.epoch, next_lsn_, after_gap_});
  std::array<uint8_t, kRecordsOffset> bytes{};
  for (const uint64_t offset : kSegmentHeaderOffsets) std::copy(header.begin(), header.end(), bytes.begin() + offset);
  const Bytes parts[] = {bytes};
  TRY(segment.file->write_at(0, parts));
  return segment.file->sync(kSyncSegmentHeader);
}

// The active segment is full: its zeros go back to the disk. It is as good with them.
void Appender::finish() {
  if (active_->file->truncate(active_->end).ok()) {
    figures_.bytes_on_disk -= active_->zeroed - active_->end;
    active_->zeroed = active_->end;
  }
  hold_active();
}

void Appender::hold_active() {
  held_.push_back({std::move(active_->name), active_->first_lsn, active_->zeroed, false});
  active_.reset();
}

// A segment without an acknowledged record is removed, so that a disk that fails for long leaves no heap of them.
void Appender::abandon() {
  ++figures_.segments_abandoned;
  // What the failed write has left; if nobody can tell, what it meant to.
  const Result<uint64_t> bytes = active_->file->size();
  if (bytes.ok()) {
    figures_.bytes_on_disk -= active_->zeroed - *bytes;
    active_->zeroed = *bytes;
  }
  active_->file.reset();
  log(LogLevel::Warning,
      fmt::format("journal: gave up a segment after a failed write or sync file={}", path_of(active_->name)));
  if (active_->end == kRecordsOffset && files_.remove(path_of(active_->name)).ok()) {
    --figures_.segments;
    figures_.bytes_on_disk -= active_->zeroed;
    active_.reset();
    return;
  }
  hold_active();
}

Result<void> Appender::trim(Lsn up_to) {
  begin_anew_if_large(up_to);
  const size_t count = trimmable(up_to);
  if (count > 0 && !trim_synced_) TRY(files_.sync_directory(folder_, kSyncTrimmed));
  for (size_t i = 0; i < count; ++i) TRY(trim_oldest());
  return {};
}

// The last segment stays for its LSNs alone when no record in it is needed. If it is large, a new one takes its place.
void Appender::begin_anew_if_large(Lsn up_to) {
  if (next_lsn_ - 1 > up_to || (!active_ && held_.empty())) return;
  const uint64_t bytes = active_ ? active_->end : held_.back().bytes;
  if (bytes <= kTrimmedBytesMax) return;
  if (active_) finish();
  // On a full disk the large one stays, and the others still go.
  static_cast<void>(create_segment().ok());
}

// How many of the oldest segments hold no record above `up_to`: a segment ends where a later one begins.
size_t Appender::trimmable(Lsn up_to) const {
  Lsn end = active_ ? active_->first_lsn : UINT64_MAX;
  for (size_t i = held_.size(); i-- > 0;) {
    if (end - 1 <= up_to && end != UINT64_MAX) return i + 1;
    end = std::min(end, held_[i].first_lsn);
  }
  return 0;
}

// One at a time: if a later segment could go before an earlier one, what failed in the earlier one would count again.
Result<void> Appender::trim_oldest() {
  const Held& segment = held_.front();
  const std::string path = path_of(segment.name);
  TRY(segment.damaged ? files_.rename(path, path + ".damaged") : files_.remove(path));
  trim_synced_ = false;
  --figures_.segments;
  ++figures_.segments_trimmed;
  figures_.bytes_on_disk -= segment.bytes;
  held_.erase(held_.begin());
  TRY(files_.sync_directory(folder_, kSyncTrimmed));
  trim_synced_ = true;
  return {};
}

uint64_t Appender::draw_epoch(uint64_t number) const {
  return options_.epoch_seed == 0 ? platform::entropy() : mixed(options_.epoch_seed + number);
}

}  // namespace clew::journal
