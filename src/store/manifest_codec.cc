// SPDX-License-Identifier: Apache-2.0
//
// docs/format/manifest.md, sections 2 and 3. Each pair of write and read stands together.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "codec/crc32c.h"
#include "codec/proto_reader.h"
#include "codec/proto_writer.h"
#include "store/manifest.h"

namespace clew::store {
namespace {

using codec::fixed64_tag;
using codec::length_tag;
using codec::ProtoReader;
using codec::ProtoWriter;
using codec::varint_tag;

constexpr std::string_view kMagic = "CLEWMANI";
constexpr uint32_t kFormatVersion = 1;
constexpr uint32_t kKnownRequiredFeatures = 0;
constexpr size_t kHeaderBytes = 64;
constexpr size_t kHeaderCrcOffset = 60;

enum class Kind : uint32_t { Delta = 1, Checkpoint = 2 };

Error damaged(std::string_view what) { return {Code::DataLoss, fmt::format("manifest damaged: {}", what)}; }

std::string seal_envelope(Kind kind, uint64_t number, const std::string& content) {
  std::array<uint8_t, kHeaderBytes> header{};
  std::copy(kMagic.begin(), kMagic.end(), header.begin());
  put(&header[8], kFormatVersion);
  put(&header[20], static_cast<uint32_t>(kind));
  put(&header[24], number);
  put(&header[36], static_cast<uint32_t>(content.size()));
  put(&header[40], codec::crc32c(as_bytes(content)));
  put(&header[kHeaderCrcOffset], codec::crc32c(Bytes(header).first(kHeaderCrcOffset)));
  return std::string(as_text(header)) + content;
}

struct Envelope {
  uint64_t number = 0;
  Bytes content;
};

Result<Envelope> open_envelope(Kind kind, Bytes bytes) {
  if (bytes.size() < kHeaderBytes) return damaged("it is shorter than a header");
  if (as_text(bytes.first(kMagic.size())) != kMagic) return damaged("not a manifest's object");
  if (load<uint32_t>(&bytes[kHeaderCrcOffset]) != codec::crc32c(bytes.first(kHeaderCrcOffset)))
    return damaged("the checksum of the header is wrong");
  const auto version = load<uint32_t>(&bytes[8]);
  const auto required = load<uint32_t>(&bytes[12]);
  const auto key = load<uint32_t>(&bytes[32]);
  if (version != kFormatVersion || (required & ~kKnownRequiredFeatures) != 0 || key != 0)
    return Error(Code::FailedPrecondition, fmt::format("a newer program has written the manifest (version {}, "
                                                       "features {:x}, key {})",
                                                       version, required, key));
  if (load<uint32_t>(&bytes[20]) != static_cast<uint32_t>(kind)) return damaged("another kind of object");
  const Envelope envelope{load<uint64_t>(&bytes[24]), bytes.subspan(kHeaderBytes)};
  if (envelope.content.size() != load<uint32_t>(&bytes[36])) return damaged("the length is wrong");
  if (codec::crc32c(envelope.content) != load<uint32_t>(&bytes[40])) return damaged("the checksum is wrong");
  if (envelope.number == 0 || envelope.number == UINT64_MAX) return damaged("an impossible number");
  return envelope;
}

// A number that is not its field's default.
void write_number(ProtoWriter& writer, uint32_t field, uint64_t value) {
  if (value != 0) writer.varint(field, value);
}

// Calls `on_field` for each field; true if all of it could be read and `on_field` always said so.
template <class OnField>
bool read_fields(Bytes message, OnField on_field) {
  ProtoReader reader(message);
  while (reader.next_tag())
    if (!on_field(reader)) return false;
  return !reader.failed();
}

// Reads a sub-message by `read` into a new last element of `into`, of which there may be `count_max`.
template <class T, class Read>
bool read_element(ProtoReader& reader, std::vector<T>& into, size_t count_max, Read read) {
  Bytes message;
  return into.size() < count_max && reader.read_bytes(message) && read(message, into.emplace_back());
}

bool read_id(ProtoReader& reader, std::vector<ObjectId>& into, size_t count_max) {
  return into.size() < count_max && reader.read_uint64(into.emplace_back());
}

void write_block(ProtoWriter& writer, const BlockEntry& block) {
  // Who adds a field to the facts does not compile until it is in the manifest, too.
  [[maybe_unused]] const auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9] = block.facts;
  const block::BlockFacts& facts = block.facts;
  writer.varint(1, block.id);
  write_number(writer, 2, block.level);
  writer.varint(3, facts.span_count);
  writer.varint(4, facts.trace_count);
  write_number(writer, 5, facts.elsewhere_count);
  writer.varint(6, facts.bytes);
  writer.varint(7, facts.row_group_count);
  for (const block::TimeInterval& interval : facts.intervals)
    writer.message(8, [&] {
      writer.fixed64(1, interval.start);
      writer.fixed64(2, interval.end);
    });
  writer.fixed64(9, facts.newest_order_time);
  writer.fixed64(10, facts.first_arrival);
  writer.fixed64(11, facts.last_arrival);
}

bool read_interval(Bytes message, block::TimeInterval& interval) {
  return read_fields(message, [&](ProtoReader& reader) {
    switch (reader.tag()) {
      case fixed64_tag(1):
        return reader.read_fixed64(interval.start);
      case fixed64_tag(2):
        return reader.read_fixed64(interval.end);
      default:
        return reader.skip();
    }
  });
}

bool read_block(Bytes message, BlockEntry& block) {
  block::BlockFacts& facts = block.facts;
  return read_fields(message, [&](ProtoReader& reader) {
    switch (reader.tag()) {
      case varint_tag(1):
        return reader.read_uint64(block.id);
      case varint_tag(2):
        return reader.read_uint32(block.level);
      case varint_tag(3):
        return reader.read_uint64(facts.span_count);
      case varint_tag(4):
        return reader.read_uint64(facts.trace_count);
      case varint_tag(5):
        return reader.read_uint64(facts.elsewhere_count);
      case varint_tag(6):
        return reader.read_uint64(facts.bytes);
      case varint_tag(7):
        return reader.read_uint32(facts.row_group_count);
      case length_tag(8):
        return read_element(reader, facts.intervals, block::kIntervalsMax, read_interval);
      case fixed64_tag(9):
        return reader.read_fixed64(facts.newest_order_time);
      case fixed64_tag(10):
        return reader.read_fixed64(facts.first_arrival);
      case fixed64_tag(11):
        return reader.read_fixed64(facts.last_arrival);
      default:
        return reader.skip();
    }
  });
}

void write_rollup(ProtoWriter& writer, const RollupEntry& rollup) {
  writer.varint(1, rollup.id);
  write_number(writer, 2, rollup.level);
  writer.varint(3, rollup.bytes);
  writer.varint(4, rollup.first_minute);
  writer.varint(5, rollup.last_minute);
}

bool read_rollup(Bytes message, RollupEntry& rollup) {
  return read_fields(message, [&](ProtoReader& reader) {
    switch (reader.tag()) {
      case varint_tag(1):
        return reader.read_uint64(rollup.id);
      case varint_tag(2):
        return reader.read_uint32(rollup.level);
      case varint_tag(3):
        return reader.read_uint64(rollup.bytes);
      case varint_tag(4):
        return reader.read_uint64(rollup.first_minute);
      case varint_tag(5):
        return reader.read_uint64(rollup.last_minute);
      default:
        return reader.skip();
    }
  });
}

void write_seal(ProtoWriter& writer, const SealState& seal) {
  writer.varint(1, seal.sealed_to);
  for (const Carried& carried : seal.carried)
    writer.message(2, [&] {
      std::array<uint8_t, model::TraceId::kBytes> id;
      carried.trace.to_bytes(id.data());
      writer.bytes(1, id);
      writer.varint(2, carried.first_lsn);
    });
}

bool read_carried(Bytes message, Carried& carried) {
  return read_fields(message, [&](ProtoReader& reader) {
    switch (reader.tag()) {
      case length_tag(1): {
        Bytes id;
        if (!reader.read_bytes(id) || id.size() != model::TraceId::kBytes) return false;
        carried.trace = model::TraceId::from_bytes(id.data());
        return true;
      }
      case varint_tag(2):
        return reader.read_uint64(carried.first_lsn);
      default:
        return reader.skip();
    }
  });
}

// A field of proto3 that comes twice: the last one counts.
bool read_seal(ProtoReader& reader, SealState& seal) {
  Bytes message;
  if (!reader.read_bytes(message)) return false;
  seal = {};
  return read_fields(message, [&](ProtoReader& fields) {
    switch (fields.tag()) {
      case varint_tag(1):
        return fields.read_uint64(seal.sealed_to);
      case length_tag(2):
        return read_element(fields, seal.carried, kCarriedMax, read_carried);
      default:
        return fields.skip();
    }
  });
}

bool read_removal(ProtoReader& reader, Removal& removal) {
  uint64_t value = 0;
  if (!reader.read_uint64(value) || value > static_cast<uint64_t>(Removal::Damaged)) return false;
  removal = static_cast<Removal>(value);
  return true;
}

// False unless the ids ascend, begin at 1 and leave room for one more.
template <class T>
bool to_map(std::vector<T> entries, std::map<ObjectId, T>& map) {
  for (T& entry : entries) {
    const ObjectId id = entry.id;
    if (id <= (map.empty() ? 0 : map.rbegin()->first) || id == UINT64_MAX) return false;
    map.emplace_hint(map.end(), id, std::move(entry));
  }
  return true;
}

bool is_consistent(const ManifestState& state) {
  for (const auto& [id, block] : state.set_aside)
    if (state.blocks.contains(id)) return false;
  for (const auto& [id, rollup] : state.rollups)
    if (state.blocks.contains(id) || state.set_aside.contains(id)) return false;
  const auto is_below = [&](const auto& map) { return map.empty() || map.rbegin()->first < state.next_id; };
  return state.next_id > 0 && is_below(state.blocks) && is_below(state.rollups) && is_below(state.set_aside) &&
         state.blocks.size() + state.set_aside.size() <= kBlocksMax;
}

}  // namespace

