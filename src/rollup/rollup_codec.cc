// SPDX-License-Identifier: Apache-2.0
//
// docs/format/rollup.md. Writing sorts: texts first, then keys and cells by the numbers that their texts get from that,
// so equal content has equal bytes. Reading takes nothing for granted, checks each chunk once from end to end, and
// leaves it packed.
#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "codec/crc32c.h"
#include "codec/utf8.h"
#include "codec/varint.h"
#include "rollup/rollup.h"

namespace clew::rollup {
namespace {

constexpr std::string_view kMagic = "CLEWROLL";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kRequiredFeatures = 0;
constexpr size_t kHeaderBytes = 48;
constexpr uint32_t kRedMissing = 1;
constexpr uint32_t kEdgesMissing = 2;
constexpr size_t kDirectoryBytesMax = size_t{64} << 20;
// Two for each series and edge.
constexpr size_t kTextsMax = 2 * (size_t{kSeriesMax} + kEdgesMax);
// Of a chunk in the directory: seven numbers and a checksum.
constexpr size_t kChunkPlaceBytesMin = 7 + sizeof(uint32_t);

Error damaged(std::string_view what) { return {Code::DataLoss, "a roll-up is damaged: " + std::string(what)}; }

}  // namespace

class Encoder {
 public:
  explicit Encoder(const Rollup& rollup) : rollup_(rollup) {}

  std::string run() {
    CHECK(rollup_.packed_.empty());
    sort_texts();
    number_of_series_.assign(rollup_.series_count(), 0);
    number_of_edge_.assign(rollup_.edge_count(), 0);
    const std::string series = sort_series();
    const std::string edges = sort_edges();
    std::string directory = texts();
    directory += series;
    directory += edges;
    append_cells(CellSort::Red, number_of_series_);
    append_cells(CellSort::Edges, number_of_edge_);
    append_places(directory);
    return object(std::move(directory));
  }

 private:
  using SeriesKey = Rollup::SeriesKey;
  using EdgeKey = Rollup::EdgeKey;

  // Which series or edges have a cell that is not zero.
  std::vector<bool> used(CellSort sort) const {
    const Rollup::Part& part = rollup_.part(sort);
    std::vector<bool> used(part.keys.size() - 1);
    for (const Cell& cell : part.cells.cells())
      if (!cell.is_zero()) used[cell.id] = true;
    return used;
  }

  // Calls visit(id, key) for each series or edge that is used.
  template <class Key, class Visit>
  void for_each_key(CellSort sort, Visit visit) const {
    const std::vector<bool> used = this->used(sort);
    for (uint32_t id = 0; id < used.size(); ++id)
      if (used[id]) visit(id, load<Key>(rollup_.part(sort).keys.at(id + 1).data()));
  }

  void sort_texts() {
    std::vector<bool> needed(rollup_.texts_.size());
    for_each_key<SeriesKey>(CellSort::Red,
                            [&](uint32_t, const SeriesKey& key) { needed[key.service] = needed[key.name] = true; });
    for_each_key<EdgeKey>(CellSort::Edges,
                          [&](uint32_t, const EdgeKey& key) { needed[key.caller] = needed[key.callee] = true; });
    for (uint32_t id = 1; id < needed.size(); ++id)
      if (needed[id]) texts_.push_back(id);
    std::ranges::sort(texts_, {}, [&](uint32_t id) { return rollup_.texts_.at(id); });
    number_of_text_.assign(needed.size(), 0);
    for (uint32_t i = 0; i < texts_.size(); ++i) number_of_text_[texts_[i]] = i + 1;
  }

  std::string texts() const {
    std::string out;
    codec::append_varint(out, texts_.size());
    for (const uint32_t id : texts_) codec::append_varint(out, rollup_.texts_.at(id).size());
    for (const uint32_t id : texts_) out += rollup_.texts_.at(id);
    return out;
  }

