// SPDX-License-Identifier: Apache-2.0
//
// 64 values fill exactly `width` words, so there is one straight-line routine per width, chosen once per call; what is
// left over goes through a step of its own on the stack.
#include "block/bit_pack.h"

#include <array>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace clew::block {
namespace {

// Word is uint32_t or uint64_t; kBits<Word> values fill kWidth words.
template <class Word>
constexpr uint32_t kBits = sizeof(Word) * 8;

template <class Word, uint32_t kWidth, size_t kIndex>
[[gnu::always_inline]] inline Word unpacked(const uint8_t* from) {
  constexpr size_t kBit = kIndex * kWidth;
  constexpr size_t kWord = kBit / kBits<Word>;
  constexpr size_t kShift = kBit % kBits<Word>;
  Word value = load<Word>(from + kWord * sizeof(Word)) >> kShift;
  if constexpr (kShift + kWidth > kBits<Word>)
    value |= load<Word>(from + (kWord + 1) * sizeof(Word)) << (kBits<Word> - kShift);
  if constexpr (kWidth < kBits<Word> && kShift + kWidth != kBits<Word>) value &= (Word{1} << kWidth) - 1;
  return value;
}

template <class Word, uint32_t kWidth>
void unpack_step(const uint8_t* from, Word base, Word* out) {
  if constexpr (kWidth == 0) {
    for (size_t i = 0; i < kBits<Word>; i++) out[i] = base;
  } else {
    [&]<size_t... kIndex>(std::index_sequence<kIndex...>) __attribute__((always_inline)) {
      ((out[kIndex] = base + unpacked<Word, kWidth, kIndex>(from)), ...);
    }(std::make_index_sequence<kBits<Word>>());
  }
}

template <class Word, uint32_t kWidth>
void unpack_all(const uint8_t* from, size_t count, Word base, Word* out) {
  constexpr size_t kStep = kBits<Word>;
  constexpr size_t kStepBytes = kWidth * sizeof(Word);
  for (; count >= kStep; count -= kStep, from += kStepBytes, out += kStep) unpack_step<Word, kWidth>(from, base, out);
  if (count == 0) return;
  uint8_t bytes[kStepBytes + 1] = {};
  Word values[kStep];
  std::memcpy(bytes, from, packed_bytes(count, kWidth));
  unpack_step<Word, kWidth>(bytes, base, values);
  std::memcpy(out, values, count * sizeof(Word));
}

template <uint32_t kWidth>
void pack_step(const uint64_t* values, uint8_t* to) {
  uint64_t word = 0;
  uint32_t filled = 0;
#pragma clang loop unroll(full)
  for (size_t i = 0; i < kPackStep; i++) {
    const uint64_t value = values[i] & low_bits(kWidth);
    word |= value << filled;
    filled += kWidth;
    if (filled >= 64) {
      put(to, word);
      to += sizeof word;
      filled -= 64;
      word = filled == 0 ? 0 : value >> (kWidth - filled);
    }
  }
}

template <uint32_t kWidth>
void pack_all(const uint64_t* values, size_t count, uint8_t* to) {
  if constexpr (kWidth > 0) {
    constexpr size_t kStepBytes = size_t{kWidth} * 8;
    for (; count >= kPackStep; count -= kPackStep, values += kPackStep, to += kStepBytes) pack_step<kWidth>(values, to);
    if (count == 0) return;
    uint64_t rest[kPackStep] = {};
    uint8_t bytes[kStepBytes];
    std::memcpy(rest, values, count * sizeof(uint64_t));
    pack_step<kWidth>(rest, bytes);
    std::memcpy(to, bytes, packed_bytes(count, kWidth));
  }
}

template <class Word>
using Unpack = void (*)(const uint8_t*, size_t, Word, Word*);
using Pack = void (*)(const uint64_t*, size_t, uint8_t*);

template <class Word>
constexpr auto kUnpack = []<uint32_t... kWidth>(std::integer_sequence<uint32_t, kWidth...>) {
  return std::array<Unpack<Word>, sizeof...(kWidth)>{unpack_all<Word, kWidth>...};
}(std::make_integer_sequence<uint32_t, kBits<Word> + 1>());

constexpr auto kPack = []<uint32_t... kWidth>(std::integer_sequence<uint32_t, kWidth...>) {
  return std::array<Pack, sizeof...(kWidth)>{pack_all<kWidth>...};
}(std::make_integer_sequence<uint32_t, kWidthMax + 1>());

}  // namespace

void bit_pack(const uint64_t* values, size_t count, uint32_t width, uint8_t* to) {
  CHECK(width <= kWidthMax);
  kPack[width](values, count, to);
}

void bit_unpack(const uint8_t* from, size_t count, uint32_t width, uint64_t base, uint64_t* out) {
  CHECK(width <= kWidthMax);
  kUnpack<uint64_t>[width](from, count, base, out);
}

void bit_unpack(const uint8_t* from, size_t count, uint32_t width, uint32_t base, uint32_t* out) {
  CHECK(width <= 32);
  kUnpack<uint32_t>[width](from, count, base, out);
}

}  // namespace clew::block