std::string encode_delta(uint64_t version, const Delta& delta) {
  std::string content;
  ProtoWriter writer(content);
  for (const BlockEntry& block : delta.added_blocks) writer.message(1, [&] { write_block(writer, block); });
  for (const ObjectId id : delta.removed_blocks) writer.varint(2, id);
  write_number(writer, 3, static_cast<uint64_t>(delta.removal));
  for (const RollupEntry& rollup : delta.added_rollups) writer.message(4, [&] { write_rollup(writer, rollup); });
  for (const ObjectId id : delta.removed_rollups) writer.varint(5, id);
  if (delta.seal) writer.message(6, [&] { write_seal(writer, *delta.seal); });
  write_number(writer, 7, delta.lost_spans);
  return seal_envelope(Kind::Delta, version, content);
}

Result<VersionedDelta> decode_delta(Bytes bytes) {
  const Envelope envelope = TRY(open_envelope(Kind::Delta, bytes));
  VersionedDelta result;
  result.version = envelope.number;
  Delta& delta = result.delta;
  const bool read = read_fields(envelope.content, [&](ProtoReader& reader) {
    switch (reader.tag()) {
      case length_tag(1):
        return read_element(reader, delta.added_blocks, kBlocksMax, read_block);
      case varint_tag(2):
        return read_id(reader, delta.removed_blocks, kBlocksMax);
      case varint_tag(3):
        return read_removal(reader, delta.removal);
      case length_tag(4):
        return read_element(reader, delta.added_rollups, kRollupsMax, read_rollup);
      case varint_tag(5):
        return read_id(reader, delta.removed_rollups, kRollupsMax);
      case length_tag(6):
        return read_seal(reader, delta.seal.emplace());
      case varint_tag(7):
        return reader.read_uint64(delta.lost_spans);
      default:
        return reader.skip();
    }
  });
  if (!read) return damaged("a delta of wrong fields");
  return result;
}

