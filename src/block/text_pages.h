// SPDX-License-Identifier: Apache-2.0
//
// Writes pages of text columns: coded while the column's dictionary stays small and the row group brings few new texts,
// plain with a filter otherwise. A value is a number of the batch's table of texts; each distinct text of a page is
// hashed once, so a value costs one look into an array.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "block/page.h"
#include "block/schema.h"
#include "block/text_index.h"
#include "block/writer.h"
#include "model/intern_table.h"

namespace clew::block {

class TextPages {
 public:
  TextPages(const WriterOptions& options, PageEncoder& encoder) : options_(options), encoder_(encoder) {}

  struct Made {
    bool coded = false;
    std::string filter;  // empty: none
  };
  // Appends the page of the texts `ids` of `table` to `out`. ResourceExhausted if a plain page would be too large.
  Result<Made> encode(ColumnId column, const model::InternTable& table, std::span<const uint32_t> ids,
                      std::string& out);
  Result<Made> encode_plain(const TextValues& texts, std::string& out);

  // Empty for a column without one.
  const TextValues& dictionary(ColumnId column) const;
  ColumnId column_count() const { return static_cast<ColumnId>(dictionaries_.size()); }
  uint64_t memory_bytes() const;

 private:
  struct Memo {
    uint32_t made = 0;
    uint32_t number = 0;
  };

  void number(const model::InternTable& table, std::span<const uint32_t> ids);
  bool look_up(const TextSet& dictionary, const model::InternTable& table);
  bool has_room(const TextSet& dictionary, uint64_t fresh, uint64_t fresh_bytes) const;
  Result<std::string> encode_texts(const TextValues& texts, std::span<const uint64_t> hashes, std::string& out);

  const WriterOptions options_;
  PageEncoder& encoder_;
  std::vector<TextSet> dictionaries_;  // by ColumnId
  uint64_t dictionary_bytes_ = 0;      // of all

  // Of the page at hand.
  uint32_t generation_ = 0;
  std::vector<Memo> memos_;         // by number in the table
  std::vector<uint32_t> distinct_;  // numbers in the table
  std::vector<uint64_t> hashes_;    // of distinct_
  std::vector<uint32_t> codes_;     // of distinct_; kNoText: not in the dictionary
  std::vector<uint32_t> values_;
  TextValues texts_;
};

}  // namespace clew::block