  std::string sort_series() {
    std::vector<std::pair<SeriesKey, uint32_t>> rows;
    for_each_key<SeriesKey>(CellSort::Red, [&](uint32_t id, SeriesKey key) {
      key.service = number_of_text_[key.service];
      key.name = number_of_text_[key.name];
      rows.emplace_back(key, id);
    });
    std::ranges::sort(rows);
    std::string out;
    codec::append_varint(out, rows.size());
    for (uint32_t i = 0; i < rows.size(); ++i) {
      const SeriesKey& key = rows[i].first;
      number_of_series_[rows[i].second] = i;
      codec::append_varint(out, key.service);
      codec::append_varint(out, key.name);
      append_signed(out, key.kind);
      append_signed(out, key.status_code);
    }
    return out;
  }

  std::string sort_edges() {
    std::vector<std::pair<EdgeKey, uint32_t>> rows;
    for_each_key<EdgeKey>(CellSort::Edges, [&](uint32_t id, EdgeKey key) {
      key.caller = number_of_text_[key.caller];
      key.callee = number_of_text_[key.callee];
      rows.emplace_back(key, id);
    });
    std::ranges::sort(rows);
    std::string out;
    codec::append_varint(out, rows.size());
    for (uint32_t i = 0; i < rows.size(); ++i) {
      const EdgeKey& key = rows[i].first;
      number_of_edge_[rows[i].second] = i;
      codec::append_varint(out, key.caller);
      codec::append_varint(out, key.callee);
      codec::append_varint(out, key.peer);
    }
    return out;
  }

  void append_cells(CellSort sort, const std::vector<uint32_t>& numbers) {
    std::vector<const Cell*> cells;
    for (const Cell& cell : rollup_.part(sort).cells.cells())
      if (!cell.is_zero()) cells.push_back(&cell);
    std::ranges::sort(cells, {}, [&](const Cell* cell) { return std::pair(cell->minute, numbers[cell->id]); });
    ChunkWriter writer(sort);
    for (const Cell* cell : cells) {
      writer.add(*cell, numbers[cell->id]);
      if (writer.is_full()) chunks_.push_back(writer.finish(deflater_, chunk_bytes_));
    }
    if (!writer.empty()) chunks_.push_back(writer.finish(deflater_, chunk_bytes_));
  }

  void append_places(std::string& out) const {
    codec::append_varint(out, chunks_.size());
    for (const Chunk& chunk : chunks_) {
      codec::append_varint(out, static_cast<uint64_t>(chunk.sort));
      codec::append_varint(out, chunk.first_minute);
      codec::append_varint(out, chunk.last_minute - chunk.first_minute);
      codec::append_varint(out, chunk.cells);
      codec::append_varint(out, static_cast<uint64_t>(chunk.coding));
      codec::append_varint(out, chunk.bytes);
      codec::append_varint(out, chunk.inflated_bytes);
      append(out, chunk.crc);
    }
  }

  std::string object(std::string directory) {
    const auto inflated_bytes = static_cast<uint32_t>(directory.size());
    const Coding coding = pack(deflater_, directory);
    std::string out(kMagic);
    append(out, kVersion);
    append(out, kRequiredFeatures);
    append(out, uint32_t{0});
    append(out, (rollup_.red_.overflowed ? kRedMissing : 0) | (rollup_.edges_.overflowed ? kEdgesMissing : 0));
    append(out, static_cast<uint32_t>(directory.size()));
    append(out, inflated_bytes);
    append(out, codec::crc32c(as_bytes(directory)));
    append(out, uint32_t{0});
    append(out, static_cast<uint32_t>(coding));  // and three reserved bytes
    append(out, codec::crc32c(as_bytes(out)));
    CHECK(out.size() == kHeaderBytes);
    out += directory;
    out += chunk_bytes_;
    return out;
  }

  const Rollup& rollup_;
  std::vector<uint32_t> texts_;  // ids in their order
  std::vector<uint32_t> number_of_text_;
  std::vector<uint32_t> number_of_series_;
  std::vector<uint32_t> number_of_edge_;
  codec::Deflater deflater_;
  std::vector<Chunk> chunks_;
  std::string chunk_bytes_;
};

enum class Checksums : uint8_t { Verified, Ignored };

class Decoder {
 public:
  Decoder(Bytes object, Checksums checksums) : object_(object), checksums_(checksums) {}

