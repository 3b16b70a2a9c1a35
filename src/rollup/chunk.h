// SPDX-License-Identifier: Apache-2.0
//
// A chunk is some thousand cells of a roll-up in columns, packed: docs/format/rollup.md, section 2. ChunkWriter makes
// them from cells in order; ChunkReader reads what it wrote, and believes nothing.
// Threads: an object belongs to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/compress.h"
#include "codec/varint.h"
#include "rollup/cell_table.h"
#include "rollup/histogram.h"

namespace clew::rollup {

constexpr uint32_t kChunkCellsMax = 4096;
// A chunk ends with the cell that reaches this.
constexpr size_t kChunkBytesWanted = size_t{1} << 20;
// One cell more: 2,049 buckets of a number (2 bytes) and a count (10), and its other columns.
constexpr size_t kChunkBytesMax = kChunkBytesWanted + (size_t{64} << 10);

// The values are part of the format.
enum class CellSort : uint8_t { Red = 0, Edges = 1 };
enum class Coding : uint8_t { Plain = 0, Zstd = 1 };

// Where a chunk lies and what it holds.
struct Chunk {
  CellSort sort = CellSort::Red;
  Minute first_minute = 0;
  Minute last_minute = 0;
  uint32_t cells = 0;
  Coding coding = Coding::Plain;
  size_t offset = 0;  // in the object
  uint32_t bytes = 0;
  uint32_t inflated_bytes = 0;
  uint32_t crc = 0;
};

// Signed numbers of the format: small ones of either sign take few bytes.
inline void append_signed(std::string& out, int64_t value) {
  codec::append_varint(out, static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));
}
constexpr int64_t from_zigzag(uint64_t value) { return static_cast<int64_t>(value >> 1 ^ (0 - (value & 1))); }

// Zstd where that is smaller.
Coding pack(codec::Deflater& deflater, std::string& bytes);
// Lies in the inflater or is `packed` itself. DataLoss if it is not `inflated_bytes` long.
Result<Bytes> unpack(codec::Inflater& inflater, Coding coding, Bytes packed, size_t inflated_bytes);

// How much of a cell is wanted.
enum class Detail : uint8_t { Counts, Histograms };

// A cell as a reader sees it.
struct CellView {
  Minute minute = 0;
  uint32_t id = 0;  // of the series or edge
  int64_t count = 0;
  int64_t failed = 0;
  HistogramView durations;
};

class ChunkWriter {
 public:
  explicit ChunkWriter(CellSort sort) : sort_(sort) {}

  // `cell` comes behind the last in (minute, id) and is not zero.
  void add(const Cell& cell, uint32_t id);
  bool is_full() const;
  bool empty() const { return cells_ == 0; }
  // The chunk of the cells so far, packed behind `out`, which is where its offset counts from; begins anew.
  Chunk finish(codec::Deflater& deflater, std::string& out);

 private:
  CellSort sort_;
  uint32_t cells_ = 0;
  Minute first_minute_ = 0;
  Minute last_minute_ = 0;
  uint32_t last_id_ = 0;
  uint32_t runs_ = 0;
  uint32_t run_cells_ = 0;
  Minute run_delta_ = 0;
  std::string minutes_;
  std::string keys_, counts_, failed_, zeros_, widths_, buckets_, bucket_counts_, sums_;
};

class ChunkReader {
 public:
  // `ids` is how many series or edges there are. DataLoss if `inflated` is no chunk of that kind.
  Result<void> read(const Chunk& chunk, Bytes inflated, uint32_t ids, Detail detail);
  uint32_t size() const { return static_cast<uint32_t>(cells_.size()); }
  // Valid until the next read.
  CellView cell(uint32_t index) const;

 private:
  struct Entry {
    Minute minute = 0;
    uint32_t id = 0;
    int64_t count = 0;
    int64_t failed = 0;
    int64_t zeros = 0;
    int64_t sum = 0;
    uint32_t first_bucket = 0;
    uint32_t bucket_count = 0;
  };
  class Cursor;
  bool read_keys(Cursor& cursor, const Chunk& chunk, uint32_t ids);
  bool read_counts(Cursor& cursor, CellSort sort);
  bool read_histograms(Cursor& cursor);

  std::vector<Entry> cells_;
  std::vector<Bucket> buckets_;
};

}  // namespace clew::rollup
