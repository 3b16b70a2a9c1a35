// SPDX-License-Identifier: Apache-2.0
//
// The pages of texts, for page.h. A page of texts may hold pages of integers, and a dictionary one more page of texts.
//
// Threads: each object belongs to one encoder or decoder.
#pragma once

#include <string>
#include <vector>

#include "block/page.h"
#include "block/page_ints.h"
#include "block/page_parts.h"

namespace clew::block {

class TextsEncoder {
 public:
  TextsEncoder(ZstdWriter& zstd, IntsEncoder& ints) : zstd_(zstd), ints_(ints) {}

  Encoding append(const TextValues& texts, Nesting nesting, std::string& out);

 private:
  // The distinct texts into distinct_, and which of them each is into codes_; false if they are too many.
  bool find_distinct(const TextValues& texts);
  void append_dictionary(std::string& out);
  void append_form(const TextValues& texts, Encoding form, std::string& out);
  void append_plain(const TextValues& texts, std::string& out);
  void append_uuids(const TextValues& texts, std::string& out);
  void append_hex(const TextValues& texts, std::string& out);
  template <class T>
  void append_sized(std::span<const T> numbers, std::string& out);

  ZstdWriter& zstd_;
  IntsEncoder& ints_;
  TextValues distinct_;
  std::vector<uint32_t> codes_;
  std::vector<uint32_t> slots_;
  std::vector<uint64_t> numbers_;
  std::vector<uint64_t> low_numbers_;
  std::vector<uint32_t> lengths_;
  std::vector<uint8_t> bytes_;
  std::string dictionary_page_;
  std::string inner_page_;
  std::string numbers_page_;
};

class TextsDecoder {
 public:
  TextsDecoder(ZstdReader& zstd, IntsDecoder& ints) : zstd_(zstd), ints_(ints) {}

  // `out` is empty; after an error it holds anything.
  Result<void> read(Bytes page, Nesting nesting, PageRange range, size_t count, uint64_t bytes_max, TextValues& out);

 private:
  Result<void> read_constant(PageCursor body, size_t count, uint64_t bytes_max, TextValues& out);
  Result<void> read_plain(PageCursor body, PageRange range, size_t count, uint64_t bytes_max, TextValues& out);
  Result<void> read_hex(PageCursor body, PageRange range, size_t count, uint64_t bytes_max, TextValues& out);
  Result<void> read_uuids(PageCursor body, PageRange range, size_t count, uint64_t bytes_max, TextValues& out);
  Result<void> read_decimals(PageCursor body, PageRange range, size_t count, uint64_t bytes_max, TextValues& out);
  Result<void> read_dictionary(PageCursor body, PageRange range, size_t count, uint64_t bytes_max, TextValues& out);
  // The rest of the page as `bytes` bytes; they lie in the page, or in bytes_ until the next call.
  Result<Bytes> stored(PageCursor body, uint64_t bytes);

  ZstdReader& zstd_;
  IntsDecoder& ints_;
  TextValues distinct_;
  ScratchOf<uint64_t> numbers_;
  ScratchOf<uint64_t> low_numbers_;
  ScratchOf<uint32_t> codes_;  // or versions of UUIDs
  ScratchOf<uint8_t> bytes_;
};

}  // namespace clew::block
