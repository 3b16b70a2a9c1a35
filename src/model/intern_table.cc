// SPDX-License-Identifier: Apache-2.0
#include "model/intern_table.h"

// The hash is a large part of finding a short text: inline it is a tenth faster on the whole of decoding.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace clew::model {
namespace {

constexpr InternTable::Id kNoId = UINT32_MAX;
constexpr size_t kFirstSlots = 16;
// Chunks double from the first to the last size: a request's table stays small, a head's makes few allocations.
constexpr size_t kFirstChunkBytes = 512;
constexpr size_t kLastChunkBytes = 1 << 20;
constexpr size_t kAlign = 4;

// As entries keep it.
uint32_t low_half(uint64_t hash) {
  return static_cast<uint32_t>(std::min<uint64_t>(hash & UINT32_MAX, UINT32_MAX - 1));
}

}  // namespace

InternTable::InternTable() : slots_(kFirstSlots, kNoId) { intern({}); }

uint64_t InternTable::hash(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::optional<InternTable::Id> InternTable::find(std::string_view text, uint64_t text_hash) const {
  const size_t mask = slots_.size() - 1;
  const uint32_t low = low_half(text_hash);
  for (size_t slot = low & mask;; slot = (slot + 1) & mask) {
    const Id id = slots_[slot];
    if (id == kNoId) return std::nullopt;
    const Entry& entry = entries_[id];
    if (entry.hash == low && entry.bytes == text.size() &&
        (text.empty() || std::memcmp(entry.data, text.data(), text.size()) == 0))
      return id;
  }
}

InternTable::Id InternTable::intern(std::string_view text, uint64_t text_hash) {
  if (const std::optional<Id> known = find(text, text_hash)) return *known;
  return insert(text, text_hash);
}

InternTable::Id InternTable::insert(std::string_view text, uint64_t text_hash) {
  CHECK(entries_.size() < kNoId && text.size() < UINT32_MAX);
  if ((entries_.size() - unseen_count_ + 1) * 2 > slots_.size()) rehash(slots_.size() * 2);
  const Id id = static_cast<Id>(entries_.size());
  const char* data = copy(text);
  const uint32_t low = low_half(text_hash);
  entries_.push_back({data, static_cast<uint32_t>(text.size()), low});
  text_bytes_ += text.size();
  const size_t mask = slots_.size() - 1;
  size_t slot = low & mask;
  while (slots_[slot] != kNoId) slot = (slot + 1) & mask;
  slots_[slot] = id;
  return id;
}

InternTable::Id InternTable::add_unseen(std::string_view text) {
  CHECK(entries_.size() < kNoId && text.size() < UINT32_MAX);
  entries_.push_back({copy(text), static_cast<uint32_t>(text.size()), kUnseen});
  text_bytes_ += text.size();
  ++unseen_count_;
  return static_cast<Id>(entries_.size() - 1);
}

const char* InternTable::copy(std::string_view text) {
  const size_t wanted = (text.size() + kAlign - 1) / kAlign * kAlign;
  if (wanted > chunk_left_) {
    const size_t grown = std::min(kLastChunkBytes, std::max(kFirstChunkBytes, chunk_bytes_));
    if (wanted >= grown) {  // a text as large as a chunk gets memory of its own, and the current chunk goes on
      chunks_.push_back(std::make_unique_for_overwrite<char[]>(wanted));
      chunk_bytes_ += wanted;
      std::memcpy(chunks_.back().get(), text.data(), text.size());
      return chunks_.back().get();
    }
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(grown));
    chunk_next_ = chunks_.back().get();
    chunk_left_ = grown;
    chunk_bytes_ += grown;
  }
  char* to = chunk_next_;
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  chunk_next_ += wanted;
  chunk_left_ -= wanted;
  return to;
}

// The stored half of the hash places entries as long as the table has fewer than 2^32 slots, which the ids ensure.
void InternTable::rehash(size_t slot_count) {
  slots_.assign(slot_count, kNoId);
  const size_t mask = slot_count - 1;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].hash == kUnseen) continue;
    size_t slot = entries_[i].hash & mask;
    while (slots_[slot] != kNoId) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<Id>(i);
  }
}

size_t InternTable::memory_bytes() const {
  return chunk_bytes_ + entries_.memory_bytes() + slots_.capacity() * sizeof(Id);
}

}  // namespace clew::model
