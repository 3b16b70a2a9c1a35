// SPDX-License-Identifier: Apache-2.0
#include "block/text_index.h"

#include <bit>

#include "block/filter.h"

namespace clew::block {
namespace {

constexpr size_t kSlotsMin = 16;

void put(std::vector<uint32_t>& slots, uint64_t hash, uint32_t number) {
  const size_t mask = slots.size() - 1;
  size_t at = hash & mask;
  while (slots[at] != kNoText) at = (at + 1) & mask;
  slots[at] = number;
}

}  // namespace

std::vector<uint32_t> make_slots(const TextValues& texts) {
  std::vector<uint32_t> slots(std::bit_ceil(std::max(kSlotsMin, texts.size() * 2)), kNoText);
  for (uint32_t i = 0; i < texts.size(); ++i) put(slots, filter_hash(texts[i]), i);
  return slots;
}

uint32_t find_text(const std::vector<uint32_t>& slots, const TextValues& texts, std::string_view text, uint64_t hash) {
  if (slots.empty()) return kNoText;
  const size_t mask = slots.size() - 1;
  for (size_t at = hash & mask; slots[at] != kNoText; at = (at + 1) & mask)
    if (texts[slots[at]] == text) return slots[at];
  return kNoText;
}

uint32_t TextSet::add(std::string_view text, uint64_t hash) {
  const auto number = static_cast<uint32_t>(texts_.size());
  texts_.push_back(text);
  if (texts_.size() * 2 > slots_.size()) {
    slots_ = make_slots(texts_);
  } else {
    put(slots_, hash, number);
  }
  return number;
}

}  // namespace clew::block
