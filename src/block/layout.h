// SPDX-License-Identifier: Apache-2.0
//
// The parts of a block that say where the others are, as values, and their bytes: footer, directory, lists; and what
// each fixed column is. Writer and readers meet here; docs/format/block.md sections 1, 3, 5 and 9 are the text of it.
//
// Reading checks everything that can be checked without other parts: counts against bytes and limits, places against
// the file. What comes out can be used without looking twice.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "block/block.h"
#include "block/page.h"
#include "block/schema.h"

namespace clew::block {

constexpr std::string_view kMagic = "CLEWBLCK";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kKnownRequiredFeatures = 0;
constexpr size_t kHeaderBytes = 16;
constexpr size_t kTailBytes = 32;
// What a reader takes at first; footers of blocks of usual size lie in it.
constexpr size_t kSuffixBytes = 64 << 10;
constexpr size_t kIndexPageEntries = 1024;
// Entries of a block's index; a trace has at least one span.
constexpr uint64_t kTracesMax = UINT32_MAX;
// Columns that a directory or footer may name.
constexpr ColumnId kColumnsMax = kFirstAttribute + kAttributeColumnsMax;

std::string header_bytes();

struct Place {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint32_t crc = 0;
};

// Flags of a page.
constexpr uint8_t kCoded = 1;
constexpr uint8_t kHasZone = 2;
constexpr uint8_t kHasFilter = 4;

struct PageEntry {
  ColumnId column = 0;
  uint8_t flags = 0;
  uint32_t value_count = 0;
  Place page;
  Zone zone;
  Place filter;
};

struct Directory {
  std::vector<PageEntry> pages;  // ascending by column once read

  const PageEntry* find(ColumnId column) const;
};

std::string encode_directory(const Directory& directory);
// Of the row group that begins at `offset`; its pages fill it up to `directory_offset`.
Result<Directory> decode_directory(Bytes bytes, uint64_t offset, uint64_t directory_offset);

struct ColumnEntry {
  ColumnFacts facts;
  Place dictionary;
  bool used = false;
};

struct RowGroupEntry {
  RowGroupFacts facts;
  Place directory;
  bool goes_on = false;
};

struct IndexPage {
  uint32_t first_hash = 0;
  Place place;
};

struct FooterContent {
  BlockFacts facts;
  std::vector<ColumnEntry> columns;  // by ColumnId
  std::vector<RowGroupEntry> row_groups;
  Place tables;
  std::vector<IndexPage> index_pages;
  Place filter;
  Place elsewhere;
};

// Footer and tail.
std::string encode_footer(const FooterContent& footer);
// `suffix` is the end of a block of `block_bytes`. The bytes that the footer and tail take, from the tail alone.
Result<uint64_t> footer_bytes(Bytes suffix, uint64_t block_bytes);
// `bytes` are footer and tail, with a checksum that holds.
Result<FooterContent> decode_footer(Bytes bytes, uint64_t block_bytes);

// Lists of numbers or texts, one behind the other: count, length, page.
class ListWriter {
 public:
  explicit ListWriter(PageEncoder& encoder) : encoder_(encoder) {}
  void ints(std::span<const uint32_t> values);
  void ints(std::span<const uint64_t> values);
  void texts(const TextValues& values);
  const std::string& bytes() const { return bytes_; }

 private:
  void put(size_t count);

  PageEncoder& encoder_;
  std::string page_;
  std::string bytes_;
};

class ListReader {
 public:
  ListReader(Bytes bytes, PageDecoder& decoder) : next_(bytes.data()), end_(next_ + bytes.size()), decoder_(decoder) {}
  // More values than `count_max` are DataLoss.
  Result<std::vector<uint32_t>> ints32(uint64_t count_max);
  Result<std::vector<uint64_t>> ints64(uint64_t count_max);
  Result<TextValues> texts(uint64_t count_max);
  bool at_end() const { return next_ == end_; }

 private:
  struct Head {
    uint64_t count;
    Bytes page;
  };
  Result<Head> head(uint64_t count_max);

  const uint8_t* next_;
  const uint8_t* end_;
  PageDecoder& decoder_;
};

Error damaged(std::string_view what);

// Of what a fixed column has one value.
enum class Extent : uint8_t {
  None,  // no such column
  Row,
  Event,
  Link,
  Trace,
  SpilledName,
  RawParent,
  RareSpan,
  RareEvent,
  RareLink
};
enum class Kind : uint8_t { Narrow, Wide, Text };  // numbers below 2^32, numbers, texts

struct FixedInfo {
  Extent extent = Extent::None;
  Kind kind = Kind::Narrow;
};
FixedInfo fixed_info(ColumnId column);

// Are the texts of the column UTF-8, where they have to be?
bool is_valid_text(model::ValueType type, ColumnId column, const TextValues& texts);

// The three columns of a level's rare attributes begin here.
constexpr ColumnId rare_columns(Level level) {
  return level == Level::Span ? kRareSpanKey : level == Level::Event ? kRareEventKey : kRareLinkKey;
}

constexpr uint64_t zigzag(uint64_t difference) { return (difference << 1) ^ (0 - (difference >> 63)); }
constexpr uint64_t unzigzag(uint64_t coded) { return (coded >> 1) ^ (0 - (coded & 1)); }

}  // namespace clew::block
