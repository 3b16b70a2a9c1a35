// SPDX-License-Identifier: Apache-2.0
//
// LSNs are dense, so at every place it is known which record must stand there. Where it does not, the question is
// whether a sync had covered it: yes, if a later segment begins above it, or if a later record in this one belongs to a
// group that began above it, since a group is written only after the one before has been synced. Then it is damage, and
// reading goes on with the next intact record. Otherwise it is the torn end of the last group, and nothing behind it
// counts, intact or not.
//
// The proof is looked for at most once for each LSN below it, so that a bad segment is read about twice.
#include "journal/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/crc32c.h"

namespace clew::journal {

namespace {

struct Found {
  uint64_t offset = 0;
  RecordHeader header;
  uint64_t end(uint64_t file_bytes) const { return std::min(offset + record_bytes(header.payload_bytes), file_bytes); }
};

class SegmentReplay {
 public:
  SegmentReplay(platform::File& file, uint64_t file_bytes, const SegmentFile& segment, Lsn& next_lsn,
                const OnRecord& on_record, Report& report)
      : window_(file, file_bytes),
        segment_(segment),
        next_lsn_(next_lsn),
        on_record_(on_record),
        report_(report),
        synced_below_(segment.end_is_known ? *segment.end_lsn : 0) {}

  Result<ReplayEnd> run() {
    while (!segment_.end_lsn || next_lsn_ < *segment_.end_lsn) {
      const std::optional<RecordHeader> header = TRY(header_at(at_));
      if (header && header->lsn == next_lsn_ && TRY(deliver(*header))) continue;
      const bool length_known = header && header->lsn == next_lsn_;
      const uint64_t behind = length_known ? Found{at_, *header}.end(window_.file_bytes()) : at_ + kRecordAlignment;
      if (!TRY(is_damage(behind))) break;
      if (!TRY(skip_damage(behind))) return std::move(end_);
    }
    const uint64_t data_end = TRY(end_of_data(window_, end_.offset));
    end_.clean = data_end == end_.offset;
    // What a later segment has made void is not news.
    if (!segment_.end_lsn) report_.torn_bytes += data_end - end_.offset;
    return std::move(end_);
  }

 private:
  Result<std::optional<RecordHeader>> header_at(uint64_t offset) {
    if (offset + kRecordHeaderBytes > window_.file_bytes()) return std::optional<RecordHeader>();
    return decode_record_header(TRY(window_.at(offset, kRecordHeaderBytes)), segment_.header.epoch);
  }

  // False if the payload is not what was written.
  Result<bool> deliver(const RecordHeader& header) {
    const uint64_t begin = at_ + kRecordHeaderBytes;
    if (begin + header.payload_bytes > window_.file_bytes()) return false;
    const Bytes payload = TRY(window_.at(begin, header.payload_bytes));
    if (codec::crc32c(payload) != header.payload_crc) return false;
    const Result<void> taken = on_record_(header.lsn, static_cast<RecordKind>(header.kind), payload);
    if (!taken.ok()) return taken.error().with(fmt::format("record {} in {} at {}", header.lsn, segment_.name, at_));
    ++report_.records;
    report_.payload_bytes += header.payload_bytes;
    ++next_lsn_;
    if (header.group_lsn() > group_lsn_) {
      group_lsn_ = header.group_lsn();
      end_.last_group_offset = at_;
    }
    synced_below_ = std::max(synced_below_, header.group_lsn());
    at_ = end_.offset = Found{at_, header}.end(window_.file_bytes());
    return true;
  }

  // The first intact header at or behind `offset`.
  Result<std::optional<Found>> find(uint64_t offset) {
    while (offset + kRecordHeaderBytes <= window_.file_bytes()) {
      const Bytes bytes = TRY(window_.from(offset, kRecordHeaderBytes));
      size_t step = 0;
      for (; step + kRecordHeaderBytes <= bytes.size(); step += kRecordAlignment) {
        const auto header = decode_record_header(bytes.subspan(step), segment_.header.epoch);
        if (header) return std::optional<Found>({offset + step, *header});
      }
      offset += step;
    }
    return std::optional<Found>();
  }

  // Had a sync covered the record next_lsn_, which cannot be read?
  Result<bool> is_damage(uint64_t behind) {
    while (next_lsn_ >= synced_below_) {
      const std::optional<Found> later = TRY(find(behind));
      if (!later) return false;
      synced_below_ = std::max(synced_below_, later->header.group_lsn());
      behind = later->end(window_.file_bytes());
    }
    return true;
  }

