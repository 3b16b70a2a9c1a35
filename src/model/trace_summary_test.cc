// SPDX-License-Identifier: Apache-2.0
//
// Proves that the summary of a trace is the same however its spans are dealt out to parts, and in whatever order parts
// and spans come: what is merged equals what a plain reading of trace_summary.h says of all spans together.
#include "model/trace_summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <vector>

namespace clew::model {
namespace {

constexpr TraceId kId = {1, 2};
constexpr UnixNanos kYear2000 = 946'684'800 * kNanosPerSecond;
constexpr UnixNanos kNow = 1'700'000'000 * kNanosPerSecond;
constexpr UnixNanos kDay = 86'400 * kNanosPerSecond;

struct Span {
  UnixNanos start;
  UnixNanos end;
  UnixNanos arrived;
};

TraceSummary summary_of(const std::vector<Span>& spans) {
  TraceSummary summary = first_summary(kId, spans.front().arrived);
  for (const Span& span : spans) add_span(summary, span.start, span.end, span.arrived);
  return summary;
}

bool sane_by_the_rule(UnixNanos time, UnixNanos arrived) { return time >= kYear2000 && time <= arrived + kDay; }

TEST(TraceSummary, CoversTheSaneSpans) {
  const TraceSummary summary = summary_of({{kNow - 50, kNow - 20, kNow}, {kNow - 70, kNow - 60, kNow + 9}});
  EXPECT_EQ(summary, (TraceSummary{kId, kNow - 70, kNow - 70, kNow - 20, kNow, 2, true}));
}

TEST(TraceSummary, InsaneSpansStretchNothing) {
  EXPECT_EQ(summary_of({{0, 5, kNow}}), (TraceSummary{kId, kNow, kNow, kNow, kNow, 1, false}));
  EXPECT_EQ(summary_of({{kYear2000 - 1, kNow, kNow}, {kNow + kDay + 1, kNow + kDay + 2, kNow}}),
            (TraceSummary{kId, kNow, kNow, kNow, kNow, 2, false}));
  EXPECT_EQ(summary_of({{kYear2000, kYear2000 - 1, kNow}}),
            (TraceSummary{kId, kYear2000, kYear2000, kYear2000, kNow, 1, true}));
  EXPECT_EQ(summary_of({{kNow, UINT64_MAX, kNow}}), (TraceSummary{kId, kNow, kNow, kNow, kNow, 1, true}));
}

TEST(TraceSummary, AStartAfterTheFirstArrivalDoesNotMoveTheKey) {
  EXPECT_EQ(summary_of({{kNow + 10, kNow + 20, kNow}}), (TraceSummary{kId, kNow, kNow + 10, kNow + 20, kNow, 1, true}));
}

TEST(TraceSummary, PartsMergeToTheWholeInAnyOrder) {
  const char* given = std::getenv("CLEW_SEED");
  const uint64_t first = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
  for (uint64_t seed = first; seed < first + 3000; ++seed) {
    std::mt19937_64 random(seed);
    const auto time = [&]() -> UnixNanos {
      switch (random() % 8) {
        case 0:
          return random() % 2 == 0 ? 0 : UINT64_MAX;
        case 1:
          return kYear2000 - 1 + random() % 3;
        case 2:
          return kNow + kDay - 1 + random() % 200;
        default:
          return kNow - random() % 100;
      }
    };
    std::vector<std::vector<Span>> parts(1 + random() % 4);
    std::vector<Span> all;
    for (std::vector<Span>& part : parts) {
      // The spans of a part arrive in order, as the head takes them in.
      UnixNanos arrived = kNow + random() % 50;
      for (size_t i = 0, count = 1 + random() % 4; i < count; ++i) {
        part.push_back({time(), time(), arrived});
        arrived += random() % 50;
      }
      all.insert(all.end(), part.begin(), part.end());
    }
    std::ranges::shuffle(parts, random);
    TraceSummary merged = summary_of(parts[0]);
    for (size_t i = 1; i < parts.size(); ++i) {
      const TraceSummary part = summary_of(parts[i]);
      ASSERT_EQ(merge(merged, part), merge(part, merged)) << "seed " << seed;
      merged = merge(merged, part);
    }

    TraceSummary expected{.id = kId, .span_count = static_cast<uint32_t>(all.size())};
    expected.first_arrival = std::ranges::min(all, {}, &Span::arrived).arrived;
    std::optional<UnixNanos> start, end;
    for (const Span& span : all) {
      if (!sane_by_the_rule(span.start, span.arrived)) continue;
      const UnixNanos last = span.end >= span.start && sane_by_the_rule(span.end, span.arrived) ? span.end : span.start;
      start = std::min(start.value_or(span.start), span.start);
      end = std::max(end.value_or(last), last);
    }
    expected.has_sane_span = start.has_value();
    expected.start = start.value_or(expected.first_arrival);
    expected.end = end.value_or(expected.first_arrival);
    expected.order_time = std::min(start.value_or(expected.first_arrival), expected.first_arrival);
    ASSERT_EQ(merged, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace clew::model
