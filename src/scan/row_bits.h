// SPDX-License-Identifier: Apache-2.0
//
// A set of rows of one row group, a bit for each.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace clew::scan {

class RowBits {
 public:
  // The empty set, or all of `rows` rows.
  void reset(uint32_t rows, bool full = false) {
    rows_ = rows;
    words_.assign((rows + 63) / 64, full ? ~uint64_t{0} : 0);
    if (full && rows % 64 != 0) words_.back() = (uint64_t{1} << (rows % 64)) - 1;
  }
  uint32_t rows() const { return rows_; }
  void add(uint32_t row) { words_[row / 64] |= uint64_t{1} << (row % 64); }
  bool contains(uint32_t row) const { return (words_[row / 64] >> (row % 64) & 1) != 0; }
  bool any() const {
    return std::ranges::any_of(words_, [](uint64_t word) { return word != 0; });
  }
  // Adds the rows for which test(row) is true.
  template <class Test>
  void add_where(Test test) {
    for (uint32_t first = 0; first < rows_; first += 64) {
      uint64_t word = 0;
      const uint32_t count = std::min(64u, rows_ - first);
      for (uint32_t i = 0; i < count; ++i) word |= static_cast<uint64_t>(test(first + i)) << i;
      words_[first / 64] |= word;
    }
  }
  bool any_in(uint32_t first, uint32_t count) const {
    const uint32_t end = first + count;
    for (uint32_t row = first; row < end;) {
      const uint64_t word = words_[row / 64] >> (row % 64);
      const uint32_t here = std::min(64 - row % 64, end - row);
      if ((here == 64 ? word : word & ((uint64_t{1} << here) - 1)) != 0) return true;
      row += here;
    }
    return false;
  }
  RowBits& operator|=(const RowBits& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  RowBits& operator&=(const RowBits& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }

 private:
  uint32_t rows_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace clew::scan
