// SPDX-License-Identifier: Apache-2.0
//
// The pages of integers, for page.h and for the pages of texts that hold pages of integers. T is uint64_t or uint32_t;
// a page looks the same for both.
//
// Threads: each object belongs to one encoder or decoder.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "block/page.h"
#include "block/page_parts.h"

namespace clew::block {

// What one pass over the values tells.
struct IntSurvey {
  uint64_t low = 0;  // of the values as signed numbers, if so they lie closer together
  uint64_t high = 0;
  int64_t delta_low = 0;  // of each value less the one before it, modulo 2^64
  int64_t delta_high = 0;
  size_t runs = 0;

  uint64_t spread() const { return high - low; }
  uint64_t delta_spread() const { return static_cast<uint64_t>(delta_high) - static_cast<uint64_t>(delta_low); }
};
template <class T>
IntSurvey survey(std::span<const T> values);

// What is cut into planes. The values are part of the format.
enum class PlaneTransform : uint8_t { Difference = 0, Delta = 1 };

struct PlanePlan {
  PlaneTransform transform = PlaneTransform::Difference;
  uint32_t plane_count = 0;
  uint32_t noise_count = 0;  // of the lowest planes, which do not compress
  double bytes = 0;          // expected
};
template <class T>
PlanePlan plan_planes(std::span<const T> values, const IntSurvey& facts);

// Is there nothing in a sample of these bytes that zstd could make smaller?
bool looks_random(Bytes bytes);

class IntsEncoder {
 public:
  explicit IntsEncoder(ZstdWriter& zstd);
  ~IntsEncoder();

  // Appends the page of `values`.
  template <class T>
  Encoding append(std::span<const T> values, Nesting nesting, std::string& out);
  // Appends the size of the page, which is inner, and the page.
  template <class T>
  void append_sized(std::span<const T> values, std::string& out);

 private:
  template <class T>
  void append_packed(std::span<const T> values, const IntSurvey& facts, std::string& out);
  template <class T>
  void append_delta(std::span<const T> values, const IntSurvey& facts, std::string& out);
  template <class T>
  void append_runs(std::span<const T> values, size_t runs, std::string& out);
  template <class T>
  bool append_dictionary(std::span<const T> values, std::string& out);
  template <class T>
  void append_planes(std::span<const T> values, const IntSurvey& facts, const PlanePlan& plan, std::string& out);
  template <class T>
  Bytes slice(std::span<const T> values, const IntSurvey& facts, PlaneTransform transform, uint32_t first_byte,
              uint32_t bytes);

  ZstdWriter& zstd_;
  ScratchOf<uint8_t> slice_;
  ScratchOf<uint32_t> slots_;
  std::vector<uint64_t> inner_values_;
  std::vector<uint32_t> inner_counts_;
  std::string inner_page_;
  std::array<std::array<std::string, 2>, 2> trials_;  // by Nesting
};

class IntsDecoder {
 public:
  explicit IntsDecoder(ZstdReader& zstd) : zstd_(zstd) {}

  // The range lies in the page.
  template <class T>
  Result<void> read(Bytes page, Nesting nesting, PageRange range, std::span<T> out);
  template <class T>
  Result<void> read_all(Bytes page, Nesting nesting, std::span<T> out) {
    return read(page, nesting, {out.size(), 0}, out);
  }

 private:
  struct Slice {
    const uint8_t* bytes = nullptr;
    uint32_t byte_count = 0;  // of each value
    uint32_t first_bit = 0;
  };

  template <class T>
  Result<void> read_packed(PageCursor body, PageRange range, std::span<T> out);
  template <class T>
  Result<void> read_delta(PageCursor body, PageRange range, std::span<T> out);
  template <class T>
  Result<void> read_runs(PageCursor body, PageRange range, std::span<T> out);
  template <class T>
  Result<void> read_dictionary(PageCursor body, PageRange range, std::span<T> out);
  template <class T>
  Result<void> read_planes(PageCursor body, PageRange range, std::span<T> out);
  Result<void> find_slices(PageCursor body, size_t count, std::span<Slice> found);

  ZstdReader& zstd_;
  ScratchOf<uint8_t> planes_;
  ScratchOf<uint64_t> inner_values_;
  ScratchOf<uint32_t> inner_counts_;
};

}  // namespace clew::block
