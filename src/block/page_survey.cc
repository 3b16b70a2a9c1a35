// SPDX-License-Identifier: Apache-2.0
//
// What a page of integers will take under byte planes is guessed from the order-0 entropy of the planes of a sample
// (with the Miller-Madow correction: a thousand random bytes look 0.2 bits less random than they are). That is what
// zstd's Huffman stage can reach; what it finds in repeated sequences comes on top and is not foreseen.
#include <algorithm>
#include <array>
#include <cmath>

#include "block/bit_pack.h"
#include "block/page_ints.h"

namespace clew::block {
namespace {

constexpr size_t kPlanesMax = sizeof(uint64_t);
// The sample: two stretches, so that a change of habit within the page is seen.
constexpr size_t kStretchValues = 512;
constexpr size_t kSampleValuesMax = 2 * kStretchValues;
// Entropy in bits of a byte from which a plane counts as noise.
constexpr double kNoiseBits = 7.6;
// A page under Delta takes two passes more to decode; it must be this much smaller.
constexpr double kDeltaGain = 0.95;

constexpr uint64_t kSignBit = uint64_t{1} << 63;

uint64_t zigzag(uint64_t difference) { return (difference << 1) ^ (0 - (difference >> 63)); }

struct Histograms {
  std::array<std::array<uint16_t, 256>, kPlanesMax> counts = {};
  size_t values = 0;

  void add(uint64_t value, uint32_t planes) {
    for (uint32_t plane = 0; plane < planes; plane++) counts[plane][(value >> (8 * plane)) & 0xFF]++;
  }
};

const std::array<float, kSampleValuesMax + 1>& log2_table() {
  static const auto kTable = [] {
    std::array<float, kSampleValuesMax + 1> logs = {};
    for (size_t i = 1; i < logs.size(); i++) logs[i] = std::log2(static_cast<float>(i));
    return logs;
  }();
  return kTable;
}

double entropy_bits(const std::array<uint16_t, 256>& counts, size_t values) {
  const auto& logs = log2_table();
  double sum = 0;
  size_t used = 0;
  for (const uint16_t count : counts) {
    sum += count * logs[count];
    used += count > 0 ? 1 : 0;
  }
  const auto n = static_cast<double>(values);
  return logs[values] - sum / n + static_cast<double>(used - 1) / (2 * n * 0.6931);
}

PlanePlan plan(const Histograms& histograms, PlaneTransform transform, uint32_t planes, size_t count) {
  PlanePlan result{transform, planes, 0, 0};
  bool is_low = true;
  for (uint32_t plane = 0; plane < planes; plane++) {
    const double bits = entropy_bits(histograms.counts[plane], histograms.values);
    is_low = is_low && bits >= kNoiseBits;
    if (is_low) result.noise_count++;
    result.bytes += static_cast<double>(count) * (bits >= kNoiseBits ? 1 : bits / 8);
  }
  return result;
}

// Small numbers of either sign lie around zero: as signed numbers they are closer together.
template <class T>
void take_signed_frame(std::span<const T> values, IntSurvey& facts) {
  auto low = static_cast<int64_t>(uint64_t{values[0]});
  int64_t high = low;
  for (const T value : values) {
    low = std::min(low, static_cast<int64_t>(uint64_t{value}));
    high = std::max(high, static_cast<int64_t>(uint64_t{value}));
  }
  if (static_cast<uint64_t>(high) - static_cast<uint64_t>(low) >= facts.spread()) return;
  facts.low = static_cast<uint64_t>(low);
  facts.high = static_cast<uint64_t>(high);
}

}  // namespace

template <class T>
IntSurvey survey(std::span<const T> values) {
  if (values.empty()) return {};
  uint64_t low = values[0];
  uint64_t high = low;
  uint64_t before = low;
  int64_t delta_low = INT64_MAX;
  int64_t delta_high = INT64_MIN;
  size_t changes = 0;
  for (const T value : values.subspan(1)) {
    const uint64_t wide = value;
    const auto delta = static_cast<int64_t>(wide - before);
    low = std::min(low, wide);
    high = std::max(high, wide);
    delta_low = std::min(delta_low, delta);
    delta_high = std::max(delta_high, delta);
    changes += delta != 0 ? 1 : 0;
    before = wide;
  }
  if (values.size() == 1) delta_low = delta_high = 0;
  IntSurvey facts{low, high, delta_low, delta_high, changes + 1};
  if (low < kSignBit && high >= kSignBit) take_signed_frame(values, facts);
  return facts;
}

template <class T>
PlanePlan plan_planes(std::span<const T> values, const IntSurvey& facts) {
  const uint32_t planes = (bit_width(facts.spread()) + 7) / 8;
  const uint64_t delta_max =
      std::max(zigzag(static_cast<uint64_t>(facts.delta_low)), zigzag(static_cast<uint64_t>(facts.delta_high)));
  const uint32_t delta_planes = (bit_width(delta_max) + 7) / 8;
  Histograms differences;
  Histograms deltas;
  const auto sample = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      const uint64_t value = values[i];
      differences.add(value - facts.low, planes);
      deltas.add(i == 0 ? 0 : zigzag(value - uint64_t{values[i - 1]}), delta_planes);
    }
    differences.values += end - begin;
    deltas.values += end - begin;
  };
  if (values.size() <= kSampleValuesMax) {
    sample(0, values.size());
  } else {
    const size_t first = values.size() / 4;
    const size_t second = std::max(values.size() / 2, first + kStretchValues);
    sample(first, first + kStretchValues);
    sample(second, std::min(second + kStretchValues, values.size()));
  }
  const PlanePlan plain = plan(differences, PlaneTransform::Difference, planes, values.size());
  const PlanePlan delta = plan(deltas, PlaneTransform::Delta, delta_planes, values.size());
  return delta.bytes < plain.bytes * kDeltaGain ? delta : plain;
}

bool looks_random(Bytes bytes) {
  if (bytes.size() < kSampleValuesMax) return false;
  std::array<uint16_t, 256> counts = {};
  const Bytes middle = bytes.subspan((bytes.size() - kSampleValuesMax) / 2, kSampleValuesMax);
  for (const uint8_t byte : middle) counts[byte]++;
  return entropy_bits(counts, kSampleValuesMax) >= kNoiseBits;
}

template IntSurvey survey(std::span<const uint32_t> values);
template IntSurvey survey(std::span<const uint64_t> values);
template PlanePlan plan_planes(std::span<const uint32_t> values, const IntSurvey& facts);
template PlanePlan plan_planes(std::span<const uint64_t> values, const IntSurvey& facts);

}  // namespace clew::block
