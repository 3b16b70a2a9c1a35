// SPDX-License-Identifier: Apache-2.0
//
// Proves that what is answered from several roll-ups, some packed and some not, is what counting the cells of the
// recount one by one gives, for random ranges of time; and the cases that the recount does not know.
#include "rollup/answers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "rollup/testing/recount.h"

namespace clew::rollup {
namespace {

using testing::Counted;
using testing::PlainSpan;

constexpr UnixNanos kNow = 1'795'200'536 * kNanosPerSecond;

struct Stored {
  std::vector<PlainSpan> spans;
  std::vector<std::shared_ptr<const Rollup>> rollups;
};

Stored random_store(std::mt19937_64& random) {
  Stored stored;
  for (int i = 0; i < 5; ++i) {
    auto rollup = std::make_shared<Rollup>();
    for (int t = 0; t < 6; ++t) {
      const auto trace = testing::random_trace(random, kNow + random() % (300 * kNanosPerSecond));
      stored.spans.insert(stored.spans.end(), trace.begin(), trace.end());
      testing::add_red(*rollup, trace);
      testing::add_trace_edges(*rollup, trace, Sign::Add);
    }
    if (i % 2 == 0) *rollup = MUST(Rollup::decode(as_bytes(rollup->encode())));
    stored.rollups.push_back(std::move(rollup));
  }
  return stored;
}

int64_t count_of(const Counted& counted) {
  int64_t count = 0;
  for (const auto& [bucket, n] : counted.buckets) count += n;
  return count;
}

// The q-th of the values that these buckets hold, as the middle of its bucket.
double quantile(const std::map<int32_t, int64_t>& buckets, int64_t count, double q) {
  int64_t left = std::max<int64_t>(static_cast<int64_t>(std::ceil(q * static_cast<double>(count) - 1e-9)), 1);
  for (const auto& [bucket, n] : buckets) {
    left -= n;
    if (left <= 0) return bucket == INT32_MIN ? 0 : std::exp2((bucket + 0.5) / 32);
  }
  return 0;
}

void add(Counted& to, const Counted& from) {
  to.failed += from.failed;
  for (const auto& [bucket, n] : from.buckets) to.buckets[bucket] += n;
}

void expect_latency(const Latency& got, const Counted& wanted) {
  const int64_t count = count_of(wanted);
  for (const auto& [value, q] : {std::pair(got.p50, 0.5), std::pair(got.p95, 0.95), std::pair(got.p99, 0.99)})
    EXPECT_NEAR(static_cast<double>(value), quantile(wanted.buckets, count, q), 0.001 * static_cast<double>(value) + 1);
}

// What the rules of answers.h make of a recount.
struct Wanted {
  Wanted(const testing::Recount& recount, Minutes minutes) {
    for (const auto& [key, cell] : recount.red)
      if (minutes.contains(static_cast<Minute>(std::get<0>(key)))) take_spans(key, cell);
    for (const auto& [key, cell] : recount.edges)
      if (minutes.contains(static_cast<Minute>(std::get<0>(key)))) take_calls(key, cell);
    for (const auto& [name, counts] : services) nodes[{name, 0}] = requests[name];
  }

  void take_spans(const testing::RedKey& key, const Counted& cell) {
    const auto& [minute, service, name, kind, status] = key;
    Counted failing = cell;
    failing.failed = status == 2 ? count_of(cell) : 0;
    add(services[service], failing);
    add(operations[service][{name, kind}], failing);
    if (kind == 2 || kind == 5) add(requests[service], failing);
  }

  void take_calls(const testing::EdgeKey& key, const Counted& cell) {
    const auto& [minute, caller, callee, peer] = key;
    const int kind = peer == 3 && services.contains(callee) ? 0 : peer;
    add(edges[{caller, callee, kind}], cell);
    nodes[{caller, 0}];
    add(nodes[{callee, kind}], kind == 0 ? Counted{} : cell);
  }

