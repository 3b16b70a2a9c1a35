// SPDX-License-Identifier: Apache-2.0
//
// The split-block filter of Apache Parquet (BloomFilter.md), with other hashes: the upper half of a hash chooses the
// block, the lower half, times one odd constant per word, the bit in each word.
#include "block/filter.h"

#include "base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace clew::block {
namespace {

constexpr size_t kBlockBytes = 32;
constexpr size_t kWords = 8;
constexpr uint32_t kSalts[kWords] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                     0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

size_t block_of(uint64_t hash, size_t blocks) { return static_cast<size_t>(((hash >> 32) * uint64_t{blocks}) >> 32); }

uint32_t bit_of(uint64_t hash, size_t word) {
  return uint32_t{1} << ((static_cast<uint32_t>(hash) * kSalts[word]) >> 27);
}

uint64_t mixed(uint64_t x) {  // the finalizer of splitmix64
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t filter_hash(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

// Ids made by hand differ in few bits only, so both halves are mixed.
uint64_t filter_hash(const model::TraceId& id) { return mixed(mixed(id.high + 0x9E3779B97F4A7C15u) ^ id.low); }

FilterBuilder::FilterBuilder(size_t hashes) {
  const size_t blocks = (hashes * kFilterBitsPerHash + kBlockBytes * 8 - 1) / (kBlockBytes * 8);
  CHECK(blocks <= UINT32_MAX);
  bytes_.resize(blocks * kBlockBytes);
}

void FilterBuilder::add(uint64_t hash) {
  CHECK(!bytes_.empty());
  char* const block = bytes_.data() + block_of(hash, bytes_.size() / kBlockBytes) * kBlockBytes;
  for (size_t i = 0; i < kWords; i++) {
    char* const word = block + i * sizeof(uint32_t);
    put(word, load<uint32_t>(word) | bit_of(hash, i));
  }
}

bool may_hold(Bytes filter, uint64_t hash) {
  const size_t blocks = filter.size() / kBlockBytes;
  if (blocks == 0) return !filter.empty();  // not what a builder makes: then it cannot say no
  const uint8_t* const block = filter.data() + block_of(hash, blocks) * kBlockBytes;
  uint32_t missing = 0;
  for (size_t i = 0; i < kWords; i++) missing |= ~load<uint32_t>(block + i * sizeof(uint32_t)) & bit_of(hash, i);
  return missing == 0;
}

}  // namespace clew::block
