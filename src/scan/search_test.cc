// SPDX-License-Identifier: Apache-2.0
//
// Proves that a search is exact and whole: on random heads that were filled request by request, pages of any size
// joined together are what the oracle chooses, newest first; and that a search that is stopped or lacks memory says so
// and shows nothing wrong. What single queries mean is told by tests/scenario.
#include "scan/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "eval/testing/oracle.h"
#include "eval/testing/random_data.h"
#include "eval/value_column.h"
#include "query/parse.h"
#include "scan/page_token.h"

namespace clew::scan {
namespace {

using eval::testing::PlainSpan;
using eval::testing::Random;

constexpr UnixNanos kReceived = 1'700'000'000'000'000'000;
constexpr uint64_t kBudgetBytes = 1 << 30;

query::Query parsed(std::string_view text) {
  query::ParseResult result = query::parse(text);
  CHECK(result.ok());
  return std::move(result).query();
}

struct World {
  std::shared_ptr<store::Head> head = std::make_shared<store::Head>();
  std::map<model::TraceId, std::vector<PlainSpan>> traces;  // in arrival order
  UnixNanos now = kReceived;

  void receive(std::vector<PlainSpan> spans) {
    now += kNanosPerMilli;
    head->append(eval::testing::batch_of(spans), now);
    for (PlainSpan& span : spans) traces[span.trace_id].push_back(std::move(span));
  }
};

// Traces in several requests, mixed with each other; later ones start later, as a rule.
World random_world(Random& random, size_t count) {
  World world;
  std::vector<std::vector<PlainSpan>> waiting;
  for (uint64_t i = 1; i <= count || !waiting.empty();) {
    while (i <= count && waiting.size() < 6) {
      waiting.push_back(eval::testing::random_trace(random, {random() % 3, i}));
      const uint64_t later = random() % 10 == 0 ? 0 : i * 50;
      for (PlainSpan& span : waiting.back()) {
        span.start += later;
        span.end += later;
      }
      ++i;
    }
    std::vector<PlainSpan> request;
    for (size_t k = 1 + random() % 20; k > 0 && !waiting.empty(); --k) {
      std::vector<PlainSpan>& from = waiting[random() % waiting.size()];
      request.push_back(from.front());
      from.erase(from.begin());
      std::erase_if(waiting, [](const auto& trace) { return trace.empty(); });
    }
    world.receive(std::move(request));
  }
  return world;
}

struct Expected {
  store::OrderKey key;
  size_t matched = 0;
};

std::vector<Expected> expected_of(const World& world, const query::Query& query, UnixNanos from, UnixNanos to) {
  std::vector<Expected> expected;
  const store::Snapshot snapshot(world.head->snapshot());
  const store::HeadSlice slice = snapshot.heads.back().slice();
  for (const auto& [id, spans] : world.traces) {
    const store::TraceSummary summary = slice.summary(*slice.find(id));
    if (summary.start > to || summary.end < from) continue;
    const size_t matched = eval::testing::choose(query, spans, summary.end - summary.start).size();
    if (matched > 0) expected.push_back({{summary.order_time, id}, matched});
  }
  std::ranges::sort(expected, [](const Expected& a, const Expected& b) { return a.key > b.key; });
  return expected;
}

TEST(Search, PagesJoinedAreWhatTheOracleChooses) {
  const uint64_t seed = eval::testing::seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  MemoryBudget budget(kBudgetBytes);
  size_t found = 0;
  for (int round = 0; round < 8; ++round) {
    const World world = random_world(random, 1 + random() % 700);
    const store::Snapshot snapshot(world.head->snapshot());
    for (int i = 0; i < 12; ++i) {
      const query::Query query = eval::testing::random_query(random);
      SearchOptions options;
      options.limit = static_cast<uint32_t>(1 + random() % 60);
      options.spans_per_trace = static_cast<uint32_t>(random() % 5);
      if (random() % 2 == 0) options.from = kReceived + random() % 20'000;
      if (random() % 2 == 0) options.to = options.from + random() % 20'000;
      const std::vector<Expected> expected = expected_of(world, query, options.from, options.to);
      size_t at = 0;
      for (bool more = true; more;) {
        const auto answer = search(snapshot, query, options, budget);
        ASSERT_TRUE(answer.ok()) << answer.error().what();
        ASSERT_TRUE(answer->complete());
        ASSERT_LE(answer->traces.size(), options.limit);
        for (const FoundTrace& trace : answer->traces) {
          ASSERT_LT(at, expected.size()) << query::to_string(query);
          ASSERT_EQ(trace.id.hex(), expected[at].key.id.hex()) << query::to_string(query);
          ASSERT_EQ(trace.matched_count, expected[at].matched);
          ASSERT_EQ(trace.shown_count, std::min<size_t>(options.spans_per_trace, trace.matched_count));
          ++at;
        }
        more = !answer->next_page.empty();
        ASSERT_EQ(more, at < expected.size());
        options.page = answer->next_page;
      }
      found += at;
    }
  }
  EXPECT_GT(found, 100u);
  EXPECT_EQ(budget.used(Share::Query), 0u);
}

TEST(Search, SeesTheSnapshotAndNothingLater) {
  Random random(1);
  World world = random_world(random, 50);
  const store::Snapshot before(world.head->snapshot());
  MemoryBudget budget(kBudgetBytes);
  const query::Query query = parsed("{}");
  SearchOptions options;
  options.limit = 100;
  const size_t traces = search(before, query, options, budget)->traces.size();
  PlainSpan late;
  late.trace_id = {9, 9};
  late.span_id = {1};
  late.start = late.end = world.now;
  world.receive({late});
  EXPECT_EQ(search(before, query, options, budget)->traces.size(), traces);
  EXPECT_EQ(search(store::Snapshot(world.head->snapshot()), query, options, budget)->traces.size(), traces + 1);
}

// Time that passes by one nanosecond each time somebody looks.
class TickingClock final : public Clock {
 public:
  UnixNanos now() const override { return kReceived; }
  uint64_t monotonic_nanos() const override { return ++ticks_; }