  std::map<std::string, Counted> services;
  std::map<std::string, std::map<std::pair<std::string, int32_t>, Counted>> operations;
  std::map<std::string, Counted> requests;
  std::map<std::tuple<std::string, std::string, int>, Counted> edges;
  std::map<std::pair<std::string, int>, Counted> nodes;
};

// The rows are those that are wanted, in their order; counts(row) and key(row) say what stands in one.
template <class Row, class Wants, class KeyOf, class CountsOf>
void expect_rows(const Answer<Row>& answer, const Wants& wanted, KeyOf key, CountsOf counts) {
  EXPECT_TRUE(answer.complete);
  ASSERT_EQ(answer.rows.size(), wanted.size());
  auto it = wanted.begin();
  for (const Row& row : answer.rows) {
    ASSERT_EQ(key(row), it->first);
    EXPECT_EQ(counts(row), std::pair(count_of(it->second), it->second.failed));
    if constexpr (requires { row.latency; }) expect_latency(row.latency, it->second);
    ++it;
  }
}

TEST(Answers, EqualTheRecountOfAnyRange) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto spans_of = [](const auto& row) { return std::pair(row.span_count, row.error_count); };
  const auto calls_of = [](const auto& row) { return std::pair(row.calls, row.failed); };
  for (int round = 0; round < 60; ++round) {
    const Stored stored = random_store(random);
    const Minute first = minute_of(kNow) - 6 + static_cast<Minute>(random() % 10);
    const Asked asked{.minutes = {first, first + static_cast<Minute>(random() % 6)}};
    Wanted wanted(testing::recount(stored.spans), asked.minutes);
    for (const auto& [service, list] : wanted.operations)
      expect_rows(
          operations(stored.rollups, service, asked), list,
          [](const Operation& row) { return std::pair(row.name, row.kind); }, spans_of);
    const Graph got = graph(stored.rollups, asked);
    expect_rows(
        got.edges, wanted.edges,
        [](const GraphEdge& row) { return std::tuple(row.caller, row.callee, static_cast<int>(row.kind)); }, calls_of);
    expect_rows(
        got.nodes, wanted.nodes, [](const GraphNode& row) { return std::pair(row.name, static_cast<int>(row.kind)); },
        calls_of);
    wanted.services.erase("");
    expect_rows(
        services(stored.rollups, asked), wanted.services, [](const Service& row) { return row.name; }, spans_of);
  }
}

TEST(Answers, WhatIsMissingIsSaid) {
  auto rollup = std::make_shared<Rollup>();
  for (const char* name : {"a", "b", "c"}) rollup->add(1, *rollup->series_id({name, "n", 2, 0}), 5);
  rollup->add_edge({1, {"a", "b", Peer::Service}, false, 5}, Sign::Add);
  const std::vector<std::shared_ptr<const Rollup>> rollups{rollup};
  EXPECT_TRUE(services(rollups, {}).complete);
  EXPECT_FALSE(services(rollups, {.rows_max = 2}).complete);
  EXPECT_EQ(services(rollups, {.rows_max = 2}).rows.size(), 2u);
  EXPECT_FALSE(graph(rollups, {.rows_max = 2}).nodes.complete);
  EXPECT_FALSE(services(rollups, {.stop = [] { return true; }}).complete);
  rollup->mark_overflowed(CellSort::Edges);
  EXPECT_TRUE(services(rollups, {}).complete);
  EXPECT_TRUE(operations(rollups, "a", {}).complete);
  EXPECT_FALSE(graph(rollups, {}).edges.complete);
  rollup->mark_overflowed(CellSort::Red);
  EXPECT_FALSE(services(rollups, {}).complete);
}

TEST(Answers, ACallThatWasTakenAwayIsNoEdge) {
  const auto rollup = std::make_shared<Rollup>();
  rollup->add_edge({1, {"a", "db", Peer::Database}, false, 5}, Sign::Add);
  const auto later = std::make_shared<Rollup>();
  later->add_edge({1, {"a", "db", Peer::Database}, false, 5}, Sign::Remove);
  later->add_edge({1, {"a", "b", Peer::Service}, false, 4}, Sign::Add);
  const std::vector<std::shared_ptr<const Rollup>> rollups{later, rollup};
  const Graph answer = graph(rollups, {});
  ASSERT_EQ(answer.edges.rows.size(), 1u);
  EXPECT_EQ(answer.edges.rows[0].callee, "b");
  EXPECT_EQ(answer.nodes.rows.size(), 2u);
}

}  // namespace
}  // namespace clew::rollup
