// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the page codec share: a cursor over the bytes of a page, scratch memory that is not cleared before
// use, and zstd frames whose decoded size is known. docs/format/block.md, section "Pages".
//
// Threads: each object belongs to one encoder or decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/varint.h"

namespace clew::block {

inline Error damaged(std::string_view what) { return {Code::DataLoss, "a damaged page: " + std::string(what)}; }

// Is what a page holds a page itself? Then it may not hold pages in turn, so that no page is nested deeper than one.
enum class Nesting : uint8_t { Top, Inner };

struct PageCursor {
  explicit PageCursor(Bytes page) : next(page.data()), end(page.data() + page.size()) {}

  bool byte(uint8_t& value) {
    if (next == end) return false;
    value = *next++;
    return true;
  }
  bool varint(uint64_t& value) { return codec::read_varint(next, end, value); }
  bool take(uint64_t bytes, Bytes& taken) {
    if (bytes > left()) return false;
    taken = Bytes(next, bytes);
    next += bytes;
    return true;
  }
  // A length and as many bytes.
  bool sized(Bytes& taken) {
    uint64_t bytes = 0;
    return varint(bytes) && take(bytes, taken);
  }
  Bytes rest() const { return {next, end}; }
  size_t left() const { return static_cast<size_t>(end - next); }

  const uint8_t* next;
  const uint8_t* end;
};

// Memory for `count` values of T, whose old values are gone after at().
template <class T>
class ScratchOf {
 public:
  T* at(size_t count) {
    if (count > count_) {
      values_.reset();
      values_ = std::make_unique_for_overwrite<T[]>(count);
      count_ = count;
    }
    return values_.get();
  }

 private:
  std::unique_ptr<T[]> values_;
  size_t count_ = 0;
};

// How a run of bytes of known size lies in a page. The values are part of the format.
enum class Storage : uint8_t { Plain = 0, Zstd = 1 };

class ZstdWriter {
 public:
  explicit ZstdWriter(int level);
  ~ZstdWriter();
  // Appends Storage::Zstd, the size of the frame, and the frame; or Storage::Plain and `raw`, if zstd saves too little.
  // `tag` goes into the upper bits of the byte with the storage.
  void append_best(Bytes raw, uint8_t tag, std::string& out);
  static void append_plain(Bytes raw, uint8_t tag, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class ZstdReader {
 public:
  ZstdReader();
  ~ZstdReader();
  // Exactly `bytes` bytes at `to`; false if the frame is damaged or holds more or fewer.
  bool read(Bytes frame, void* to, size_t bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::block