std::string encode_checkpoint(const ManifestState& state) {
  std::string content;
  ProtoWriter writer(content);
  writer.varint(1, state.next_id);
  for (const auto& entry : state.blocks) writer.message(2, [&] { write_block(writer, entry.second); });
  for (const auto& entry : state.rollups) writer.message(3, [&] { write_rollup(writer, entry.second); });
  for (const auto& entry : state.set_aside) writer.message(4, [&] { write_block(writer, entry.second); });
  writer.message(5, [&] { write_seal(writer, state.seal); });
  write_number(writer, 6, state.spans_removed_by_retention);
  write_number(writer, 7, state.spans_set_aside);
  return seal_envelope(Kind::Checkpoint, state.version, content);
}

Result<ManifestState> decode_checkpoint(Bytes bytes) {
  const Envelope envelope = TRY(open_envelope(Kind::Checkpoint, bytes));
  ManifestState state;
  state.version = envelope.number;
  std::vector<BlockEntry> blocks;
  std::vector<RollupEntry> rollups;
  std::vector<BlockEntry> set_aside;
  const bool read = read_fields(envelope.content, [&](ProtoReader& reader) {
    switch (reader.tag()) {
      case varint_tag(1):
        return reader.read_uint64(state.next_id);
      case length_tag(2):
        return read_element(reader, blocks, kBlocksMax, read_block);
      case length_tag(3):
        return read_element(reader, rollups, kRollupsMax, read_rollup);
      case length_tag(4):
        return read_element(reader, set_aside, kBlocksMax, read_block);
      case length_tag(5):
        return read_seal(reader, state.seal);
      case varint_tag(6):
        return reader.read_uint64(state.spans_removed_by_retention);
      case varint_tag(7):
        return reader.read_uint64(state.spans_set_aside);
      default:
        return reader.skip();
    }
  });
  if (!read || !to_map(std::move(blocks), state.blocks) || !to_map(std::move(rollups), state.rollups) ||
      !to_map(std::move(set_aside), state.set_aside) || !is_consistent(state))
    return damaged("a checkpoint of wrong fields");
  return state;
}

}  // namespace clew::store
