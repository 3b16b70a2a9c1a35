// SPDX-License-Identifier: Apache-2.0
#include "model/trace_summary.h"

#include <algorithm>

namespace clew::model {
namespace {

constexpr UnixNanos kYear2000 = 946'684'800 * kNanosPerSecond;
constexpr uint64_t kDay = 86'400 * kNanosPerSecond;

}  // namespace

bool is_sane(UnixNanos start, UnixNanos arrived) { return start >= kYear2000 && start <= arrived + kDay; }

TraceSummary first_summary(const TraceId& id, UnixNanos arrived) {
  return {.id = id, .order_time = arrived, .start = arrived, .end = arrived, .first_arrival = arrived};
}

void add_span(TraceSummary& summary, UnixNanos start, UnixNanos end, UnixNanos arrived) {
  ++summary.span_count;
  if (!is_sane(start, arrived)) return;
  const UnixNanos last = end >= start && is_sane(end, arrived) ? end : start;
  summary.start = summary.has_sane_span ? std::min(summary.start, start) : start;
  summary.end = summary.has_sane_span ? std::max(summary.end, last) : last;
  summary.order_time = std::min(summary.order_time, start);
  summary.has_sane_span = true;
}

TraceSummary merge(const TraceSummary& a, const TraceSummary& b) {
  TraceSummary whole = a.has_sane_span ? a : b;
  whole.order_time = std::min(a.order_time, b.order_time);
  whole.first_arrival = std::min(a.first_arrival, b.first_arrival);
  whole.span_count = a.span_count + b.span_count;
  if (a.has_sane_span && b.has_sane_span) {
    whole.start = std::min(a.start, b.start);
    whole.end = std::max(a.end, b.end);
  } else if (!a.has_sane_span && !b.has_sane_span) {
    whole.start = whole.end = whole.first_arrival;
  }
  return whole;
}

}  // namespace clew::model
