// SPDX-License-Identifier: Apache-2.0
#include "journal/segment.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/check.h"
#include "codec/crc32c.h"

namespace clew::journal {

namespace {

constexpr char kSegmentMagic[8] = {'C', 'L', 'E', 'W', 'J', 'R', 'N', 'L'};
constexpr uint32_t kRecordMagic = 0x43524C43;  // "CLRC" in the order of the bytes on disk
constexpr uint32_t kKnownRequiredFeatures = 0;
constexpr uint32_t kAfterGap = 1;  // an optional feature

constexpr std::string_view kNameSuffix = ".journal";
constexpr size_t kNumberDigits = 16;

// Where the fields of the segment header lie.
constexpr size_t kVersionAt = 8;
constexpr size_t kRequiredFeaturesAt = 12;
constexpr size_t kOptionalFeaturesAt = 16;
constexpr size_t kNumberAt = 24;
constexpr size_t kEpochAt = 32;
constexpr size_t kFirstLsnAt = 40;
constexpr size_t kSegmentCrcAt = 60;

// And those of the record header.
constexpr size_t kPayloadBytesAt = 4;
constexpr size_t kRecordEpochAt = 8;
constexpr size_t kLsnAt = 16;
constexpr size_t kPayloadCrcAt = 24;
constexpr size_t kIndexInGroupAt = 28;
constexpr size_t kKindAt = 36;
constexpr size_t kRecordCrcAt = 44;

}  // namespace

SegmentHeaderBytes encode(const SegmentHeader& header) {
  SegmentHeaderBytes bytes{};
  std::memcpy(bytes.data(), kSegmentMagic, sizeof kSegmentMagic);
  put(&bytes[kVersionAt], kFormatVersion);
  put(&bytes[kOptionalFeaturesAt], header.after_gap ? kAfterGap : uint32_t{0});
  put(&bytes[kNumberAt], header.number);
  put(&bytes[kEpochAt], header.epoch);
  put(&bytes[kFirstLsnAt], header.first_lsn);
  put(&bytes[kSegmentCrcAt], codec::crc32c(Bytes(bytes).first(kSegmentCrcAt)));
  return bytes;
}

Result<SegmentHeader> decode_segment_header(Bytes bytes) {
  if (bytes.size() < kSegmentHeaderBytes || std::memcmp(bytes.data(), kSegmentMagic, sizeof kSegmentMagic) != 0)
    return Error(Code::DataLoss, "not a segment header");
  if (load<uint32_t>(&bytes[kSegmentCrcAt]) != codec::crc32c(bytes.first(kSegmentCrcAt)))
    return Error(Code::DataLoss, "the segment header's checksum does not match");
  const auto version = load<uint32_t>(&bytes[kVersionAt]);
  const auto required = load<uint32_t>(&bytes[kRequiredFeaturesAt]);
  if (version != kFormatVersion || (required & ~kKnownRequiredFeatures) != 0)
    return Error(Code::FailedPrecondition, fmt::format("written by a newer Clew (version {}, features {:#x}); this one "
                                                       "reads version {}",
                                                       version, required, kFormatVersion));
  const SegmentHeader header = {load<uint64_t>(&bytes[kNumberAt]), load<uint64_t>(&bytes[kEpochAt]),
                                load<uint64_t>(&bytes[kFirstLsnAt]),
                                (load<uint32_t>(&bytes[kOptionalFeaturesAt]) & kAfterGap) != 0};
  if (header.number > kNumberMax || header.first_lsn == 0 || header.first_lsn > kNumberMax)
    return Error(Code::DataLoss, "the segment header has impossible numbers");
  return header;
}

RecordHeaderBytes encode(const RecordHeader& header) {
  RecordHeaderBytes bytes{};
  put(bytes.data(), kRecordMagic);
  put(&bytes[kPayloadBytesAt], header.payload_bytes);
  put(&bytes[kRecordEpochAt], header.epoch);
  put(&bytes[kLsnAt], header.lsn);
  put(&bytes[kPayloadCrcAt], header.payload_crc);
  put(&bytes[kIndexInGroupAt], header.index_in_group);
  put(&bytes[kKindAt], header.kind);
  put(&bytes[kRecordCrcAt], codec::crc32c(Bytes(bytes).first(kRecordCrcAt)));
  return bytes;
}

std::optional<RecordHeader> decode_record_header(Bytes bytes, uint64_t epoch) {
  DCHECK(bytes.size() >= kRecordHeaderBytes);
  if (load<uint32_t>(bytes.data()) != kRecordMagic || load<uint64_t>(&bytes[kRecordEpochAt]) != epoch) return {};
  if (load<uint32_t>(&bytes[kRecordCrcAt]) != codec::crc32c(bytes.first(kRecordCrcAt))) return {};
  RecordHeader header;
  header.epoch = epoch;
  header.lsn = load<uint64_t>(&bytes[kLsnAt]);
  header.index_in_group = load<uint32_t>(&bytes[kIndexInGroupAt]);
  header.payload_bytes = load<uint32_t>(&bytes[kPayloadBytesAt]);
  header.payload_crc = load<uint32_t>(&bytes[kPayloadCrcAt]);
  header.kind = bytes[kKindAt];
  const bool possible = header.lsn <= kLsnMax && header.index_in_group < kGroupRecordsMax &&
                        header.lsn > header.index_in_group && header.payload_bytes <= kPayloadBytesMax;
  if (!possible) return {};
  return header;
}

std::string segment_name(uint64_t number) { return fmt::format("{:016x}{}", number, kNameSuffix); }

std::optional<uint64_t> segment_number(std::string_view name) {
  if (name.size() != kNumberDigits + kNameSuffix.size() || !name.ends_with(kNameSuffix)) return {};
  uint64_t number = 0;
  const std::string_view digits = name.substr(0, kNumberDigits);
  const char* const end = digits.data() + digits.size();
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the end is given
  const auto read = std::from_chars(digits.data(), end, number, 16);
  if (read.ptr != end || read.ec != std::errc() || number > kNumberMax) return {};
  if (segment_name(number) != name) return {};  // capital letters: not ours
  return number;
}

}  // namespace clew::journal