  Result<Rollup> run() {
    TRY(read_header());
    const Bytes lying = object_.subspan(kHeaderBytes, directory_bytes_);
    if (checksums_ == Checksums::Verified && codec::crc32c(lying) != directory_crc_)
      return damaged("the checksum of its directory does not match");
    codec::Inflater inflater;
    const Bytes directory = TRY(unpack(inflater, directory_coding_, lying, directory_inflated_bytes_));
    next_ = directory.data();
    end_ = next_ + directory.size();
    if (!read_texts() || !read_series() || !read_edges()) return damaged("its directory");
    if (!read_places() || next_ != end_) return damaged("the places of its chunks");
    rollup_.packed_ = as_text(object_);
    TRY(read_chunks(CellSort::Red));
    TRY(read_chunks(CellSort::Edges));
    return std::move(rollup_);
  }

 private:
  Result<void> read_header() {
    if (object_.size() < kHeaderBytes) return damaged("it is too short");
    const uint8_t* header = object_.data();
    if (as_text(object_.first(kMagic.size())) != kMagic) return damaged("it does not begin as one");
    if (checksums_ == Checksums::Verified &&
        codec::crc32c(object_.first(kHeaderBytes - 4)) != load<uint32_t>(header + kHeaderBytes - 4))
      return damaged("the checksum of its header does not match");
    if (load<uint32_t>(header + 8) != kVersion || (load<uint32_t>(header + 12) & ~kRequiredFeatures) != 0 ||
        load<uint32_t>(header + 36) != 0)
      return Error{Code::FailedPrecondition, "a roll-up of a newer program"};
    const auto marks = load<uint32_t>(header + 20);
    rollup_.red_.overflowed = (marks & kRedMissing) != 0;
    rollup_.edges_.overflowed = (marks & kEdgesMissing) != 0;
    directory_bytes_ = load<uint32_t>(header + 24);
    directory_inflated_bytes_ = load<uint32_t>(header + 28);
    directory_crc_ = load<uint32_t>(header + 32);
    directory_coding_ = static_cast<Coding>(header[40]);
    if (header[40] > static_cast<uint8_t>(Coding::Zstd) || directory_inflated_bytes_ > kDirectoryBytesMax ||
        directory_bytes_ > object_.size() - kHeaderBytes)
      return damaged("its header");
    return {};
  }

  size_t left() const { return static_cast<size_t>(end_ - next_); }

  bool number(uint64_t& value, uint64_t most) { return codec::read_varint(next_, end_, value) && value <= most; }

  template <class T>
  bool number(T& value, uint64_t most) {
    uint64_t wide = 0;
    if (!number(wide, most)) return false;
    value = static_cast<T>(wide);
    return true;
  }

  bool signed_number(int32_t& value) {
    uint64_t wide = 0;
    if (!number(wide, UINT32_MAX)) return false;
    value = static_cast<int32_t>(from_zigzag(wide));
    return true;
  }

  bool read_texts() {
    size_t count = 0;
    if (!number(count, std::min<size_t>(left(), kTextsMax))) return false;
    std::vector<uint32_t> lengths(count);
    for (uint32_t& length : lengths) {
      if (!number(length, kTextBytesMax - rollup_.text_bytes_) || length == 0) return false;
      rollup_.text_bytes_ += length;
    }
    if (rollup_.text_bytes_ > left()) return false;
    std::string_view before;
    for (const uint32_t length : lengths) {
      const std::string_view text = as_text({next_, length});
      next_ += length;
      if (text <= before || !codec::valid_utf8(text)) return false;
      rollup_.texts_.intern(text);
      before = text;
    }
    return true;
  }

  template <class Key, class Read>
  bool read_keys(CellSort sort, uint32_t most, Read read) {
    uint32_t count = 0;
    if (!number(count, most)) return false;
    Key before{};
    for (uint32_t i = 0; i < count; ++i) {
      Key key{};
      if (!read(key) || (i > 0 && key <= before)) return false;
      rollup_.part(sort).keys.intern({reinterpret_cast<const char*>(&key), sizeof key});
      before = key;
    }
    return true;
  }

