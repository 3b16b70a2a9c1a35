// SPDX-License-Identifier: Apache-2.0
//
// A key is a row of text numbers; as bytes in an InternTable it gets its own number. Number 0 of such a table is the
// empty string, which is no key, so ids are one less.
#include "rollup/rollup.h"

#include <algorithm>

#include "model/trace_summary.h"

namespace clew::rollup {
namespace {

constexpr uint64_t kNanosPerMinute = 60 * kNanosPerSecond;
constexpr uint32_t kNoId = UINT32_MAX;

template <class Key>
std::string_view bytes_of(const Key& key) {
  return {reinterpret_cast<const char*>(&key), sizeof key};
}

template <class Key>
Key key_at(const model::InternTable& keys, uint32_t id) {
  return load<Key>(keys.at(id + 1).data());
}

}  // namespace

Minute minute_of(UnixNanos time) { return time == 0 ? 0 : static_cast<Minute>((time - 1) / kNanosPerMinute); }

Minute minute_of_span(UnixNanos start, UnixNanos arrived) {
  return minute_of(model::is_sane(start, arrived) ? start : arrived);
}

Minutes minutes_of(UnixNanos from, UnixNanos to) { return {minute_of(from), minute_of(to)}; }

std::optional<uint32_t> Rollup::text_id(std::string_view text) {
  return texts_.intern_if(text, [&](std::string_view fresh) {
    if (fresh.size() > kTextBytesMax - text_bytes_) return false;
    text_bytes_ += fresh.size();
    return true;
  });
}

std::optional<uint32_t> Rollup::key_id(Part& part, std::optional<std::string_view> key, uint32_t most) {
  std::optional<uint32_t> id;
  if (key) id = part.keys.intern_if(*key, [&](std::string_view) { return part.keys.size() <= most; });
  if (!id) {
    part.overflowed = true;
    return std::nullopt;
  }
  return *id - 1;
}

std::optional<Rollup::SeriesId> Rollup::series_id(const Series& series) {
  const std::optional<uint32_t> service = text_id(series.service);
  const std::optional<uint32_t> name = text_id(series.name);
  if (!service || !name) return key_id(red_, std::nullopt, kSeriesMax);
  return key_id(red_, bytes_of(SeriesKey{*service, *name, series.kind, series.status_code}), kSeriesMax);
}

std::optional<Rollup::EdgeId> Rollup::edge_id(const Edge& edge) {
  const std::optional<uint32_t> caller = text_id(edge.caller);
  const std::optional<uint32_t> callee = text_id(edge.callee);
  if (!caller || !callee) return key_id(edges_, std::nullopt, kEdgesMax);
  return key_id(edges_, bytes_of(EdgeKey{*caller, *callee, static_cast<uint32_t>(edge.peer)}), kEdgesMax);
}

Series Rollup::series(SeriesId id) const {
  const auto key = key_at<SeriesKey>(red_.keys, id);
  return {texts_.at(key.service), texts_.at(key.name), key.kind, key.status_code};
}

Edge Rollup::edge(EdgeId id) const {
  const auto key = key_at<EdgeKey>(edges_.keys, id);
  return {texts_.at(key.caller), texts_.at(key.callee), static_cast<Peer>(key.peer)};
}

Cell* Rollup::cell_for(Part& part, Minute minute, uint32_t id) {
  Cell* cell = part.cells.find_or_add(minute, id, kCellsMax);
  if (cell == nullptr) part.overflowed = true;
  return cell;
}

void Rollup::add(Minute minute, SeriesId series, uint64_t nanos) {
  DCHECK(series < series_count());
  if (Cell* cell = cell_for(red_, minute, series)) cell->durations.add(nanos);
}

void Rollup::add_edge(const EdgeCall& call, Sign sign) {
  const auto times = static_cast<int64_t>(sign);
  const std::optional<EdgeId> id = edge_id(call.edge);
  if (!id) return;
  Cell* cell = cell_for(edges_, call.minute, *id);
  if (cell == nullptr) return;
  cell->durations.add(call.nanos, times);
  if (call.failed) cell->failed += times;
}

void Rollup::merge_part(CellSort sort, const Rollup& other, const std::vector<uint32_t>& ids) {
  Part& into = part(sort);
  into.overflowed |= other.part(sort).overflowed;
  other.visit(sort, {}, Detail::Histograms, [&](const CellView& view) {
    if (ids[view.id] == kNoId) return;
    Cell* cell = cell_for(into, view.minute, ids[view.id]);
    if (cell == nullptr) return;
    cell->failed = wrapping_add(cell->failed, view.failed);
    cell->durations.merge(view.durations);
  });
}

void Rollup::merge(const Rollup& other) {
  CHECK(this != &other);
  std::vector<uint32_t> ids(other.series_count());
  for (uint32_t id = 0; id < ids.size(); ++id) ids[id] = series_id(other.series(id)).value_or(kNoId);
  merge_part(CellSort::Red, other, ids);
  ids.resize(other.edge_count());
  for (uint32_t id = 0; id < ids.size(); ++id) ids[id] = edge_id(other.edge(id)).value_or(kNoId);
  merge_part(CellSort::Edges, other, ids);
}

void Rollup::visit(CellSort sort, Minutes minutes, Detail detail, const Visitor& visitor) const {
  const Part& cells = part(sort);
  for (const Cell& cell : cells.cells.cells()) {
    if (!minutes.contains(cell.minute) || cell.is_zero()) continue;
    CellView view{cell.minute, cell.id, cell.durations.count(), cell.failed, {}};
    if (detail == Detail::Histograms) view.durations = cell.durations;
    visitor(view);
  }
  if (cells.chunks.empty()) return;
  codec::Inflater inflater;
  ChunkReader reader;
  const uint32_t ids = static_cast<uint32_t>(cells.keys.size() - 1);
  for (const Chunk& chunk : cells.chunks) {
    if (chunk.last_minute < minutes.first || chunk.first_minute > minutes.last) continue;
    // decode() has read every chunk.
    const Bytes packed = as_bytes(packed_).subspan(chunk.offset, chunk.bytes);
    const Bytes inflated = MUST(unpack(inflater, chunk.coding, packed, chunk.inflated_bytes));
    MUST(reader.read(chunk, inflated, ids, detail));
    for (uint32_t i = 0; i < reader.size(); ++i) {
      const CellView view = reader.cell(i);
      if (minutes.contains(view.minute)) visitor(view);
    }
  }
}

std::optional<Minutes> Rollup::minutes() const {
  Minutes found{UINT32_MAX, 0};
  const auto take = [&](Minute first, Minute last) {
    found = {std::min(found.first, first), std::max(found.last, last)};
  };
  for (const Part* part : {&red_, &edges_}) {
    for (const Cell& cell : part->cells.cells())
      if (!cell.is_zero()) take(cell.minute, cell.minute);
    for (const Chunk& chunk : part->chunks) take(chunk.first_minute, chunk.last_minute);
  }
  if (found.first > found.last) return std::nullopt;
  return found;
}

uint64_t Rollup::cell_count() const {
  const auto count = [](const Part& part) { return part.cells.cells().size() + part.chunk_cells; };
  return std::max(count(red_), count(edges_));
}

uint64_t Rollup::memory_bytes() const {
  uint64_t bytes = sizeof *this + texts_.memory_bytes() + packed_.capacity();
  for (const Part* part : {&red_, &edges_})
    bytes += part->keys.memory_bytes() + part->cells.memory_bytes() + part->chunks.capacity() * sizeof(Chunk);
  return bytes;
}

}  // namespace clew::rollup
