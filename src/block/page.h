// SPDX-License-Identifier: Apache-2.0
//
// A page is one column of one row group as bytes: its values under the encoding that makes them smallest, chosen from
// the values themselves. A page says how it is encoded, but neither how many values it has (its row group knows) nor
// its checksum (the directory of its row group has it). docs/format/block.md, section "Pages".
//
// Integers are 64-bit patterns. Encodings: constant; frame of reference with bit packing; delta with bit packing; run
// length; byte planes, plain or under zstd; a dictionary of the page. Texts are byte strings with their lengths; beside
// plain bytes and zstd, texts that all are lower-case hex of one length, UUIDs or canonical decimals are kept as
// numbers.
//
// Decoding checks everything: damaged bytes give DataLoss, never more than the count that was asked for.
// Threads: free functions may run on any; an encoder's or decoder's scratch memory belongs to one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace clew::block {

// The values are part of the format.
enum class Encoding : uint8_t {
  Constant = 1,      // one value for all
  BitPacked = 2,     // frame of reference: minimum + packed differences
  Delta = 3,         // first value + packed differences to the value before, themselves with a frame of reference
  RunLength = 4,     // (length, value) runs
  BytePlanes = 5,    // byte 0 of every value, byte 1 of every value …, each plane as it is or under zstd
  Dictionary = 6,    // the distinct values in the order of their first appearance, and their indexes
  PlainText = 16,    // lengths as a page of integers, then the bytes as they are or under zstd
  HexText = 17,      // every text is lower-case hex of one even length: the bytes
  UuidText = 18,     // every text is a lower-case UUID with its dashes: 16 bytes each
  DecimalText = 19,  // every text is a canonical decimal of an int64: a page of integers
  ConstantText = 20,
  DictionaryText = 21,  // as Dictionary
};
std::string_view name_of(Encoding encoding);

// Values of a page; a row group has at most this many rows, and a row at most that many values in one column.
constexpr uint32_t kPageValuesMax = 1u << 24;
// Bytes of the texts of one page, decoded.
constexpr uint64_t kPageTextBytesMax = uint64_t{1} << 30;

struct PageOptions {
  int zstd_level = 1;
};

// Texts one behind the other: text i is bytes [ends[i - 1], ends[i]).
struct TextValues {
  std::vector<uint32_t> ends;
  std::string bytes;

  size_t size() const { return ends.size(); }
  std::string_view operator[](size_t i) const {
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(bytes).substr(begin, ends[i] - begin);
  }
  void push_back(std::string_view text) {
    bytes.append(text);
    ends.push_back(static_cast<uint32_t>(bytes.size()));
  }
  void clear() {
    ends.clear();
    bytes.clear();
  }
};

class PageEncoder {
 public:
  explicit PageEncoder(const PageOptions& options = {});
  ~PageEncoder();

  // Appends the page of `values` to `out`. Returns the encoding it chose.
  Encoding ints(std::span<const uint64_t> values, std::string& out);
  Encoding ints(std::span<const uint32_t> values, std::string& out);
  Encoding texts(const TextValues& values, std::string& out);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

// Of the `of` values of a page those from `first` on; how many is said beside it.
struct PageRange {
  size_t of = 0;
  size_t first = 0;
};

class PageDecoder {
 public:
  PageDecoder();
  ~PageDecoder();

  // out.size() values. DataLoss if the page does not hold exactly that many; for 32-bit values also if one is larger.
  Result<void> ints(Bytes page, std::span<uint64_t> out);
  Result<void> ints(Bytes page, std::span<uint32_t> out);
  // out.size() values of a range, which must lie in the page. Costs less than all of them where the encoding allows.
  // What lies outside of the range is checked only as far as it has to be read.
  Result<void> ints(Bytes page, PageRange range, std::span<uint64_t> out);
  Result<void> ints(Bytes page, PageRange range, std::span<uint32_t> out);
  // Replaces what `out` held. `bytes_max`: more is DataLoss (a claim, not memory, is what it is checked against).
  Result<void> texts(Bytes page, size_t count, TextValues& out, uint64_t bytes_max = kPageTextBytesMax);
  Result<void> texts(Bytes page, PageRange range, size_t count, TextValues& out,
                     uint64_t bytes_max = kPageTextBytesMax);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

// How a page is encoded; nothing if it is empty or says what this program does not know.
std::optional<Encoding> encoding_of(Bytes page);

// Bounds of the values of a page of integers, known without decoding it, and not always reached. Nothing where the page
// does not tell: only constant and bit-packed pages do.
struct IntBounds {
  uint64_t low = 0;
  uint64_t high = 0;  // inclusive
};
std::optional<IntBounds> bounds_of(Bytes page);

}  // namespace clew::block
