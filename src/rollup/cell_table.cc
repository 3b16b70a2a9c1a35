// SPDX-License-Identifier: Apache-2.0
#include "rollup/cell_table.h"

#include <algorithm>
#include <bit>

namespace clew::rollup {
namespace {

constexpr size_t kFirstSlots = 64;

uint64_t hash(Minute minute, uint32_t id) { return (uint64_t{minute} << 32 | id) * 0x9E3779B97F4A7C15u; }

}  // namespace

Cell* CellTable::find_or_add(Minute minute, uint32_t id, size_t most) {
  if (cells_.size() * 2 >= slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  size_t at = hash(minute, id) >> shift_;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    Cell& cell = cells_[slots_[at] - 1];
    if (cell.minute == minute && cell.id == id) return &cell;
  }
  if (cells_.size() >= most) return nullptr;
  cells_.push_back({.minute = minute, .id = id, .failed = 0, .durations = {}});
  slots_[at] = static_cast<uint32_t>(cells_.size());
  return &cells_.back();
}

void CellTable::grow() {
  const size_t size = std::max(kFirstSlots, slots_.size() * 2);
  slots_.assign(size, 0);
  shift_ = 64 - std::countr_zero(size);
  for (uint32_t i = 0; i < cells_.size(); ++i) {
    size_t at = hash(cells_[i].minute, cells_[i].id) >> shift_;
    while (slots_[at] != 0) at = (at + 1) & (size - 1);
    slots_[at] = i + 1;
  }
}

uint64_t CellTable::memory_bytes() const {
  uint64_t bytes = cells_.capacity() * sizeof(Cell) + slots_.capacity() * sizeof(uint32_t);
  for (const Cell& cell : cells_) bytes += cell.durations.buckets.capacity() * sizeof(Bucket);
  return bytes;
}

}  // namespace clew::rollup
