// SPDX-License-Identifier: Apache-2.0
#include "store/span_table.h"

#include <algorithm>
#include <bit>

#include "model/identity.h"

namespace clew::store {
namespace {

constexpr size_t kSlotsMin = 64;

uint64_t mixed(uint64_t value) {
  value ^= value >> 32;
  value *= 0xD6E8FEB86659FD93u;
  return value ^ (value >> 32);
}

uint64_t identity_hash(const model::SpanBatch& spans, uint32_t row) {
  const uint64_t half = model::is_server_half(spans.kind[row]) ? 1 : 0;
  return mixed(std::hash<model::TraceId>()(spans.trace_id[row]) ^ (spans.span_id[row].value * 0x9E3779B97F4A7C15u) ^
               half);
}

bool same_identity(const model::SpanBatch& a, uint32_t row_a, const model::SpanBatch& b, uint32_t row_b) {
  return a.span_id[row_a] == b.span_id[row_b] && a.trace_id[row_a] == b.trace_id[row_b] &&
         model::is_server_half(a.kind[row_a]) == model::is_server_half(b.kind[row_b]);
}

uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

}  // namespace

template <class Accept>
uint32_t SpanTable::find(uint64_t hash, Accept accept) const {
  if (slots_.empty()) return kNoRow;
  const size_t mask = slots_.size() - 1;
  const uint32_t tag = tag_of(hash);
  for (size_t at = tag & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.row == kNoRow) return kNoRow;
    if (slot.tag == tag && accept(slot.row)) return slot.row;
  }
}

SpanTable::Search SpanTable::search(const model::SpanBatch& held, const model::SpanBatch& spans, uint32_t row) const {
  const uint64_t by_identity = identity_hash(spans, row);
  const uint32_t first = find(by_identity, [&](uint32_t known) { return same_identity(held, known, spans, row); });
  if (first == kNoRow) return {kNoRow, by_identity};
  if (model::same_content(held, first, spans, row)) return {first, 0};
  const uint64_t by_content = mixed(model::content_hash(spans, row));
  const auto equal = [&](uint32_t known) { return model::same_content(held, known, spans, row); };
  return {find(by_content, equal), by_content};
}

bool SpanTable::contains(const model::SpanBatch& held, const model::SpanBatch& spans, uint32_t row) const {
  return search(held, spans, row).found != kNoRow;
}

bool SpanTable::insert(const model::SpanBatch& held, uint32_t row) {
  if ((used_ + 1) * 4 > slots_.size() * 3) grow();
  const Search place = search(held, held, row);
  if (place.found != kNoRow) return false;
  put(tag_of(place.hash), row);
  ++used_;
  return true;
}

void SpanTable::reset(size_t count) {
  const size_t wanted = std::bit_ceil(std::max(kSlotsMin, count * 2));
  slots_.assign(wanted, Slot{0, kNoRow});
  used_ = 0;
}

void SpanTable::put(uint32_t tag, uint32_t row) {
  const size_t mask = slots_.size() - 1;
  size_t at = tag & mask;
  while (slots_[at].row != kNoRow) at = (at + 1) & mask;
  slots_[at] = {tag, row};
}

void SpanTable::grow() {
  std::vector<Slot> old(std::max(kSlotsMin, slots_.size() * 2), Slot{0, kNoRow});
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.row != kNoRow) put(slot.tag, slot.row);
}

}  // namespace clew::store
