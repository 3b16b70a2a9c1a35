// SPDX-License-Identifier: Apache-2.0
//
// The sizes of constant, bit-packed and delta pages follow from the survey. Run lengths, planes and a dictionary are
// tried when survey or sample promise something, and taken if they are smaller by kTrialGain: they decode slower.
#include <algorithm>

#include "base/check.h"
#include "block/bit_pack.h"
#include "block/page_ints.h"
#include "codec/varint.h"

namespace clew::block {
namespace {

constexpr size_t kChunkValues = 1024;  // a multiple of kPackStep: chunks end on whole bytes
constexpr double kTrialGain = 0.92;
// Fewer values are not worth a trial.
constexpr size_t kTrialValuesMin = 32;
// Runs shorter than this on average are left to zstd.
constexpr size_t kRunLengthMin = 3;
// Wider values than this may have a dictionary; narrower ones mostly are indexes of one.
constexpr uint32_t kDictionaryWidthMin = 17;
// Distinct values of those sampled, in percent, beyond which there is no dictionary.
constexpr size_t kDistinctPercentMax = 75;
constexpr size_t kDistinctSample = 512;
// Codes of so many planes are tried under zstd whatever their entropy: sequences of them repeat.
constexpr uint32_t kCodePlanesMax = 2;

uint64_t zigzag(uint64_t difference) { return (difference << 1) ^ (0 - (difference >> 63)); }

uint64_t mixed(uint64_t value) {
  value *= 0x9E3779B97F4A7C15u;
  return value ^ (value >> 32);
}

// Packs make(i) for i in [0, count).
template <class Make>
void append_bits(size_t count, uint32_t width, std::string& out, Make make) {
  const size_t at = out.size();
  out.resize(at + packed_bytes(count, width));
  auto* to = reinterpret_cast<uint8_t*>(out.data() + at);
  uint64_t words[kChunkValues];
  for (size_t first = 0; first < count; first += kChunkValues) {
    const size_t values = std::min(kChunkValues, count - first);
    for (size_t i = 0; i < values; i++) words[i] = make(first + i);
    bit_pack(words, values, width, to);
    to += packed_bytes(values, width);
  }
}

// Open addressing over indexes of distinct values; the caller clears the slots.
class Distinct {
 public:
  Distinct(uint32_t* slots, size_t slot_count, uint64_t* values)
      : slots_(slots), values_(values), mask_(slot_count - 1) {
    std::fill_n(slots, slot_count, kFree);
  }

