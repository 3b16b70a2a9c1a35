// SPDX-License-Identifier: Apache-2.0
//
// What is known of a trace without looking at its spans: its id, the time it covers, its size, its place in the order
// of answers. Parts of a trace that lie apart have a summary each; merge() makes them one.
//
// A span is *sane* when it starts from the year 2000 to one day after it arrived; others do not stretch a trace.
#pragma once

#include <compare>
#include <cstdint>

#include "base/clock.h"
#include "model/ids.h"

namespace clew::model {

bool is_sane(UnixNanos start, UnixNanos arrived);

struct TraceSummary {
  TraceId id;
  // The key of newest-first order: the earliest start over sane spans, at most the first arrival; the first arrival
  // where there is no sane span.
  UnixNanos order_time = 0;
  // The time that the trace covers, over sane spans; both the first arrival where there is none.
  UnixNanos start = 0;
  UnixNanos end = 0;
  UnixNanos first_arrival = 0;
  uint32_t span_count = 0;
  bool has_sane_span = false;

  friend bool operator==(const TraceSummary&, const TraceSummary&) = default;
};

// The order of answers is newest first: descending (time, id).
struct OrderKey {
  UnixNanos time = 0;
  TraceId id;
  friend auto operator<=>(const OrderKey&, const OrderKey&) = default;
};

inline OrderKey order_key(const TraceSummary& summary) { return {summary.order_time, summary.id}; }

// Of a trace whose first span arrived then, before that span is taken in.
TraceSummary first_summary(const TraceId& id, UnixNanos arrived);

// Takes a span of the trace, which came at `arrived`, into the summary.
void add_span(TraceSummary& summary, UnixNanos start, UnixNanos end, UnixNanos arrived);

// The summary of both parts together. A span that lies in both is counted twice: its owner corrects span_count.
TraceSummary merge(const TraceSummary& a, const TraceSummary& b);

}  // namespace clew::model
