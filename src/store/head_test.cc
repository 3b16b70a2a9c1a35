// SPDX-License-Identifier: Apache-2.0
//
// A snapshot sees exactly what was appended before it, however much comes later, and its traces are those of a naive
// model that keeps every span in a map.
#include "store/head.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "model/testing/sample_batch.h"

namespace clew::store {
namespace {

using model::SpanBatch;
using model::TraceId;
using model::testing::describe;

constexpr UnixNanos kNow = 1'790'000'000 * kNanosPerSecond;
constexpr uint64_t kDay = 86'400 * kNanosPerSecond;

struct TimedSpan {
  UnixNanos start, end, arrival;
};

// The rules of TraceSummary, written as the header says them.
TraceSummary expected_summary(const TraceId& id, const std::vector<TimedSpan>& spans) {
  const UnixNanos first_arrival = spans.front().arrival;
  TraceSummary summary = {.id = id, .order_time = first_arrival, .start = first_arrival, .end = first_arrival};
  const auto sane = [](UnixNanos time, UnixNanos arrival) {
    return time >= 946'684'800 * kNanosPerSecond && time <= arrival + kDay;
  };
  std::vector<UnixNanos> starts, ends;
  for (const TimedSpan& span : spans) {
    if (!sane(span.start, span.arrival)) continue;
    starts.push_back(span.start);
    ends.push_back(span.end >= span.start && sane(span.end, span.arrival) ? span.end : span.start);
  }
  if (!starts.empty()) {
    summary.start = *std::min_element(starts.begin(), starts.end());
    summary.end = *std::max_element(ends.begin(), ends.end());
    summary.order_time = std::min(first_arrival, summary.start);
  }
  summary.span_count = static_cast<uint32_t>(spans.size());
  return summary;
}

void expect_equal(const TraceSummary& seen, const TraceSummary& expected) {
  EXPECT_EQ(seen.id, expected.id);
  EXPECT_EQ(seen.order_time, expected.order_time);
  EXPECT_EQ(seen.start, expected.start);
  EXPECT_EQ(seen.end, expected.end);
  EXPECT_EQ(seen.span_count, expected.span_count);
}

SpanBatch random_batch(std::mt19937_64& random, size_t spans) {
  SpanBatch batch = model::testing::sample_batch(static_cast<uint32_t>(random()), spans);
  for (size_t row = 0; row < spans; ++row) {
    batch.trace_id[row] = {0, 1 + random() % 3000};
    batch.start[row] = kNow - random() % kDay + random() % (3 * kDay);
    if (random() % 16 == 0) batch.start[row] = random();
    batch.end[row] = random() % 16 == 0 ? random() : batch.start[row] + random() % kNanosPerSecond;
  }
  return batch;
}

TEST(Head, EverySnapshotAgreesWithAModelForEver) {
  std::mt19937_64 random(11);
  const auto head = std::make_shared<Head>();
  std::map<TraceId, std::vector<TimedSpan>> model;
  std::map<TraceId, std::vector<std::string>> texts;
  struct Past {
    HeadSnapshot snapshot;
    std::map<TraceId, std::vector<TimedSpan>> model;
    std::map<TraceId, std::vector<std::string>> texts;
  };
  std::vector<Past> pasts;
  for (int step = 0; step < 60; ++step) {
    const SpanBatch batch = random_batch(random, random() % 120);
    const UnixNanos arrival = kNow + static_cast<uint64_t>(step) * kNanosPerSecond;
    head->append(batch, arrival);
    for (size_t row = 0; row < batch.span_count(); ++row) {
      model[batch.trace_id[row]].push_back({batch.start[row], batch.end[row], arrival});
      texts[batch.trace_id[row]].push_back(describe(batch, row));
    }
    if (step % 10 == 0) pasts.push_back({head->snapshot(), model, texts});
  }
  for (const Past& past : pasts) {
    const HeadSlice slice = past.snapshot.slice();
    ASSERT_EQ(past.snapshot.trace_count(), past.model.size());
    size_t rows_seen = 0;
    for (uint32_t number = 0; number < past.snapshot.trace_count(); ++number) {
      const TraceSummary summary = slice.summary(number);
      ASSERT_TRUE(past.model.contains(summary.id));
      expect_equal(summary, expected_summary(summary.id, past.model.at(summary.id)));
      EXPECT_EQ(slice.find(summary.id), number);
      EXPECT_LE(summary.order_time, slice.newest_in_zone(number / kZoneTraces));
      std::vector<uint32_t> rows;
      slice.append_rows(number, rows);
      const std::vector<std::string>& expected = past.texts.at(summary.id);
      ASSERT_EQ(rows.size(), expected.size());
      for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(describe(slice.spans(), rows[i]), expected[i]);
      rows_seen += rows.size();
    }
    EXPECT_EQ(rows_seen, past.snapshot.row_count());
  }
}

TEST(Head, FindsOnlyWhatTheSnapshotHolds) {
  const auto head = std::make_shared<Head>();
  EXPECT_EQ(head->snapshot().slice().find({0, 1}), std::nullopt);
  const HeadSnapshot before = head->snapshot();
  SpanBatch batch = model::testing::sample_batch(1, 1);
  head->append(batch, kNow);
  EXPECT_EQ(before.slice().find(batch.trace_id[0]), std::nullopt);
  EXPECT_EQ(head->snapshot().slice().find(batch.trace_id[0]), 0u);
}

// Every request puts one span in each of three traces; a reader that saw part of a request would count unequal traces.
TEST(Head, ReadersSeeWholeRequestsWhileTheWriterWrites) {
  const auto head = std::make_shared<Head>();
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 1500; ++i) {
      SpanBatch batch = model::testing::sample_batch(static_cast<uint32_t>(i), 3);
      for (size_t row = 0; row < 3; ++row) batch.trace_id[row] = {9, row + 1};
      head->append(batch, kNow);
    }
    done = true;
  });
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      while (!done) {
        const HeadSnapshot snapshot = head->snapshot();
        ASSERT_EQ(snapshot.row_count() % 3, 0u);
        if (snapshot.row_count() == 0) continue;
        for (uint32_t trace = 0; trace < 3; ++trace) {
          const HeadSlice slice = snapshot.slice();
          std::vector<uint32_t> rows;
          slice.append_rows(trace, rows);
          ASSERT_EQ(rows.size(), snapshot.row_count() / 3);
          ASSERT_EQ(slice.summary(trace).span_count, snapshot.row_count() / 3);
          ASSERT_FALSE(describe(slice.spans(), rows.back()).empty());
        }
      }
    });
  }
  writer.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(head->snapshot().row_count(), 4500u);
}

