// SPDX-License-Identifier: Apache-2.0
//
// A set of rows of one row group, a bit for each.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace clew::scan {

class RowBits {
 public:
  // The empty set, or all of `rows` rows.
  void reset(uint32_t rows, bool full = false) {
    rows_ = rows;
    words_.assign((rows + 63) / 64, full ? ~uint64_t{0} : 0);
    if (full && rows % 64 != 0) words_.back() = low_bits(rows % 64);
  }
  uint32_t rows() const { return rows_; }
  void add(uint32_t row) { words_[row / 64] |= uint64_t{1} << (row % 64); }
  void add_range(uint32_t first, uint32_t count) {
    for_each_word(first, count, [&](size_t i, uint64_t mask) { words_[i] |= mask; });
  }
  // Adds those of [first, first + count) that `other` has.
  void add_range_of(const RowBits& other, uint32_t first, uint32_t count) {
    for_each_word(first, count, [&](size_t i, uint64_t mask) { words_[i] |= other.words_[i] & mask; });
  }
  void remove_range(uint32_t first, uint32_t count) {
    for_each_word(first, count, [&](size_t i, uint64_t mask) { words_[i] &= ~mask; });
  }
  bool contains(uint32_t row) const { return (words_[row / 64] >> (row % 64) & 1) != 0; }
  bool any() const {
    return std::ranges::any_of(words_, [](uint64_t word) { return word != 0; });
  }
  // Adds the rows for which test(row) is true.
  template <class Test>
  void add_where(Test test) {
    for (uint32_t first = 0; first < rows_; first += 64) {
      uint64_t word = 0;
      if (rows_ - first >= 64) {
        for (uint32_t i = 0; i < 64; i += 8) word |= eight(first + i, test) << i;
      } else {
        for (uint32_t row = first; row < rows_; ++row) word |= static_cast<uint64_t>(test(row)) << (row - first);
      }
      words_[first / 64] |= word;
    }
  }
  // Removes the rows for which test(row) is false.
  template <class Test>
  void keep_where(Test test) {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t left = words_[i]; left != 0; left &= left - 1) {
        if (!test(static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(left))))
          words_[i] &= ~(left & (0 - left));
      }
    }
  }
  // Calls visit(row) for each, ascending.
  template <class Visit>
  void for_each(Visit visit) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t left = words_[i]; left != 0; left &= left - 1)
        visit(static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(left)));
    }
  }
  // The first row from `row` on; rows() if there is none.
  uint32_t next(uint32_t row) const {
    if (row >= rows_) return rows_;
    size_t i = row / 64;
    uint64_t word = words_[i] & (~uint64_t{0} << (row % 64));
    while (word == 0) {
      if (++i == words_.size()) return rows_;
      word = words_[i];
    }
    return static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(word));
  }
  bool any_in(uint32_t first, uint32_t count) const {
    const uint32_t end = first + count;
    for (uint32_t row = first; row < end;) {
      const uint64_t word = words_[row / 64] >> (row % 64);
      const uint32_t here = std::min(64 - row % 64, end - row);
      if ((word & low_bits(here)) != 0) return true;
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
  friend bool operator==(const RowBits&, const RowBits&) = default;

 private:
  // Of 1 to 64.
  static constexpr uint64_t low_bits(uint32_t count) { return ~uint64_t{0} >> (64 - count); }
  // A bit for each of eight rows, by shifts that are known to the compiler: half the time of others.
  template <class Test>
  static uint64_t eight(uint32_t first, Test& test) {
    const auto bit = [&](uint32_t i) { return static_cast<uint64_t>(test(first + i)) << i; };
    return (bit(0) | bit(1)) | (bit(2) | bit(3)) | ((bit(4) | bit(5)) | (bit(6) | bit(7)));
  }
  template <class Visit>
  static void for_each_word(uint32_t first, uint32_t count, Visit visit) {
    const uint32_t end = first + count;
    for (uint32_t row = first; row < end;) {
      const uint32_t here = std::min(64 - row % 64, end - row);
      visit(row / 64, low_bits(here) << (row % 64));
      row += here;
    }
  }

  uint32_t rows_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace clew::scan
