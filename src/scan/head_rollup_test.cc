// SPDX-License-Identifier: Apache-2.0
//
// Proves that what the heads of a snapshot amount to is the recount of their spans, whichever heads the parts of a
// trace lie in, however often it is asked on the way, and with spans that were sent twice; with parts in a block, that
// block's roll-up and the heads' together are the recount of all.
#include "scan/head_rollup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "block/row_order.h"
#include "block/testing/memory_bytes.h"
#include "block/writer.h"
#include "eval/testing/random_data.h"
#include "rollup/testing/recount.h"

namespace clew::scan {
namespace {

using rollup::testing::PlainSpan;
using rollup::testing::Recount;

constexpr UnixNanos kNow = 1'795'200'536 * kNanosPerSecond;

class World {
 public:
  explicit World(std::mt19937_64& random) : random_(random) {}

  // The last of the heads gets some spans of each trace, and some that are here already.
  void receive() {
    now_ += random_() % (40 * kNanosPerSecond);
    std::vector<PlainSpan> request;
    for (int i = 0; i < 3; ++i) {
      const auto trace = rollup::testing::random_trace(random_, kNow);
      waiting_.insert(waiting_.end(), trace.begin(), trace.end());
    }
    std::ranges::shuffle(waiting_, random_);
    for (size_t some = 1 + random_() % waiting_.size(); some > 0; --some) {
      request.push_back(waiting_.back());
      request.back().arrived = now_;
      waiting_.pop_back();
    }
    const size_t fresh = request.size();
    for (size_t again = random_() % 4; again > 0 && !spans.empty(); --again)
      request.push_back(spans[random_() % spans.size()]);
    if (heads.empty()) add_head();
    heads.back()->append(rollup::testing::batch_of(request), now_);
    for (size_t i = 0; i < fresh; ++i) spans.push_back(request[i]);
    for (const PlainSpan& span : request) places_[span.trace_id].insert(heads.size());
  }

  void add_head() { heads.push_back(std::make_shared<store::Head>()); }

  store::Snapshot snapshot() const {
    store::Snapshot snapshot;
    for (const auto& head : heads) snapshot.heads.push_back(head->snapshot());
    auto shared = std::make_shared<store::TraceIdSet>();
    for (const auto& [id, places] : places_)
      if (places.size() > 1) shared->insert(id);
    snapshot.shared_in_heads = std::move(shared);
    snapshot.blocks = blocks;
    return snapshot;
  }

  // All that is in the heads goes.
  void seal() {
    heads.clear();
    for (auto& [id, places] : places_) places = {0};
    add_head();
  }

  std::vector<PlainSpan> spans;  // each once, with its first arrival
  std::vector<std::shared_ptr<store::Head>> heads;
  std::vector<std::shared_ptr<const store::StoredBlock>> blocks;