  bool read_series() {
    const uint64_t last_text = rollup_.texts_.size() - 1;
    return read_keys<Rollup::SeriesKey>(CellSort::Red, kSeriesMax, [&](Rollup::SeriesKey& key) {
      return number(key.service, last_text) && number(key.name, last_text) && signed_number(key.kind) &&
             signed_number(key.status_code);
    });
  }

  bool read_edges() {
    const uint64_t last_text = rollup_.texts_.size() - 1;
    return read_keys<Rollup::EdgeKey>(CellSort::Edges, kEdgesMax, [&](Rollup::EdgeKey& key) {
      return number(key.caller, last_text) && number(key.callee, last_text) && number(key.peer, kPeerCount - 1);
    });
  }

  bool read_place(Chunk& chunk) {
    uint32_t minutes = 0;
    if (!number(chunk.sort, 1) || !number(chunk.first_minute, UINT32_MAX) ||
        !number(minutes, UINT32_MAX - chunk.first_minute) || !number(chunk.cells, kChunkCellsMax) ||
        !number(chunk.coding, 1) || !number(chunk.bytes, kChunkBytesMax) ||
        !number(chunk.inflated_bytes, kChunkBytesMax) || chunk.cells == 0 || left() < sizeof chunk.crc)
      return false;
    chunk.last_minute = chunk.first_minute + minutes;
    chunk.crc = load<uint32_t>(next_);
    next_ += sizeof chunk.crc;
    return true;
  }

  bool read_places() {
    uint64_t count = 0;
    if (!number(count, left() / kChunkPlaceBytesMin)) return false;
    size_t offset = kHeaderBytes + directory_bytes_;
    for (uint64_t i = 0; i < count; ++i) {
      Chunk chunk;
      if (!read_place(chunk) || chunk.bytes > object_.size() - offset) return false;
      if (chunk.sort == CellSort::Red && !rollup_.edges_.chunks.empty()) return false;
      chunk.offset = offset;
      offset += chunk.bytes;
      Rollup::Part& part = rollup_.part(chunk.sort);
      part.chunk_cells += chunk.cells;
      if (part.chunk_cells > kCellsMax) return false;
      part.chunks.push_back(chunk);
    }
    return offset == object_.size();
  }

  // Each cell behind the one before, across chunks.
  Result<void> read_chunks(CellSort sort) {
    const Rollup::Part& part = rollup_.part(sort);
    codec::Inflater inflater;
    ChunkReader reader;
    std::optional<std::pair<Minute, uint32_t>> before;
    for (const Chunk& chunk : part.chunks) {
      const Bytes packed = as_bytes(rollup_.packed_).subspan(chunk.offset, chunk.bytes);
      if (checksums_ == Checksums::Verified && codec::crc32c(packed) != chunk.crc)
        return damaged("the checksum of a chunk does not match");
      const Bytes inflated = TRY(unpack(inflater, chunk.coding, packed, chunk.inflated_bytes));
      TRY(reader.read(chunk, inflated, static_cast<uint32_t>(part.keys.size() - 1), Detail::Histograms));
      const CellView first = reader.cell(0);
      if (before && std::pair(first.minute, first.id) <= *before) return damaged("the order of its chunks");
      const CellView last = reader.cell(reader.size() - 1);
      before = {last.minute, last.id};
    }
    return {};
  }

  const Bytes object_;
  const Checksums checksums_;
  Rollup rollup_;
  size_t directory_bytes_ = 0;
  size_t directory_inflated_bytes_ = 0;
  uint32_t directory_crc_ = 0;
  Coding directory_coding_ = Coding::Plain;
  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
};

std::string Rollup::encode() const {
  if (packed_.empty()) return Encoder(*this).run();
  Rollup whole;
  whole.merge(*this);
  return Encoder(whole).run();
}

Result<Rollup> Rollup::decode(Bytes object) { return Decoder(object, Checksums::Verified).run(); }

Result<Rollup> Rollup::decode_unchecked_for_test(Bytes object) { return Decoder(object, Checksums::Ignored).run(); }

}  // namespace clew::rollup
