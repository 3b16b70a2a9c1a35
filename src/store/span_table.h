// SPDX-License-Identifier: Apache-2.0
//
// store::SpanTable tells whether a span is among those that it lists (model/identity.h): rows of one batch, found by
// identity, and by content where spans of one identity differ. Every look-up is bounded, whatever was sent: of the
// spans of one identity one is found by it, all others by what they say.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <vector>

#include "model/span_batch.h"

namespace clew::store {

class SpanTable {
 public:
  // Is a span equal to `row` of `spans` among those listed of `held`?
  bool contains(const model::SpanBatch& held, const model::SpanBatch& spans, uint32_t row) const;
  // Lists a row of `held`; false if an equal one is listed.
  bool insert(const model::SpanBatch& held, uint32_t row);
  // Lists nothing any more, and has room for `count` rows.
  void reset(size_t count);
  size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  // Open addressing with linear probing; kNoRow is a free slot.
  struct Slot {
    uint32_t tag;  // the upper half of the key's hash: saves a look at the row, and the row's reading at growth
    uint32_t row;
  };
  static constexpr uint32_t kNoRow = UINT32_MAX;

  struct Search {
    uint32_t found = kNoRow;  // the equal row
    uint64_t hash = 0;        // by which to list the span if there is none
  };
  Search search(const model::SpanBatch& held, const model::SpanBatch& spans, uint32_t row) const;
  template <class Accept>
  uint32_t find(uint64_t hash, Accept accept) const;
  void put(uint32_t tag, uint32_t row);
  void grow();

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace clew::store