  uint32_t index_of(uint64_t value) {
    for (size_t at = mixed(value) & mask_;; at = (at + 1) & mask_) {
      if (slots_[at] == kFree) {
        values_[count_] = value;
        slots_[at] = count_;
        return count_++;
      }
      if (values_[slots_[at]] == value) return slots_[at];
    }
  }
  uint32_t count() const { return count_; }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;
  uint32_t* slots_;
  uint64_t* values_;
  size_t mask_;
  uint32_t count_ = 0;
};

template <class T>
bool repeats(std::span<const T> values) {
  const size_t count = std::min(values.size(), kDistinctSample);
  const std::span<const T> sample = values.subspan((values.size() - count) / 2, count);
  uint32_t slots[kDistinctSample * 2];
  uint64_t seen[kDistinctSample];
  Distinct distinct(slots, kDistinctSample * 2, seen);
  for (const T value : sample) distinct.index_of(value);
  return distinct.count() * 100 <= count * kDistinctPercentMax;
}

void begin(Encoding encoding, std::string& out) { out.push_back(static_cast<char>(encoding)); }

}  // namespace

IntsEncoder::IntsEncoder(ZstdWriter& zstd) : zstd_(zstd) {}
IntsEncoder::~IntsEncoder() = default;

template <class T>
Encoding IntsEncoder::append(std::span<const T> values, Nesting nesting, std::string& out) {
  CHECK(values.size() <= kPageValuesMax);
  const IntSurvey facts = survey(values);
  if (facts.low == facts.high) {
    begin(Encoding::Constant, out);
    codec::append_varint(out, facts.low);
    return Encoding::Constant;
  }
  const uint32_t width = bit_width(facts.spread());
  const size_t packed = packed_bytes(values.size(), width);
  const size_t delta = packed_bytes(values.size() - 1, bit_width(facts.delta_spread()));
  const bool is_delta = static_cast<double>(delta) < static_cast<double>(packed) * kTrialGain;
  auto best_bytes = static_cast<double>(is_delta ? delta : packed);

  std::array<std::string, 2>& trials = trials_[static_cast<size_t>(nesting)];
  std::string* best = nullptr;
  const auto take_if_smaller = [&] {  // the trial that is not the best so far has just been written
    std::string& trial = best == trials.data() ? trials[1] : trials[0];
    if (static_cast<double>(trial.size()) >= best_bytes * kTrialGain) return;
    best = &trial;
    best_bytes = static_cast<double>(trial.size());
  };
  const auto next_trial = [&]() -> std::string& {
    std::string& trial = best == trials.data() ? trials[1] : trials[0];
    trial.clear();
    return trial;
  };

  if (values.size() >= kTrialValuesMin) {
    if (nesting == Nesting::Top && facts.runs * kRunLengthMin <= values.size()) {
      append_runs(values, facts.runs, next_trial());
      take_if_smaller();
    }
    if (nesting == Nesting::Top && width >= kDictionaryWidthMin && repeats(values)) {
      if (append_dictionary(values, next_trial())) take_if_smaller();
    }
    const PlanePlan plan = plan_planes(values, facts);
    if (plan.plane_count <= kCodePlanesMax || plan.bytes < best_bytes * kTrialGain) {
      append_planes(values, facts, plan, next_trial());
      take_if_smaller();
    }
  }
  if (best != nullptr) {
    out += *best;
    return static_cast<Encoding>((*best)[0]);
  }
  if (is_delta) {
    append_delta(values, facts, out);
    return Encoding::Delta;
  }
  append_packed(values, facts, out);
  return Encoding::BitPacked;
}

template <class T>
void IntsEncoder::append_sized(std::span<const T> values, std::string& out) {
  inner_page_.clear();
  append(values, Nesting::Inner, inner_page_);
  codec::append_varint(out, inner_page_.size());
  out += inner_page_;
}

template <class T>
void IntsEncoder::append_packed(std::span<const T> values, const IntSurvey& facts, std::string& out) {
  const uint32_t width = bit_width(facts.spread());
  begin(Encoding::BitPacked, out);
  out.push_back(static_cast<char>(width));
  codec::append_varint(out, facts.low);
  append_bits(values.size(), width, out, [&](size_t i) { return uint64_t{values[i]} - facts.low; });
}

template <class T>
void IntsEncoder::append_delta(std::span<const T> values, const IntSurvey& facts, std::string& out) {
  const uint32_t width = bit_width(facts.delta_spread());
  const auto delta_low = static_cast<uint64_t>(facts.delta_low);
  begin(Encoding::Delta, out);
  codec::append_varint(out, values[0]);
  out.push_back(static_cast<char>(width));
  codec::append_varint(out, zigzag(delta_low));
  append_bits(values.size() - 1, width, out,
              [&](size_t i) { return uint64_t{values[i + 1]} - uint64_t{values[i]} - delta_low; });
}

template <class T>
void IntsEncoder::append_runs(std::span<const T> values, size_t runs, std::string& out) {
  inner_values_.clear();
  inner_counts_.clear();
  size_t begun = 0;
  for (size_t i = 1; i <= values.size(); i++) {
    if (i < values.size() && values[i] == values[i - 1]) continue;
    inner_values_.push_back(values[begun]);
    inner_counts_.push_back(static_cast<uint32_t>(i - begun - 1));
    begun = i;
  }
  CHECK(inner_values_.size() == runs);
  begin(Encoding::RunLength, out);
  codec::append_varint(out, runs);
  append_sized(std::span<const uint64_t>(inner_values_), out);
  append(std::span<const uint32_t>(inner_counts_), Nesting::Inner, out);
}

// False if there are too many distinct values.
template <class T>
bool IntsEncoder::append_dictionary(std::span<const T> values, std::string& out) {
  const size_t distinct_max = values.size() * kDistinctPercentMax / 100;
  const size_t slot_count = std::bit_ceil(distinct_max * 3 / 2 + 2);
  inner_values_.resize(distinct_max + 1);
  inner_counts_.resize(values.size());
  Distinct distinct(slots_.at(slot_count), slot_count, inner_values_.data());
  for (size_t i = 0; i < values.size(); i++) {
    inner_counts_[i] = distinct.index_of(values[i]);
    if (distinct.count() > distinct_max) return false;
  }
  begin(Encoding::Dictionary, out);
  codec::append_varint(out, distinct.count());
  append_sized(std::span<const uint64_t>(inner_values_).first(distinct.count()), out);
  append(std::span<const uint32_t>(inner_counts_), Nesting::Inner, out);
  return true;
}

template <class T>
void IntsEncoder::append_planes(std::span<const T> values, const IntSurvey& facts, const PlanePlan& plan,
                                std::string& out) {
  begin(Encoding::BytePlanes, out);
  const size_t transform_at = out.size();
  uint8_t slice_count = 0;
  out.push_back(static_cast<char>(plan.transform));
  codec::append_varint(out, plan.transform == PlaneTransform::Difference ? facts.low : uint64_t{values[0]});
  uint32_t plane = 0;
  while (plane < plan.noise_count) {  // as they are, together as far as there are machine words for them
    const uint32_t bytes = std::bit_floor(plan.noise_count - plane);
    ZstdWriter::append_plain(slice(values, facts, plan.transform, plane, bytes), static_cast<uint8_t>(bytes), out);
    plane += bytes;
    slice_count++;
  }
  while (plane < plan.plane_count) {
    const uint32_t bytes = plan.plane_count == kCodePlanesMax && plane == 0 ? kCodePlanesMax : 1;
    zstd_.append_best(slice(values, facts, plan.transform, plane, bytes), static_cast<uint8_t>(bytes), out);
    plane += bytes;
    slice_count++;
  }
  out[transform_at] = static_cast<char>(static_cast<uint8_t>(plan.transform) | slice_count << 4);
}

template <class T>
Bytes IntsEncoder::slice(std::span<const T> values, const IntSurvey& facts, PlaneTransform transform,
                         uint32_t first_byte, uint32_t bytes) {
  uint8_t* const to = slice_.at(values.size() * bytes);
  const uint32_t shift = first_byte * 8;
  const auto write = [&]<class Word>(Word) {
    if (transform == PlaneTransform::Difference) {
      for (size_t i = 0; i < values.size(); i++)
        put(to + i * sizeof(Word), static_cast<Word>((uint64_t{values[i]} - facts.low) >> shift));
      return;
    }
    put(to, Word{0});
    for (size_t i = 1; i < values.size(); i++)
      put(to + i * sizeof(Word), static_cast<Word>(zigzag(uint64_t{values[i]} - uint64_t{values[i - 1]}) >> shift));
  };
  if (bytes == 1) write(uint8_t{});
  if (bytes == 2) write(uint16_t{});
  if (bytes == 4) write(uint32_t{});
  if (bytes == 8) write(uint64_t{});
  return {to, values.size() * bytes};
}

template Encoding IntsEncoder::append(std::span<const uint32_t> values, Nesting nesting, std::string& out);
template Encoding IntsEncoder::append(std::span<const uint64_t> values, Nesting nesting, std::string& out);
template void IntsEncoder::append_sized(std::span<const uint32_t> values, std::string& out);
template void IntsEncoder::append_sized(std::span<const uint64_t> values, std::string& out);

}  // namespace clew::block
