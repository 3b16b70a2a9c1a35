// SPDX-License-Identifier: Apache-2.0
//
// Some rows of a row group, with what it takes to read them, and how often they have which template or resource.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "block/block.h"

namespace clew::scan {

struct BlockRows {
  const block::Block& block;
  const block::Tables& tables;
  block::RowGroup& group;
  std::span<const uint32_t> rows;
};

// How many of some things with small numbers there are; clear() costs what was added, not what there may be.
class Tally {
 public:
  void reserve(size_t things) {
    if (counts_.size() < things) counts_.resize(things);
  }
  void add(uint32_t thing, uint32_t count = 1) {
    if (counts_[thing] == 0) seen_.push_back(thing);
    counts_[thing] += count;
  }
  // Calls visit(thing, count) for each, and forgets them.
  template <class Visit>
  void take(Visit visit) {
    for (const uint32_t thing : seen_) {
      visit(thing, counts_[thing]);
      counts_[thing] = 0;
    }
    seen_.clear();
  }

 private:
  std::vector<uint32_t> counts_;
  std::vector<uint32_t> seen_;
};

// Rare attributes: the columns of a level, and how many a shape has.
struct RareColumns {
  block::FixedColumn key;
  block::FixedColumn type;
  block::FixedColumn value;
};
constexpr RareColumns rare_columns(block::Level level) {
  switch (level) {
    case block::Level::Event:
      return {block::kRareEventKey, block::kRareEventType, block::kRareEventValue};
    case block::Level::Link:
      return {block::kRareLinkKey, block::kRareLinkType, block::kRareLinkValue};
    default:
      return {block::kRareSpanKey, block::kRareSpanType, block::kRareSpanValue};
  }
}

// The texts of a column of a row group, coded or not.
class TextColumn {
 public:
  // Without values where the row group has none.
  static Result<TextColumn> read(const block::Block& block, block::RowGroup& group, block::ColumnId id) {
    TextColumn column;
    if (!group.has(id)) return column;
    if (group.is_coded(id)) {
      column.codes_ = TRY(group.codes(id));
      column.dictionary_ = TRY(block.dictionary(id));
    } else {
      column.texts_ = TRY(group.texts(id));
    }
    return column;
  }
  bool is_empty() const { return dictionary_ == nullptr && texts_ == nullptr; }
  // Null: it is not coded.
  const block::Dictionary* dictionary() const { return dictionary_.get(); }
  uint32_t code(uint32_t at) const { return codes_[at]; }
  std::string_view operator[](uint32_t at) const {
    return texts_ != nullptr ? (*texts_)[at] : (*dictionary_)[codes_[at]];
  }

 private:
  std::span<const uint32_t> codes_;
  std::shared_ptr<const block::Dictionary> dictionary_;
  const block::TextValues* texts_ = nullptr;
};

}  // namespace clew::scan