  // Goes on with the next record that counts; false if there is none in this segment.
  Result<bool> skip_damage(uint64_t behind) {
    end_.damaged = true;
    Damage damage{segment_.name, at_, 0, next_lsn_, 0};
    std::optional<Found> next = TRY(find(behind));
    while (next && next->header.lsn < next_lsn_) next = TRY(find(next->end(window_.file_bytes())));
    const bool goes_on = next && (!segment_.end_lsn || next->header.lsn < *segment_.end_lsn);
    const uint64_t end = goes_on ? next->offset : window_.file_bytes();
    // is_damage() said yes, so a later record or segment names the LSN up to which records are missing.
    const Lsn end_lsn = goes_on ? next->header.lsn : segment_.end_lsn.value_or(next_lsn_);
    damage.bytes = end - at_;
    damage.records_lost = end_lsn - next_lsn_;
    add_damage(report_, std::move(damage));
    next_lsn_ = end_lsn;
    at_ = end_.offset = end;
    return goes_on;
  }

  Window window_;
  const SegmentFile& segment_;
  Lsn& next_lsn_;
  const OnRecord& on_record_;
  Report& report_;
  Lsn synced_below_;
  Lsn group_lsn_ = 0;
  uint64_t at_ = kRecordsOffset;
  ReplayEnd end_;
};

}  // namespace

Result<Bytes> Window::from(uint64_t offset, uint64_t bytes_min) {
  const uint64_t needed = std::min(bytes_min, file_bytes_ - std::min(offset, file_bytes_));
  if (offset >= begin_ && offset + needed <= begin_ + length_)
    return Bytes(buffer_.get() + (offset - begin_), begin_ + length_ - offset);
  const uint64_t wanted = std::max(needed, kReplayWindowBytes);
  // A buffer that grew for one large record is given back with the next small one.
  if (capacity_ < wanted || capacity_ > std::max(wanted, kReplayWindowBytes)) {
    buffer_.reset();
    buffer_ = std::make_unique_for_overwrite<uint8_t[]>(wanted);
    capacity_ = wanted;
  }
  begin_ = offset;
  length_ = std::min(wanted, file_bytes_ - std::min(offset, file_bytes_));
  const size_t count = TRY(file_.read_at(offset, std::span(buffer_.get(), length_)));
  if (count < length_) {
    length_ = 0;
    return Error(Code::DataLoss, "the segment became shorter while it was read");
  }
  return Bytes(buffer_.get(), length_);
}

Result<Bytes> Window::at(uint64_t offset, uint64_t bytes) { return TRY(from(offset, bytes)).first(bytes); }

Result<uint64_t> end_of_data(Window& window, uint64_t offset) {
  uint64_t end = offset;
  while (offset < window.file_bytes()) {
    const Bytes bytes = TRY(window.from(offset, 1));
    const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](uint8_t byte) { return byte != 0; });
    if (last != bytes.rend()) end = offset + static_cast<uint64_t>(bytes.rend() - last);
    offset += bytes.size();
  }
  return end;
}

Result<ReplayEnd> replay_segment(platform::File& file, const SegmentFile& segment, Lsn& next_lsn,
                                 const OnRecord& on_record, Report& report) {
  return SegmentReplay(file, TRY(file.size()), segment, next_lsn, on_record, report).run();
}

Result<SegmentHeader> read_segment_header(platform::File& file, uint64_t number) {
  Error last(Code::DataLoss, "");
  for (const uint64_t offset : kSegmentHeaderOffsets) {
    SegmentHeaderBytes bytes;
    const size_t count = TRY(file.read_at(offset, bytes));
    Result<SegmentHeader> header = decode_segment_header(Bytes(bytes).first(count));
    if (header.ok() && header->number != number)
      header = Error(Code::DataLoss, fmt::format("the file holds segment {}", header->number));
    if (header.ok() || header.error().code() != Code::DataLoss) return header;
    last = header.error();
  }
  return last;
}

void add_damage(Report& report, Damage damage) {
  ++report.damage_count;
  report.records_lost += damage.records_lost;
  if (report.damages.size() < kDamagesMax) report.damages.push_back(std::move(damage));
}

}  // namespace clew::journal