 private:
  std::mt19937_64& random_;
  UnixNanos now_ = kNow;
  std::vector<PlainSpan> waiting_;
  std::map<model::TraceId, std::set<size_t>> places_;
};

void expect_equal(const Recount& got, const Recount& wanted) {
  ASSERT_TRUE(got == wanted) << rollup::testing::difference(got, wanted);
}

TEST(HeadRollup, IsTheRecountOfWhatTheHeadsHold) {
  const uint64_t seed = eval::testing::seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  MemoryBudget budget(1 << 30);
  for (int round = 0; round < 40; ++round) {
    World world(random);
    HeadRollup heads(budget);
    for (int request = 0; request < 12; ++request) {
      if (random() % 4 == 0) world.add_head();
      world.receive();
      if (random() % 3 == 0) continue;
      const auto used = heads.use(world.snapshot(), {}, [&](const rollup::Rollup& rollup, bool complete) {
        EXPECT_TRUE(complete);
        expect_equal(rollup::testing::content(rollup), rollup::testing::recount(world.spans));
      });
      ASSERT_TRUE(used.ok());
      if (HasFailure()) return;
    }
  }
  EXPECT_EQ(budget.used(Share::Query), 0u);
}

// What a seal makes of spans: a block that holds them all.
std::shared_ptr<const store::StoredBlock> block_of(std::span<const PlainSpan> spans, block::Cache& cache) {
  const model::SpanBatch batch = rollup::testing::batch_of(spans);
  std::map<model::TraceId, std::vector<uint32_t>> traces;
  for (uint32_t row = 0; row < spans.size(); ++row) traces[spans[row].trace_id].push_back(row);
  block::TraceLayout layout(batch);
  for (const auto& [id, rows] : traces) {
    UnixNanos arrived = UINT64_MAX;
    for (const uint32_t row : rows) arrived = std::min(arrived, spans[row].arrived);
    model::TraceSummary summary = model::first_summary(id, arrived);
    for (const uint32_t row : rows) model::add_span(summary, spans[row].start, spans[row].end, spans[row].arrived);
    layout.add(summary, rows, 0);
  }
  block::testing::MemorySink sink;
  block::Writer writer(sink, {});
  MUST(layout.write(writer));
  store::BlockEntry entry{.id = 1, .level = 0, .facts = MUST(writer.finish())};
  auto source = std::make_shared<block::testing::MemorySource>(std::move(sink.bytes));
  return std::make_shared<store::StoredBlock>(entry, MUST(block::Block::open(std::move(source), cache)), [] {});
}

TEST(HeadRollup, WithPartsInBlocksCountsWhatTheyLack) {
  const uint64_t seed = eval::testing::seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  MemoryBudget budget(1 << 30);
  block::Cache cache(budget);
  for (int round = 0; round < 20; ++round) {
    World world(random);
    HeadRollup heads(budget);
    std::vector<rollup::Rollup> sealed;
    size_t sealed_spans = 0;
    for (int request = 0; request < 16; ++request) {
      world.receive();
      std::string of_heads;
      const auto used = heads.use(world.snapshot(), {}, [&](const rollup::Rollup& rollup, bool complete) {
        EXPECT_TRUE(complete);
        std::vector<const rollup::Rollup*> all{&rollup};
        for (const rollup::Rollup& one : sealed) all.push_back(&one);
        expect_equal(rollup::testing::content(all), rollup::testing::recount(world.spans));
        of_heads = rollup.encode();
      });
      ASSERT_TRUE(used.ok());
      if (HasFailure()) return;
      if (random() % 4 != 0 || world.spans.size() == sealed_spans) continue;
      sealed.push_back(MUST(rollup::Rollup::decode(as_bytes(of_heads))));
      world.blocks.push_back(block_of(std::span(world.spans).subspan(sealed_spans), cache));
      sealed_spans = world.spans.size();
      world.seal();
    }
  }
}

TEST(HeadRollup, ALongWayIsGoneInSteps) {
  std::mt19937_64 random(1);
  MemoryBudget budget(1 << 30);
  World world(random);
  while (world.spans.size() < 20'000) world.receive();
  HeadRollup heads(budget);
  int questions = 0;
  bool whole = false;
  for (; !whole; ++questions) {
    const auto used = heads.use(
        world.snapshot(), [] { return true; }, [&](const rollup::Rollup&, bool complete) { whole = complete; });
    ASSERT_TRUE(used.ok());
    ASSERT_LT(questions, 100);
  }
  EXPECT_GT(questions, 3);
  const auto used = heads.use(world.snapshot(), {}, [&](const rollup::Rollup& rollup, bool complete) {
    EXPECT_TRUE(complete);
    expect_equal(rollup::testing::content(rollup), rollup::testing::recount(world.spans));
  });
  EXPECT_TRUE(used.ok());
}

TEST(HeadRollup, WithoutMemoryItSaysSoAndBeginsAnew) {
  std::mt19937_64 random(1);
  World world(random);
  for (int request = 0; request < 30; ++request) world.receive();
  MemoryBudget budget(100'000);
  HeadRollup heads(budget);
  const auto used = heads.use(world.snapshot(), {}, [](const rollup::Rollup&, bool) { FAIL(); });
  ASSERT_FALSE(used.ok());
  EXPECT_EQ(used.error().code(), Code::Unavailable);
  EXPECT_EQ(budget.used(Share::Query), 0u);
}

}  // namespace
}  // namespace clew::scan
