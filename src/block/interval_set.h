// SPDX-License-Identifier: Apache-2.0
//
// At most kIntervalsMax disjoint intervals that cover everything that was added: where there would be more, the two
// with the smallest gap between them become one. A broken clock costs an interval, not the pruning of all others.
#pragma once

#include <algorithm>
#include <vector>

#include "block/schema.h"

namespace clew::block {

class IntervalSet {
 public:
  void add(TimeInterval added) {
    auto at = std::ranges::lower_bound(intervals_, added.start, {}, &TimeInterval::end);
    if (at != intervals_.end() && at->start <= added.start && added.end <= at->end) return;
    const auto first = at;
    for (; at != intervals_.end() && at->start <= added.end; ++at) {
      added.start = std::min(added.start, at->start);
      added.end = std::max(added.end, at->end);
    }
    intervals_.insert(intervals_.erase(first, at), added);
    if (intervals_.size() > kKept) join_nearest();
  }

  std::vector<TimeInterval> intervals() && {
    while (intervals_.size() > kIntervalsMax) join_nearest();
    return std::move(intervals_);
  }

 private:
  // More than in the end, so that what comes first does not decide.
  static constexpr size_t kKept = 8 * kIntervalsMax;

  void join_nearest() {
    size_t best = 1;
    for (size_t i = 2; i < intervals_.size(); ++i) {
      const auto gap = [&](size_t k) { return intervals_[k].start - intervals_[k - 1].end; };
      if (gap(i) < gap(best)) best = i;
    }
    intervals_[best - 1].end = intervals_[best].end;
    intervals_.erase(intervals_.begin() + static_cast<ptrdiff_t>(best));
  }

  std::vector<TimeInterval> intervals_;  // ascending
};

}  // namespace clew::block
