// SPDX-License-Identifier: Apache-2.0
#include "rollup/red_writer.h"

#include <algorithm>
#include <bit>

namespace clew::rollup {
namespace {

constexpr uint32_t kFree = UINT32_MAX;
constexpr uint32_t kRefused = UINT32_MAX - 1;  // the roll-up has too many series
constexpr size_t kFirstSlots = 256;

}  // namespace

void RedWriter::grow() {
  std::vector<Slot> before(std::max(kFirstSlots, slots_.size() * 2), Slot{{}, kFree});
  before.swap(slots_);
  shift_ = 64 - std::countr_zero(slots_.size());
  used_ = 0;
  for (const Slot& slot : before) {
    if (slot.series == kFree) continue;
    series_of(slot.key);
  }
}

uint32_t RedWriter::series_of(const Key& key) {
  if (used_ * 2 >= slots_.size()) grow();
  const uint64_t first = uint64_t{key.service} << 32 | key.name;
  const uint64_t second = uint64_t{static_cast<uint32_t>(key.kind)} << 32 | static_cast<uint32_t>(key.status_code);
  const uint64_t hash = (first ^ (second * 0xD6E8FEB86659FD93u)) * 0x9E3779B97F4A7C15u;
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash >> shift_;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.series == kFree) {
      const auto& texts = spans_->strings;
      slot = {key, rollup_->series_id({texts.at(key.service), texts.at(key.name), key.kind, key.status_code})
                       .value_or(kRefused)};
      ++used_;
      return slot.series;
    }
    if (slot.key == key) return slot.series;
  }
}

void RedWriter::add_row(uint32_t row, UnixNanos arrived) {
  const model::SpanBatch& spans = *spans_;
  const uint32_t series = series_of(
      {spans.resources[spans.resource[row]].service_name, spans.name[row], spans.kind[row], spans.status_code[row]});
  if (series == kRefused) return;
  const UnixNanos start = spans.start[row];
  rollup_->add(minute_of_span(start, arrived), series, duration_nanos(start, spans.end[row]));
}

void RedWriter::add(std::span<const uint32_t> rows, UnixNanos arrived) {
  for (const uint32_t row : rows) add_row(row, arrived);
}

void RedWriter::add(uint32_t begin, uint32_t end, UnixNanos arrived) {
  for (uint32_t row = begin; row < end; ++row) add_row(row, arrived);
}

uint64_t RedWriter::memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

}  // namespace clew::rollup
