// SPDX-License-Identifier: Apache-2.0
#include "rollup/chunk.h"

#include "codec/crc32c.h"

namespace clew::rollup {

using codec::append_varint;

Coding pack(codec::Deflater& deflater, std::string& bytes) {
  std::string packed = deflater.deflate(codec::Encoding::Zstd, bytes);
  if (packed.size() >= bytes.size()) return Coding::Plain;
  bytes = std::move(packed);
  return Coding::Zstd;
}

Result<Bytes> unpack(codec::Inflater& inflater, Coding coding, Bytes packed, size_t inflated_bytes) {
  Bytes bytes = packed;
  if (coding == Coding::Zstd) {
    Result<Bytes> inflated = inflater.inflate(codec::Encoding::Zstd, packed, inflated_bytes);
    if (!inflated.ok()) return Error{Code::DataLoss, inflated.error().what()};
    bytes = *inflated;
  }
  if (bytes.size() != inflated_bytes) return Error{Code::DataLoss, "a part of a roll-up has another length"};
  return bytes;
}

void ChunkWriter::add(const Cell& cell, uint32_t id) {
  if (cells_ == 0) first_minute_ = last_minute_ = cell.minute;
  if (run_cells_ > 0 && cell.minute != last_minute_) {
    append_varint(minutes_, run_delta_);
    append_varint(minutes_, run_cells_);
    run_delta_ = cell.minute - last_minute_;
    run_cells_ = 0;
    ++runs_;
  }
  append_varint(keys_, run_cells_ == 0 ? id : id - last_id_ - 1);
  append_signed(counts_, cell.durations.count());
  if (sort_ == CellSort::Edges) append_signed(failed_, cell.failed);
  append_signed(zeros_, cell.durations.zero_count);
  append_varint(widths_, cell.durations.buckets.size());
  int before = kBucketMin - 1;
  for (const Bucket& bucket : cell.durations.buckets) {
    append_varint(buckets_, static_cast<uint64_t>(bucket.index - before - 1));
    append_signed(bucket_counts_, bucket.count);
    before = bucket.index;
  }
  append_signed(sums_, cell.durations.sum_nanos);
  last_minute_ = cell.minute;
  last_id_ = id;
  ++run_cells_;
  ++cells_;
}

bool ChunkWriter::is_full() const {
  return cells_ >= kChunkCellsMax || minutes_.size() + keys_.size() + counts_.size() + failed_.size() + zeros_.size() +
                                             widths_.size() + buckets_.size() + bucket_counts_.size() + sums_.size() >=
                                         kChunkBytesWanted;
}

Chunk ChunkWriter::finish(codec::Deflater& deflater, std::string& out) {
  append_varint(minutes_, run_delta_);
  append_varint(minutes_, run_cells_);
  std::string bytes;
  append_varint(bytes, runs_ + 1);
  for (const std::string* column :
       {&minutes_, &keys_, &counts_, &failed_, &zeros_, &widths_, &buckets_, &bucket_counts_, &sums_})
    bytes += *column;
  Chunk chunk{.sort = sort_, .first_minute = first_minute_, .last_minute = last_minute_, .cells = cells_};
  chunk.inflated_bytes = static_cast<uint32_t>(bytes.size());
  chunk.coding = pack(deflater, bytes);
  chunk.offset = out.size();
  chunk.bytes = static_cast<uint32_t>(bytes.size());
  chunk.crc = codec::crc32c(as_bytes(bytes));
  out += bytes;
  *this = ChunkWriter(sort_);
  return chunk;
}

class ChunkReader::Cursor {
 public:
  explicit Cursor(Bytes bytes) : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // Zero, and not ok from then on, where there is no number of at most `most`.
  uint64_t number(uint64_t most = UINT64_MAX) {
    uint64_t value = 0;
    ok_ = ok_ && codec::read_varint(next_, end_, value) && value <= most;
    return ok_ ? value : 0;
  }
  int64_t signed_number() { return from_zigzag(number()); }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && next_ == end_; }
  size_t left() const { return static_cast<size_t>(end_ - next_); }

 private:
  const uint8_t* next_;
  const uint8_t* end_;
  bool ok_ = true;
};