 private:
  mutable uint64_t ticks_ = 0;
};

// `count` spans of one trace; every span is the child of the one before.
std::vector<PlainSpan> chain(model::TraceId id, uint64_t count) {
  std::vector<PlainSpan> spans(count);
  for (uint64_t i = 0; i < count; ++i) {
    spans[i].trace_id = id;
    spans[i].span_id = {i + 1};
    spans[i].parent_id = {i};
    spans[i].start = kReceived + i;
    spans[i].end = kReceived + count;
    spans[i].name = i % 2 == 0 ? "even" : "odd";
  }
  return spans;
}

TEST(Search, StoppedByDeadlineOrCancelSaysSo) {
  World world;
  for (uint64_t i = 1; i <= 20; ++i) world.receive(chain({0, i}, 1000));
  MemoryBudget budget(kBudgetBytes);
  const query::Query query = parsed(R"({ name = "odd" })");
  const TickingClock clock;
  SearchOptions options;
  options.clock = &clock;
  options.deadline_nanos = 2;
  const auto partial = search(store::Snapshot(world.head->snapshot()), query, options, budget);
  ASSERT_TRUE(partial.ok());
  EXPECT_FALSE(partial->complete());
  EXPECT_GT(partial->traces.size(), 0u);
  EXPECT_LT(partial->traces.size(), 20u);
  EXPECT_EQ(partial->traces[0].matched_count, 500u);
  EXPECT_EQ(partial->next_page, "");

  const std::atomic<bool> cancelled{true};
  SearchOptions stopped;
  stopped.cancelled = &cancelled;
  EXPECT_EQ(search(store::Snapshot(world.head->snapshot()), query, stopped, budget)->partial_reason,
            "the search was cancelled");
}

TEST(Search, AGiantTraceNeedsItsShareOfMemory) {
  constexpr uint64_t kSpans = 200'000;
  World world;
  world.receive(chain({0, 1}, kSpans));
  world.receive(chain({0, 2}, 10));
  const query::Query query = parsed(R"({ name = "even" } >> { name = "odd" })");
  const store::Snapshot snapshot(world.head->snapshot());

  MemoryBudget enough(kBudgetBytes);
  const auto whole = search(snapshot, query, {}, enough);
  ASSERT_TRUE(whole.ok() && whole->complete());
  ASSERT_EQ(whole->traces.size(), 2u);
  EXPECT_EQ(whole->traces[1].matched_count, kSpans / 2);
  EXPECT_EQ(whole->traces[1].root_name, "even");

  MemoryBudget tight(uint64_t{64} << 20);
  const auto partial = search(snapshot, query, {}, tight);
  ASSERT_TRUE(partial.ok());
  ASSERT_EQ(partial->traces.size(), 1u);
  EXPECT_NE(partial->partial_reason.find("200000 spans"), std::string::npos) << partial->partial_reason;
  EXPECT_EQ(tight.used(Share::Query), 0u);

  MemoryBudget none(1 << 20);
  const auto refused = search(snapshot, query, {}, none);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::Unavailable);
}

// The same small share serves a head of any size: nothing is held that grows with it.
TEST(Search, AHeadOfAnySizeTakesTheSameMemory) {
  constexpr uint64_t kSpans = 100;
  const query::Query query = parsed(R"({ name = "even" } >> { name = "odd" && duration > 1s })");
  auto head = std::make_shared<store::Head>();
  uint64_t id = 0;
  for (const uint64_t traces : {500u, 5'000u}) {
    for (; id < traces; ++id) head->append(eval::testing::batch_of(chain({1, id + 1}, kSpans)), kReceived);
    const store::Snapshot snapshot(head->snapshot());
    MemoryBudget small(uint64_t{32} << 20);
    const auto answer = search(snapshot, query, {}, small);
    ASSERT_TRUE(answer.ok()) << answer.error().what();
    EXPECT_TRUE(answer->complete()) << answer->partial_reason;
    EXPECT_EQ(answer->spans_inspected, traces * kSpans);  // as nothing is found
  }
}

// Cancelled in the midst of one trace: not after it.
TEST(Search, AGiantTraceIsLeftWhenTimeIsUp) {
  World world;
  world.receive(chain({0, 1}, 100'000));
  MemoryBudget budget(kBudgetBytes);
  const TickingClock clock;
  SearchOptions options;
  options.clock = &clock;
  options.deadline_nanos = 4;
  const auto answer = search(store::Snapshot(world.head->snapshot()),
                             parsed(R"({ name = "even" } >> { name = "odd" })"), options, budget);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->traces.size(), 0u);
  EXPECT_FALSE(answer->complete());
  EXPECT_EQ(answer->spans_inspected, 0u);
}

// More events than one column holds: the span is looked at alone, and one that is still too much is told of.
TEST(Search, ASpanWithTooManyValuesIsToldOf) {
  PlainSpan busy;
  busy.trace_id = {0, 1};
  busy.span_id = {1};
  busy.start = busy.end = kReceived;
  for (size_t i = 0; i < eval::ValueColumn::kElementsMax + 1; ++i) busy.events.push_back({kReceived, "tick", {}});
  PlainSpan calm = busy;
  calm.span_id = {2};
  calm.events.resize(1);
  World world;
  world.receive({busy, calm});
  MemoryBudget budget(kBudgetBytes);
  const auto answer = search(store::Snapshot(world.head->snapshot()), parsed(R"({ event:name = "tick" })"), {}, budget);
  ASSERT_TRUE(answer.ok());
  EXPECT_FALSE(answer->complete());
  ASSERT_EQ(answer->traces.size(), 1u);
  EXPECT_EQ(answer->traces[0].matched_count, 1u);
}

// Requests are visible whole, and a search that runs meanwhile neither waits for them nor trips over them.
TEST(Search, RunsWhileRequestsArrive) {
  constexpr uint64_t kTraces = 300;
  constexpr uint64_t kSpans = 100;
  World world;
  world.receive(chain({0, 1}, kSpans));
  std::jthread writer([&] {
    for (uint64_t i = 2; i <= kTraces; ++i) world.receive(chain({0, i}, kSpans));
  });
  MemoryBudget budget(kBudgetBytes);
  const query::Query query = parsed(R"({ name = "even" } > { name = "odd" })");
  SearchOptions options;
  options.limit = kTraces;
  for (size_t traces = 0; traces < kTraces;) {
    const store::Snapshot snapshot(world.head->snapshot());
    const auto answer = search(snapshot, query, options, budget);
    ASSERT_TRUE(answer.ok() && answer->complete());
    ASSERT_EQ(answer->traces.size(), snapshot.heads.back().trace_count());
    ASSERT_GE(answer->traces.size(), traces);
    traces = answer->traces.size();
    for (const FoundTrace& trace : answer->traces) {
      ASSERT_EQ(trace.span_count, kSpans);
      ASSERT_EQ(trace.matched_count, kSpans / 2);
    }
  }
}

TEST(Search, MentionsTheAttributesOfTheQueryOnce) {
  World world;
  world.receive(chain({0, 1}, 2));
  MemoryBudget budget(kBudgetBytes);
  const auto answer =
      search(store::Snapshot(world.head->snapshot()),
             parsed("{ span.a = 1 && resource.b = .c } >> { span.a > 2 || event.d != nil }"), {}, budget);
  ASSERT_TRUE(answer.ok());
  std::vector<std::string> names;
  for (const query::Attribute& attribute : answer->mentioned) names.push_back(attribute.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST(PageToken, ComesBackAndIsBoundToItsQuestion) {
  const store::OrderKey key{123, {4, 5}};
  const std::string token = write_page_token(77, key);
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  EXPECT_EQ(MUST(read_page_token(token, 77)), key);  // written just now
  EXPECT_EQ(read_page_token(token, 78).error().code(), Code::InvalidArgument);
  for (const std::string_view bad : {"", "!", "AAAA", "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_FALSE(read_page_token(bad, 77).ok()) << bad;
}

}  // namespace
}  // namespace clew::scan
