// SPDX-License-Identifier: Apache-2.0
//
// Finds a text among many distinct ones: open addressing over their numbers, hashes by filter_hash(). A dictionary that
// grows (the writer's) and one that was read have this in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "block/page.h"

namespace clew::block {

constexpr uint32_t kNoText = UINT32_MAX;

// Slots for `texts`, as many as twice their number and a power of two.
std::vector<uint32_t> make_slots(const TextValues& texts);

// The number of `text`, or kNoText.
uint32_t find_text(const std::vector<uint32_t>& slots, const TextValues& texts, std::string_view text, uint64_t hash);

// Distinct texts that grow.
class TextSet {
 public:
  uint32_t find(std::string_view text, uint64_t hash) const { return find_text(slots_, texts_, text, hash); }
  // `text` is not there yet.
  uint32_t add(std::string_view text, uint64_t hash);
  const TextValues& texts() const { return texts_; }
  uint64_t memory_bytes() const {
    return texts_.bytes.capacity() + (texts_.ends.capacity() + slots_.capacity()) * sizeof(uint32_t);
  }

 private:
  TextValues texts_;
  std::vector<uint32_t> slots_;
};

}  // namespace clew::block
