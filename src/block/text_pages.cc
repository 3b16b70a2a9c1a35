// SPDX-License-Identifier: Apache-2.0
#include "block/text_pages.h"

#include <algorithm>

#include "block/filter.h"

namespace clew::block {
namespace {

// A row group may bring this share of its values as new texts before the dictionary does not pay any more: a text that
// is used four times costs less as an entry and four codes.
constexpr uint64_t kFreshDivisor = 4;
// Few values are not worth a filter, however different they are.
constexpr uint64_t kFreshAlways = 16;

}  // namespace

// Numbers the distinct ids in the order of their first use: values_ are these numbers.
void TextPages::number(const model::InternTable& table, std::span<const uint32_t> ids) {
  ++generation_;
  if (memos_.size() < table.size()) memos_.resize(table.size());
  distinct_.clear();
  values_.resize(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    Memo& memo = memos_[ids[i]];
    if (memo.made != generation_) {
      memo = {generation_, static_cast<uint32_t>(distinct_.size())};
      distinct_.push_back(ids[i]);
    }
    values_[i] = memo.number;
  }
}

bool TextPages::has_room(const TextSet& dictionary, uint64_t fresh, uint64_t fresh_bytes) const {
  return dictionary.texts().size() + fresh <= options_.dictionary_entries_max &&
         dictionary.texts().bytes.size() + fresh_bytes <= options_.dictionary_bytes_max &&
         dictionary_bytes_ + fresh_bytes <= kDictionariesBytesMax;
}

// Fills hashes_ and codes_ and says whether the page should be coded.
bool TextPages::look_up(const TextSet& dictionary, const model::InternTable& table) {
  hashes_.resize(distinct_.size());
  codes_.resize(distinct_.size());
  uint64_t fresh = 0;
  uint64_t fresh_bytes = 0;
  for (size_t i = 0; i < distinct_.size(); ++i) {
    const std::string_view text = table.at(distinct_[i]);
    hashes_[i] = filter_hash(text);
    codes_[i] = dictionary.find(text, hashes_[i]);
    if (codes_[i] != kNoText) continue;
    ++fresh;
    fresh_bytes += text.size();
  }
  return fresh <= std::max<uint64_t>(kFreshAlways, values_.size() / kFreshDivisor) &&
         has_room(dictionary, fresh, fresh_bytes);
}

Result<TextPages::Made> TextPages::encode(ColumnId column, const model::InternTable& table,
                                          std::span<const uint32_t> ids, std::string& out) {
  if (dictionaries_.size() <= column) dictionaries_.resize(column + 1);
  TextSet& dictionary = dictionaries_[column];
  number(table, ids);
  if (look_up(dictionary, table)) {
    for (size_t i = 0; i < distinct_.size(); ++i) {
      if (codes_[i] != kNoText) continue;
      const std::string_view text = table.at(distinct_[i]);
      dictionary_bytes_ += text.size();
      codes_[i] = dictionary.add(text, hashes_[i]);
    }
    for (uint32_t& value : values_) value = codes_[value];
    encoder_.ints(std::span<const uint32_t>(values_), out);
    return Made{.coded = true, .filter = {}};
  }
  uint64_t bytes = 0;
  for (const uint32_t id : ids) bytes += table.at(id).size();
  if (bytes > kPageTextBytesMax) return Error(Code::ResourceExhausted, "texts of a row group take more than a page");
  texts_.clear();
  texts_.bytes.reserve(bytes);
  for (const uint32_t id : ids) texts_.push_back(table.at(id));
  return Made{.coded = false, .filter = TRY(encode_texts(texts_, hashes_, out))};
}

Result<TextPages::Made> TextPages::encode_plain(const TextValues& texts, std::string& out) {
  hashes_.resize(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) hashes_[i] = filter_hash(texts[i]);
  std::ranges::sort(hashes_);
  hashes_.erase(std::ranges::unique(hashes_).begin(), hashes_.end());
  return Made{.coded = false, .filter = TRY(encode_texts(texts, hashes_, out))};
}

Result<std::string> TextPages::encode_texts(const TextValues& texts, std::span<const uint64_t> hashes,
                                            std::string& out) {
  if (texts.bytes.size() > kPageTextBytesMax)
    return Error(Code::ResourceExhausted, "texts of a row group take more than a page");
  encoder_.texts(texts, out);
  if (!options_.page_filters) return std::string();
  FilterBuilder filter(hashes.size());
  for (const uint64_t hash : hashes) filter.add(hash);
  return filter.bytes();
}

const TextValues& TextPages::dictionary(ColumnId column) const {
  static const TextSet none;
  return column < dictionaries_.size() ? dictionaries_[column].texts() : none.texts();
}

uint64_t TextPages::memory_bytes() const {
  uint64_t bytes = memos_.capacity() * sizeof(Memo) + texts_.bytes.capacity() + values_.capacity() * 8;
  for (const TextSet& dictionary : dictionaries_) bytes += dictionary.memory_bytes() + sizeof(TextSet);
  return bytes;
}

}  // namespace clew::block
