// SPDX-License-Identifier: Apache-2.0
//
// CellTable is the cells of a roll-up that is being added to: found by (minute, series or edge) with one hash.
// Threads: one writer, or any number of readers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rollup/histogram.h"

namespace clew::rollup {

// Counted from 1970: minute m holds the times in (m * 60 s, (m + 1) * 60 s].
using Minute = uint32_t;

struct Cell {
  Minute minute = 0;
  uint32_t id = 0;  // of the series or edge
  int64_t failed = 0;
  Histogram durations;
  bool is_zero() const { return failed == 0 && durations.is_zero(); }
};

class CellTable {
 public:
  // Null if there is none and `most` cells are there. Valid until the next call.
  Cell* find_or_add(Minute minute, uint32_t id, size_t most);
  std::span<const Cell> cells() const { return cells_; }
  uint64_t memory_bytes() const;

 private:
  void grow();

  std::vector<Cell> cells_;
  std::vector<uint32_t> slots_;  // open addressing, linear probing; index + 1 of a cell, 0 is free
  int shift_ = 64;
};

}  // namespace clew::rollup
