// SPDX-License-Identifier: Apache-2.0
//
// What the scans of one search share: the newest traces found so far, the search's bounds of time and memory, and why
// its answer is not whole, if it is not.
//
// Newest keeps limit + 1 traces (the one more tells whether there is a next page). Once it is full, its oldest says
// what is no longer worth looking at; that bound only rises, so what was passed over stays out.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/memory_budget.h"
#include "block/schema.h"
#include "eval/column_view.h"
#include "model/trace_summary.h"
#include "scan/search.h"

namespace clew::scan {

// Rows that are worked on at a time: a head's lock is held for no longer, well below a millisecond.
constexpr size_t kSliceRows = 4096;
// Of a found trace while it is only a key and a few rows.
constexpr uint64_t kBytesPerFound = 192;
// Shown spans beyond the asked ones while it is not known which of equal ones come first.
constexpr size_t kTiesMax = 64;

// Why an answer is not whole where a span had more values in one field than a column holds.
constexpr const char* kTooManyValues = "a span has more values in one field than a search compares";

enum class Source : uint8_t { Head, Block, Shared };

struct Found {
  model::OrderKey key;
  Source source{};
  uint32_t index = 0;  // of the head or block in the snapshot
  uint32_t trace = 0;  // in a head: its number
  // In a block: where it begins.
  uint32_t row_group = 0;
  uint32_t first_row = 0;
  model::TraceSummary summary;
  uint32_t matched_count = 0;
  // In a head: rows; in a block: places in the trace's part. In canonical order, perhaps with more ties than asked for.
  std::vector<uint32_t> shown;
};

// The order in which spans of a trace are shown; equal ones are told apart by their content.
struct ShownKey {
  UnixNanos start = 0;
  uint64_t span_id = 0;
  bool server_half = false;
  friend auto operator<=>(const ShownKey&, const ShownKey&) = default;
};

// The `wanted` first of many spans, and those equal to the last of them; holds a bounded number while it is told of
// them.
class FirstShown {
 public:
  explicit FirstShown(size_t wanted) : wanted_(wanted) {}

  void add(const ShownKey& key, uint32_t span) {
    if (wanted_ == 0) return;
    keyed_.emplace_back(key, span);
    if (keyed_.size() >= wanted_ + kTiesMax + kSliceRows) cut();
  }
  std::vector<uint32_t> take() {
    cut();
    std::ranges::sort(keyed_);
    std::vector<uint32_t> chosen;
    for (size_t i = 0; i < keyed_.size() && (i < wanted_ || keyed_[i].first == keyed_[wanted_ - 1].first); ++i) {
      chosen.push_back(keyed_[i].second);
    }
    keyed_.clear();
    return chosen;
  }

 private:
  void cut() {
    const size_t most = wanted_ + kTiesMax;
    if (keyed_.size() <= most) return;
    std::ranges::nth_element(keyed_, keyed_.begin() + static_cast<std::ptrdiff_t>(most));
    keyed_.resize(most);
  }

  const size_t wanted_;
  std::vector<std::pair<ShownKey, uint32_t>> keyed_;
};

// The same of `spans` by key_of(span).
template <class KeyOf>
std::vector<uint32_t> first_by_key(std::span<const uint32_t> spans, size_t wanted, KeyOf key_of) {
  FirstShown first(wanted);
  for (const uint32_t span : spans) first.add(key_of(span), span);
  return first.take();
}

// Of `positions` in a chunk of rows; the view reads some of them at a time.
std::vector<uint32_t> first_shown(eval::ColumnView& view, std::span<const uint32_t> rows,
                                  std::span<const uint32_t> positions, size_t wanted);

class Newest {
 public:
  Newest(const SearchOptions& options, std::optional<model::OrderKey> before, const MatchVisitor* visitor,
         MemoryBudget& budget)
      : options_(options), before_(before), visitor_(visitor), budget_(budget), memory_(budget, Share::Query) {}

  const SearchOptions& options() const { return options_; }
  // Where there is one, it is shown what a scan finds, and nothing is entered.
  const MatchVisitor* visitor() const { return visitor_; }
  bool in_range(const model::TraceSummary& summary) const {
    return summary.start <= options_.to && summary.end >= options_.from;
  }
  // Could a trace with this key still be shown? For a part of a trace: is_late() has to decide.
  bool may_enter(const model::OrderKey& key) const { return !(before_ && key >= *before_) && !is_late(key); }
  // Is it older than what is shown, whatever else is found? The key of a part is at least that of the whole trace.
  bool is_late(const model::OrderKey& key) const { return is_full() && key < traces_.front().key; }
  // Is everything with an order time up to this one late?
  bool is_late(UnixNanos newest) const { return is_full() && newest < traces_.front().key.time; }
  bool is_full() const { return traces_.size() > options_.limit; }
  void enter(Found found);
  // How many there are, at most the limit.
  size_t count() const { return std::min<size_t>(traces_.size(), options_.limit); }
  // Newest first: those with an order time above `time`, at most the limit, without the first `skip` of them.
  std::vector<Found> newer_than(UnixNanos time, size_t skip) const;
  // Newest first, at most the limit. `more`: there were others.
  std::vector<Found> take(bool& more);

  bool should_stop();
  bool stopped() const { return stopped_; }
  void note(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
  }
  const std::string& reason() const { return reason_; }

  MemoryBudget& budget() { return budget_; }
  Reservation& memory() { return memory_; }

  uint64_t traces_inspected = 0;
  uint64_t spans_inspected = 0;

 private:
  struct IsNewer {  // makes std::*_heap put the oldest in front
    bool operator()(const Found& a, const Found& b) const { return a.key > b.key; }
  };

  const SearchOptions& options_;
  const std::optional<model::OrderKey> before_;  // where the page begins, exclusively
  const MatchVisitor* const visitor_;
  MemoryBudget& budget_;
  Reservation memory_;
  std::vector<Found> traces_;
  bool stopped_ = false;
  std::string reason_;
};

}  // namespace clew::scan
