// SPDX-License-Identifier: Apache-2.0
//
// Proves on random traces that a roll-up is the recount of its spans (testing/recount.h), that merging is commutative
// and associative, that a trace may come in whatever parts in whatever order when differences are added, and that every
// limit leaves its mark and never a wrong count.
#include "rollup/rollup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "rollup/red_writer.h"
#include "rollup/testing/recount.h"

namespace clew::rollup {
namespace {

using testing::PlainSpan;
using testing::Recount;

constexpr UnixNanos kNow = 1'795'200'536 * kNanosPerSecond;
constexpr UnixNanos kMinuteNanos = 60 * kNanosPerSecond;

struct Random {
  uint64_t seed = std::random_device{}();
  std::mt19937_64 engine{seed};
  std::string trace() const { return "seed " + std::to_string(seed); }
};

std::vector<PlainSpan> random_spans(std::mt19937_64& random, int traces) {
  std::vector<PlainSpan> spans;
  for (int i = 0; i < traces; ++i) {
    const std::vector<PlainSpan> trace = testing::random_trace(random, kNow + random() % (10 * kMinuteNanos));
    spans.insert(spans.end(), trace.begin(), trace.end());
  }
  return spans;
}

Rollup rollup_of(std::span<const PlainSpan> spans) {
  Rollup rollup;
  testing::add_red(rollup, spans);
  std::map<model::TraceId, std::vector<PlainSpan>> traces;
  for (const PlainSpan& span : spans) traces[span.trace_id].push_back(span);
  for (const auto& [id, trace] : traces) testing::add_trace_edges(rollup, trace, Sign::Add);
  return rollup;
}

TEST(Rollup, TheMinuteHoldsItsEndAndNotItsBegin) {
  EXPECT_EQ(minute_of(0), 0u);
  EXPECT_EQ(minute_of(kMinuteNanos), 0u);
  EXPECT_EQ(minute_of(kMinuteNanos + 1), 1u);
  EXPECT_EQ(minute_of(UINT64_MAX), UINT64_MAX / kMinuteNanos);
  EXPECT_EQ(minute_of_span(5, kNow), minute_of(kNow));
  EXPECT_EQ(minute_of_span(kNow - kMinuteNanos, kNow), minute_of(kNow) - 1);
  EXPECT_EQ(minutes_of(kMinuteNanos, 3 * kMinuteNanos), (Minutes{0, 2}));
}

TEST(Rollup, EqualsTheRecount) {
  Random random;
  SCOPED_TRACE(random.trace());
  for (int round = 0; round < 150; ++round) {
    const std::vector<PlainSpan> spans = random_spans(random.engine, 8);
    const Rollup rollup = rollup_of(spans);
    const Recount got = testing::content(rollup);
    const Recount wanted = testing::recount(spans);
    ASSERT_TRUE(got == wanted) << testing::difference(got, wanted);
    ASSERT_FALSE(rollup.overflowed());
  }
}

TEST(Rollup, MergingIsCommutativeAndAssociative) {
  Random random;
  SCOPED_TRACE(random.trace());
  for (int round = 0; round < 40; ++round) {
    std::vector<PlainSpan> all;
    std::vector<Rollup> parts;
    for (int i = 0; i < 4; ++i) {
      const std::vector<PlainSpan> spans = random_spans(random.engine, 3);
      all.insert(all.end(), spans.begin(), spans.end());
      parts.push_back(rollup_of(spans));
      // Half of them as they are read again.
      if (random.engine() % 2 == 0) parts.back() = MUST(Rollup::decode(as_bytes(parts.back().encode())));
    }
    Rollup left;
    for (const Rollup& part : parts) left.merge(part);
    Rollup right, pair;
    pair.merge(parts[3]);
    pair.merge(parts[1]);
    right.merge(parts[2]);
    right.merge(pair);
    right.merge(parts[0]);
    ASSERT_EQ(left.encode(), right.encode());
    const Recount got = testing::content(left);
    const Recount wanted = testing::recount(all);
    ASSERT_TRUE(got == wanted) << testing::difference(got, wanted);
  }
}

TEST(Rollup, ATraceInPartsEqualsTheWhole) {
  Random random;
  SCOPED_TRACE(random.trace());
  for (int round = 0; round < 300; ++round) {
    std::vector<PlainSpan> trace = testing::random_trace(random.engine, kNow);
    std::vector<std::vector<PlainSpan>> parts(1 + random.engine() % 4);
    for (const PlainSpan& span : trace) parts[random.engine() % parts.size()].push_back(span);
    std::vector<PlainSpan> so_far;
    std::vector<Rollup> deltas;
    UnixNanos arrived = kNow;
    for (std::vector<PlainSpan>& part : parts) {
      for (PlainSpan& span : part) span.arrived = arrived;
      arrived += random.engine() % (3 * kMinuteNanos);
      Rollup& delta = deltas.emplace_back();
      testing::add_red(delta, part);
      testing::add_trace_edges(delta, so_far, Sign::Remove);
      so_far.insert(so_far.end(), part.begin(), part.end());
      testing::add_trace_edges(delta, so_far, Sign::Add);
      if (random.engine() % 2 == 0) delta = MUST(Rollup::decode(as_bytes(delta.encode())));
    }
    std::ranges::shuffle(deltas, random.engine);
    std::vector<const Rollup*> views;
    for (const Rollup& delta : deltas) views.push_back(&delta);
    const Recount wanted = testing::recount(so_far);
    const Recount got = testing::content(views);
    ASSERT_TRUE(got == wanted) << testing::difference(got, wanted);
    Rollup merged;
    for (const Rollup& delta : deltas) merged.merge(delta);
    ASSERT_TRUE(testing::content(merged) == wanted);
  }
}

TEST(Rollup, WhatIsTakenAwayLeavesNothing) {
  Random random;
  SCOPED_TRACE(random.trace());
  const std::vector<PlainSpan> trace = testing::random_trace(random.engine, kNow);
  Rollup rollup;
  testing::add_trace_edges(rollup, trace, Sign::Add);
  testing::add_trace_edges(rollup, trace, Sign::Remove);
  EXPECT_EQ(testing::content(rollup), Recount{});
  EXPECT_EQ(rollup.minutes(), std::nullopt);
  EXPECT_EQ(rollup.encode(), Rollup().encode());
}

TEST(Rollup, AWriterFollowsABatchThatGrows) {
  Random random;
  SCOPED_TRACE(random.trace());
  const std::vector<PlainSpan> spans = random_spans(random.engine, 40);
  model::SpanBatch batch;
  Rollup rollup;
  RedWriter red(rollup, batch);
  for (uint32_t row = 0; row < spans.size(); ++row) {
    testing::append(batch, spans[row]);
    red.add(row, row + 1, spans[row].arrived);
  }
  EXPECT_TRUE(testing::content(rollup).red == testing::recount(spans).red);
}

TEST(Rollup, CountsWithoutHistograms) {
  Random random;
  SCOPED_TRACE(random.trace());
  const std::vector<PlainSpan> spans = random_spans(random.engine, 50);
  const Rollup loose = rollup_of(spans);
  const Rollup packed = MUST(Rollup::decode(as_bytes(loose.encode())));
  for (const Rollup* rollup : {&loose, &packed}) {
    int64_t count = 0;
    rollup->visit(CellSort::Red, {}, Detail::Counts, [&](const CellView& cell) {
      count += cell.count;
      EXPECT_TRUE(cell.durations.buckets.empty());
    });
    EXPECT_EQ(count, static_cast<int64_t>(spans.size()));
  }
}

TEST(Rollup, AVisitShowsTheMinutesThatWereAskedFor) {
  Rollup rollup;
  const auto id = *rollup.series_id({"s", "n", 2, 0});
  for (Minute minute = 0; minute < 10'000; ++minute) rollup.add(minute, id, 7);
  const Rollup packed = MUST(Rollup::decode(as_bytes(rollup.encode())));
  for (const Rollup* either : {&std::as_const(rollup), &packed}) {
    std::vector<Minute> seen;
    either->visit(CellSort::Red, {4090, 4100}, Detail::Histograms,
                  [&](const CellView& cell) { seen.push_back(cell.minute); });
    EXPECT_EQ(seen, (std::vector<Minute>{4090, 4091, 4092, 4093, 4094, 4095, 4096, 4097, 4098, 4099, 4100}));
    EXPECT_EQ(either->minutes(), (Minutes{0, 9999}));
  }
}

TEST(Rollup, TooManySeriesLeaveAMarkThatStays) {
  Rollup rollup;
  for (uint32_t i = 0; i < kSeriesMax; ++i) {
    const auto id = rollup.series_id({"s", std::to_string(i), 2, 0});
    ASSERT_TRUE(id.has_value());
    if (i % 1000 == 0) rollup.add(1, *id, i);
  }
  EXPECT_FALSE(rollup.overflowed());
  EXPECT_EQ(rollup.series_id({"s", "one more", 2, 0}), std::nullopt);
  EXPECT_TRUE(rollup.series_id({"s", "17", 2, 0}).has_value());
  EXPECT_TRUE(rollup.red_overflowed());
  EXPECT_FALSE(rollup.edges_overflowed());
  Rollup merged;
  merged.merge(MUST(Rollup::decode(as_bytes(rollup.encode()))));
  EXPECT_TRUE(merged.red_overflowed());
  EXPECT_FALSE(merged.edges_overflowed());
  EXPECT_EQ(merged.series_count(), kSeriesMax / 1000);
}

TEST(Rollup, TooManyEdgesCellsOrTextsLeaveAMark) {
  Rollup edges;
  for (uint32_t i = 0; i < kEdgesMax + 1; ++i) {
    const std::string callee = std::to_string(i);
    edges.add_edge({1, {"s", callee, Peer::External}, false, 5}, Sign::Add);
    ASSERT_EQ(edges.edges_overflowed(), i == kEdgesMax);
  }
  EXPECT_EQ(testing::content(edges).edges.size(), kEdgesMax);

  Rollup cells;
  const auto id = *cells.series_id({"s", "n", 2, 0});
  for (Minute minute = 0; minute < kCellsMax + 1; ++minute) {
    cells.add(minute, id, 5);
    ASSERT_EQ(cells.red_overflowed(), minute == kCellsMax);
  }
  EXPECT_EQ(cells.cell_count(), kCellsMax);

  Rollup texts;
  const std::string half(kTextBytesMax / 2, 'x');
  EXPECT_TRUE(texts.series_id({"s", half, 2, 0}).has_value());
  EXPECT_EQ(texts.series_id({"s", half + "y", 2, 0}), std::nullopt);
  EXPECT_TRUE(texts.red_overflowed());
}

}  // namespace
}  // namespace clew::rollup