// Retries of whole requests, of parts of them, of spans that differ in one thing, and one span over and over: what is
// kept is what a set of texts keeps, in the order of first arrival, for small traces and large ones.
TEST(Head, KeepsEachSpanOnce) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto head = std::make_shared<Head>();
    std::vector<SpanBatch> sent;
    std::set<std::string> known;
    std::string expected;
    uint64_t dropped = 0, expected_dropped = 0;
    for (int step = 0; step < 40; ++step) {
      SpanBatch batch;
      if (!sent.empty() && random() % 3 != 0) {
        const SpanBatch& old = sent[random() % sent.size()];
        std::vector<uint32_t> rows;
        for (uint32_t row = 0; row < old.span_count(); ++row)
          for (uint64_t copies = random() % 3; copies > 0; --copies) rows.push_back(row);
        batch.append_rows(old, rows);
        for (size_t row = 0; row < batch.span_count(); ++row)
          if (random() % 4 == 0) batch.flags[row] = static_cast<uint32_t>(random() % 40);
      } else {
        batch = model::testing::sample_batch(static_cast<uint32_t>(random()), 1 + random() % 60);
        for (size_t row = 0; row < batch.span_count(); ++row) batch.trace_id[row] = {1, 1 + random() % (1 + seed)};
      }
      for (size_t row = 0; row < batch.span_count(); ++row) {
        const std::string text = describe(batch, row);
        if (known.insert(text).second) {
          expected += text;
        } else {
          ++expected_dropped;
        }
      }
      dropped += head->append(batch, kNow);
      sent.push_back(std::move(batch));
    }
    EXPECT_EQ(dropped, expected_dropped);
    EXPECT_GT(dropped, 0u);
    const HeadSnapshot snapshot = head->snapshot();
    std::string seen;
    for (uint32_t row = 0; row < snapshot.row_count(); ++row) seen += describe(snapshot.slice().spans(), row);
    EXPECT_EQ(seen, expected);
  }
}

}  // namespace
}  // namespace clew::store
