// SPDX-License-Identifier: Apache-2.0
#include "scan/newest.h"

namespace clew::scan {

std::vector<uint32_t> first_shown(eval::ColumnView& view, std::span<const uint32_t> rows,
                                  std::span<const uint32_t> positions, size_t wanted) {
  FirstShown first(wanted);
  std::vector<uint32_t> some;
  std::vector<model::SpanLink> links;
  for (size_t at = 0; at < positions.size(); at += kSliceRows) {
    const auto piece = positions.subspan(at, std::min(kSliceRows, positions.size() - at));
    some.clear();
    for (const uint32_t position : piece) some.push_back(rows[position]);
    links.resize(piece.size());
    view.read_starts(some, links);
    for (size_t i = 0; i < piece.size(); ++i) first.add({links[i].start, links[i].id, links[i].server_half}, piece[i]);
  }
  return first.take();
}

void Newest::enter(Found found) {
  if (!may_enter(found.key)) return;
  if (is_full()) {
    std::ranges::pop_heap(traces_, IsNewer());
    traces_.pop_back();
  }
  traces_.push_back(std::move(found));
  std::ranges::push_heap(traces_, IsNewer());
}

std::vector<Found> Newest::newer_than(UnixNanos time, size_t skip) const {
  std::vector<const Found*> newer;
  for (const Found& each : traces_) {
    if (each.key.time > time) newer.push_back(&each);
  }
  std::ranges::sort(newer, [](const Found* a, const Found* b) { return a->key > b->key; });
  std::vector<Found> found;
  for (size_t i = skip; i < std::min<size_t>(newer.size(), options_.limit); ++i) found.push_back(*newer[i]);
  return found;
}

std::vector<Found> Newest::take(bool& more) {
  std::ranges::sort_heap(traces_, IsNewer());
  more = is_full();
  if (more) traces_.pop_back();
  return std::move(traces_);
}

bool Newest::should_stop() {
  if (stopped_) return true;
  if (options_.cancelled != nullptr && options_.cancelled->load(std::memory_order_relaxed)) {
    stopped_ = true;
    note("the search was cancelled");
  } else if (options_.clock != nullptr && options_.clock->monotonic_nanos() >= options_.deadline_nanos) {
    stopped_ = true;
    note("the time for the search was up");
  }
  return stopped_;
}

}  // namespace clew::scan
