// SPDX-License-Identifier: Apache-2.0
//
// InternTable keeps each distinct byte string once and gives it a dense number: equal bytes, equal number. Numbers
// count up from 0 in order of first appearance; number 0 is always the empty string. Bytes never move, so a view of
// them lives as long as the table.
// (One exception, for who knows what it does: add_unseen().)
//
// Threads: one writer; readers need the owner's lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "model/column.h"

namespace clew::model {

class InternTable {
 public:
  using Id = uint32_t;
  static constexpr Id kEmpty = 0;

  InternTable();
  InternTable(InternTable&&) noexcept = default;
  InternTable& operator=(InternTable&&) noexcept = default;

  // The number of `text`, which is copied when it is new. Stored bytes are aligned to 4.
  Id intern(std::string_view text) { return intern(text, hash(text)); }
  Id intern(std::string_view text, uint64_t text_hash);
  // As intern, but a new text must pass `accept(text)`; nothing if it does not. Texts already here are not asked again.
  template <class Accept>
  std::optional<Id> intern_if(std::string_view text, Accept accept) {
    const uint64_t h = hash(text);
    if (const std::optional<Id> known = find(text, h)) return known;
    if (!accept(text)) return std::nullopt;
    return insert(text, h);
  }

  // A number of its own, whether the table has the text or not: for texts that are known to come once, and need not be
  // found again. Costs no hashing.
  Id add_unseen(std::string_view text);

  std::optional<Id> find(std::string_view text) const { return find(text, hash(text)); }
  std::optional<Id> find(std::string_view text, uint64_t text_hash) const;

  std::string_view at(Id id) const {
    const Entry& entry = entries_[id];
    return {entry.data, entry.bytes};
  }
  size_t size() const { return entries_.size(); }
  // Bytes of the texts and of what finds them.
  size_t content_bytes() const { return text_bytes_ + entries_.content_bytes() + entries_.size() * 2 * sizeof(Id); }
  // Bytes of memory held.
  size_t memory_bytes() const;

  static uint64_t hash(std::string_view text);

 private:
  struct Entry {
    const char* data;
    uint32_t bytes;
    uint32_t hash;  // its low half, or kUnseen: saves reading the text again when the slots grow
  };

  // Stands for the hash of who is not to be found; no text's own.
  static constexpr uint32_t kUnseen = UINT32_MAX;

  Id insert(std::string_view text, uint64_t text_hash);
  const char* copy(std::string_view text);
  void rehash(size_t slot_count);

  Column<Entry> entries_;
  std::vector<Id> slots_;  // open addressing, linear probing; kNoId is free
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* chunk_next_ = nullptr;
  size_t chunk_left_ = 0;
  size_t chunk_bytes_ = 0;
  size_t text_bytes_ = 0;
  size_t unseen_count_ = 0;
};

}  // namespace clew::model