bool ChunkReader::read_keys(Cursor& cursor, const Chunk& chunk, uint32_t ids) {
  const uint64_t runs = cursor.number(chunk.cells);
  uint64_t minute = chunk.first_minute;
  for (uint64_t run = 0; run < runs; ++run) {
    const uint64_t delta = cursor.number(UINT32_MAX);
    const uint64_t cells = cursor.number(chunk.cells - cells_.size());
    minute += delta;
    if (!cursor.ok() || cells == 0 || minute > chunk.last_minute || (delta == 0) != (run == 0)) return false;
    cells_.resize(cells_.size() + cells, Entry{.minute = static_cast<Minute>(minute)});
  }
  if (cells_.size() != chunk.cells || minute != chunk.last_minute) return false;
  for (size_t i = 0; i < cells_.size(); ++i) {
    const bool first = i == 0 || cells_[i].minute != cells_[i - 1].minute;
    const uint64_t id = cursor.number(UINT32_MAX) + (first ? 0 : uint64_t{cells_[i - 1].id} + 1);
    if (!cursor.ok() || id >= ids) return false;
    cells_[i].id = static_cast<uint32_t>(id);
  }
  return true;
}

bool ChunkReader::read_counts(Cursor& cursor, CellSort sort) {
  for (Entry& cell : cells_) cell.count = cursor.signed_number();
  if (sort == CellSort::Edges)
    for (Entry& cell : cells_) cell.failed = cursor.signed_number();
  return cursor.ok();
}

bool ChunkReader::read_histograms(Cursor& cursor) {
  constexpr uint64_t kWidthMax = kBucketMax - kBucketMin + 1;
  for (Entry& cell : cells_) cell.zeros = cursor.signed_number();
  size_t buckets = 0;
  for (Entry& cell : cells_) {
    cell.first_bucket = static_cast<uint32_t>(buckets);
    cell.bucket_count = static_cast<uint32_t>(cursor.number(kWidthMax));
    buckets += cell.bucket_count;
  }
  if (!cursor.ok() || buckets > cursor.left()) return false;
  buckets_.resize(buckets);
  for (const Entry& cell : cells_) {
    int64_t index = kBucketMin - 1;
    for (uint32_t i = 0; i < cell.bucket_count; ++i) {
      index += static_cast<int64_t>(cursor.number(kWidthMax)) + 1;
      if (index > kBucketMax) return false;
      buckets_[cell.first_bucket + i].index = static_cast<int16_t>(index);
    }
  }
  for (Entry& cell : cells_) {
    int64_t count = cell.zeros;
    for (uint32_t i = 0; i < cell.bucket_count; ++i) {
      Bucket& bucket = buckets_[cell.first_bucket + i];
      bucket.count = cursor.signed_number();
      if (bucket.count == 0) return false;
      count = wrapping_add(count, bucket.count);
    }
    if (count != cell.count) return false;
  }
  for (Entry& cell : cells_) {
    cell.sum = cursor.signed_number();
    if (cell.zeros == 0 && cell.bucket_count == 0 && cell.sum == 0 && cell.failed == 0) return false;
  }
  return cursor.at_end();
}

Result<void> ChunkReader::read(const Chunk& chunk, Bytes inflated, uint32_t ids, Detail detail) {
  Cursor cursor(inflated);
  cells_.clear();
  buckets_.clear();
  if (!read_keys(cursor, chunk, ids) || !read_counts(cursor, chunk.sort) ||
      (detail == Detail::Histograms && !read_histograms(cursor)))
    return Error{Code::DataLoss, "a chunk of a roll-up is damaged"};
  return {};
}

CellView ChunkReader::cell(uint32_t index) const {
  const Entry& cell = cells_[index];
  CellView view{.minute = cell.minute, .id = cell.id, .count = cell.count, .failed = cell.failed, .durations = {}};
  if (!buckets_.empty() || cell.zeros != 0 || cell.sum != 0) {
    view.durations = {cell.zeros, cell.sum, std::span(buckets_).subspan(cell.first_bucket, cell.bucket_count)};
  }
  return view;
}

}  // namespace clew::rollup
