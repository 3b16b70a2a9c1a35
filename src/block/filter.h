// SPDX-License-Identifier: Apache-2.0
//
// A split-block Bloom filter over 64-bit hashes: "certainly not here" for the price of one cache line. Blocks of 32
// bytes hold one bit in each of eight words for every hash. docs/format/block.md, section "Filters".
//
// With 12 bits a hash about 0.5 % of the hashes that are not there pass. Threads: none; immutable once filled.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "model/ids.h"

namespace clew::block {

constexpr uint32_t kFilterBitsPerHash = 12;

uint64_t filter_hash(std::string_view text);
uint64_t filter_hash(const model::TraceId& id);

class FilterBuilder {
 public:
  explicit FilterBuilder(size_t hashes);
  void add(uint64_t hash);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// May `hash` be among those that were added? `filter` is what the builder made; its length is a multiple of 32. An
// empty filter holds nothing.
bool may_hold(Bytes filter, uint64_t hash);

}  // namespace clew::block
