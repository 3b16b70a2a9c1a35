// SPDX-License-Identifier: Apache-2.0
//
// Column<T> is an append-only array of plain values in segments that never move. Growing costs no copy of what is
// there, so a column of millions of rows grows without a pause and without a moment of double memory; a small column
// (a request's) stays one small run. An index costs one look into the segment directory.
//
// Threads: one writer; readers need the owner's lock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace clew::model {

template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static constexpr size_t kSegmentShift = 14;
  static constexpr size_t kSegmentRows = size_t{1} << kSegmentShift;

  Column() = default;
  Column(Column&& other) noexcept { swap(other); }
  Column& operator=(Column&& other) noexcept {
    swap(other);
    return *this;
  }
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;
  ~Column() {
    for (T* segment : segments_) std::free(segment);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Bytes of the values.
  size_t content_bytes() const { return size_ * sizeof(T); }
  // Bytes of memory held, used or not.
  size_t memory_bytes() const { return capacity_ * sizeof(T); }

  const T& operator[](size_t row) const { return segments_[row >> kSegmentShift][row & (kSegmentRows - 1)]; }
  T& operator[](size_t row) { return segments_[row >> kSegmentShift][row & (kSegmentRows - 1)]; }
  const T& back() const { return (*this)[size_ - 1]; }

  void push_back(const T& value) {
    if (size_ == capacity_) [[unlikely]]
      grow();
    segments_[size_ >> kSegmentShift][size_ & (kSegmentRows - 1)] = value;
    ++size_;
  }

  // Room for `count` more values that follow the present ones in memory as far as a segment reaches: calls
  // fill(std::span<T>) once per run, in order.
  template <class Fill>
  void append_runs(size_t count, Fill fill) {
    while (count > 0) {
      if (size_ == capacity_) grow(count);
      const size_t in_segment = size_ & (kSegmentRows - 1);
      const size_t run = std::min({count, kSegmentRows - in_segment, capacity_ - size_});
      fill(std::span<T>(segments_[size_ >> kSegmentShift] + in_segment, run));
      size_ += run;
      count -= run;
    }
  }

  // Calls visit(std::span<const T>) for the runs that make up [begin, end), in order.
  template <class Visit>
  void for_each_run(size_t begin, size_t end, Visit visit) const {
    DCHECK(begin <= end && end <= size_);
    while (begin < end) {
      const size_t in_segment = begin & (kSegmentRows - 1);
      const size_t run = std::min(end - begin, kSegmentRows - in_segment);
      visit(std::span<const T>(segments_[begin >> kSegmentShift] + in_segment, run));
      begin += run;
    }
  }

  // Forgets the values from `size` on; keeps the memory.
  void truncate(size_t size) {
    DCHECK(size <= size_);
    size_ = size;
  }

 private:
  // Small, because a request of one span has some twenty columns.
  static constexpr size_t kFirstRows = 8;

  void swap(Column& other) noexcept {
    segments_.swap(other.segments_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  // The first segment doubles until it is full; every later one is whole from the start.
  void grow(size_t wanted = 1) {
    if (capacity_ < kSegmentRows) {
      const size_t rows = std::min(kSegmentRows, std::max({kFirstRows, capacity_ * 2, capacity_ + wanted}));
      if (segments_.empty()) segments_.push_back(nullptr);
      segments_[0] = allocate(segments_[0], rows);
      capacity_ = rows;
    } else {
      segments_.push_back(allocate(nullptr, kSegmentRows));
      capacity_ += kSegmentRows;
    }
  }

  static T* allocate(T* old, size_t rows) {
    auto* memory = static_cast<T*>(std::realloc(old, rows * sizeof(T)));
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }

  std::vector<T*> segments_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace clew::model
