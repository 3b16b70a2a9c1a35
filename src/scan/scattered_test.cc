// SPDX-License-Identifier: Apache-2.0
//
// Proves that an answer does not depend on where spans lie: random traces, thrown into three blocks and two heads, some
// spans twice, or all into one block, give the same answers, to the last attribute, as one head with each span once;
// for random queries, ranges and limits, page by page, at once or told bit by bit. That the one head answers what the
// oracle says is proved by search_test.cc. Row groups are tiny, names and columns spill, and large traces become
// giants, also in pieces and in heads, so that all that is rare happens.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "eval/testing/random_data.h"
#include "model/identity.h"
#include "model/trace_tree.h"
#include "query/parse.h"
#include "scan/search.h"
#include "scan/testing/scattered_snapshot.h"
#include "scan/trace_reader.h"

namespace clew::scan {
namespace {

using eval::testing::PlainSpan;
using eval::testing::Random;
using eval::testing::seed_of_run;
using testing::ScatteredSnapshot;

constexpr UnixNanos kReceived = 1'700'000'000'000'000'000;
constexpr uint64_t kBudgetBytes = 1 << 30;
constexpr size_t kBlocks = 3;
constexpr size_t kParts = 5;

struct World {
  std::shared_ptr<store::Head> whole = std::make_shared<store::Head>();
  std::vector<std::shared_ptr<store::Head>> parts;
  std::vector<model::TraceId> ids;

  World() {
    for (size_t i = 0; i < kParts; ++i) parts.push_back(std::make_shared<store::Head>());
  }
  void receive(store::Head& head, const PlainSpan& span, UnixNanos received) {
    head.append(eval::testing::batch_of(std::span(&span, 1)), received);
  }
};

// Of spans alike in id, half and start, the one that came first counts as the earliest: such are left out.
void tell_apart(std::vector<PlainSpan>& trace) {
  std::set<std::tuple<uint64_t, bool, UnixNanos>> seen;
  for (PlainSpan& span : trace) {
    while (!seen.insert({span.span_id.value, model::is_server_half(span.kind), span.start}).second) ++span.start;
  }
}

World random_world(Random& random, size_t count) {
  World world;
  std::vector<std::vector<PlainSpan>> waiting;
  std::vector<uint64_t> homes;  // of each waiting trace: a part, or kParts for all
  UnixNanos now = kReceived;
  for (uint64_t i = 1; i <= count || !waiting.empty();) {
    while (i <= count && waiting.size() < 6) {
      world.ids.push_back({random() % 3, i});
      waiting.push_back(eval::testing::random_trace(random, world.ids.back()));
      const uint64_t later = random() % 10 == 0 ? 0 : i * 50;
      for (PlainSpan& span : waiting.back()) {
        span.start += later;
        span.end += later;
      }
      tell_apart(waiting.back());
      homes.push_back(random() % (2 * kParts));
      ++i;
    }
    const size_t at = random() % waiting.size();
    std::vector<PlainSpan>& trace = waiting[at];
    now += kNanosPerMilli;
    const uint64_t home = homes[at] < kParts ? homes[at] : random() % kParts;
    world.receive(*world.whole, trace.front(), now);
    world.receive(*world.parts[home], trace.front(), now);
    if (random() % 10 == 0) world.receive(*world.parts[random() % kParts], trace.front(), now + kNanosPerMilli);
    trace.erase(trace.begin());
    if (!trace.empty()) continue;
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(at));
    homes.erase(homes.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return world;
}

testing::ScatterOptions random_options(Random& random) {
  testing::ScatterOptions options;
  options.layout.rows_max = static_cast<uint32_t>(1 + random() % 100);
  if (random() % 2 == 0) options.layout.slice_nanos = 1 + random() % 5000;
  if (random() % 2 == 0) options.writer.names_max = static_cast<uint32_t>(random() % 4);
  if (random() % 2 == 0) options.writer.attribute_columns_max = static_cast<uint32_t>(random() % 20);
  if (random() % 2 == 0) options.writer.dictionary_entries_max = static_cast<uint32_t>(random() % 4);
  if (random() % 3 == 0) options.writer.templates_max = static_cast<uint32_t>(1 + random() % 40);
  return options;
}

std::string dump(const SearchAnswer& answer) {
  std::string text;
  const auto add = [&](const auto& value) { text += std::to_string(value) + " "; };
  for (const FoundTrace& trace : answer.traces) {
    text += trace.id.hex() + " root " + trace.root_name.value_or("-") + " of " + trace.root_service.value_or("-") + " ";
    for (const uint64_t number : {trace.start, trace.end}) add(number);
    for (const uint32_t number : {trace.span_count, trace.error_count, trace.service_count, trace.matched_count}) {
      add(number);
    }
    for (const ServiceCount& each : trace.services) {
      text += each.name + ":" + std::to_string(each.spans) + ":" + std::to_string(each.errors) + " ";
    }
    text += "shown";
    for (uint32_t row = trace.first_span; row < trace.first_span + trace.shown_count; ++row) {
      text += " " + answer.spans.span_id[row].hex() + "/" + std::to_string(model::content_hash(answer.spans, row));
    }
    text += "\n";
  }
  return text + (answer.next_page.empty() ? "" : "more") + answer.partial_reason;
}

TEST(Scattered, AnswersAreThoseOfOneHead) {
  const uint64_t seed = seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  MemoryBudget budget(kBudgetBytes);
  size_t found = 0;
  for (int round = 0; round < 12; ++round) {
    const World world = random_world(random, 1 + random() % 250);
    ScatteredSnapshot scattered(world.parts, kBlocks, random_options(random));
    ScatteredSnapshot one_block({world.whole}, 1, random_options(random));
    const store::Snapshot whole(world.whole->snapshot());
    for (int i = 0; i < 25; ++i) {
      const query::Query query = eval::testing::random_query(random);
      SearchOptions options;
      options.limit = static_cast<uint32_t>(1 + random() % 60);
      options.spans_per_trace = static_cast<uint32_t>(random() % 5);
      if (random() % 2 == 0) options.from = kReceived + random() % 12'000;
      if (random() % 2 == 0) options.to = options.from + random() % (random() % 2 == 0 ? 20 : 12'000);
      for (bool more = true; more;) {
        const auto expected = search(whole, query, options, budget);
        if (random() % 2 == 0) options.join_rows_max = 1 + random() % 20;  // larger ones are giants
        const auto answer = search(scattered.snapshot(), query, options, budget);
        ASSERT_TRUE(expected.ok() && answer.ok());
        ASSERT_EQ(dump(*answer), dump(*expected)) << query::to_string(query) << " round " << round << " query " << i;
        ASSERT_EQ(answer->next_page, expected->next_page);
        const auto of_block = search(one_block.snapshot(), query, options, budget);
        ASSERT_TRUE(of_block.ok());
        ASSERT_EQ(dump(*of_block), dump(*expected)) << query::to_string(query) << " round " << round << " query " << i;
        found += answer->traces.size();
        options.page = answer->next_page;
        more = !options.page.empty();
      }
    }
  }
  EXPECT_GT(found, 500u);
  EXPECT_EQ(budget.used(Share::Query), 0u);
}

TEST(Scattered, WhatIsToldBeforeTheEndIsTheAnswersBeginning) {
  const uint64_t seed = seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  MemoryBudget budget(kBudgetBytes);
  size_t told_early = 0;
  for (int round = 0; round < 12; ++round) {
    const World world = random_world(random, 1 + random() % 250);
    ScatteredSnapshot scattered(world.parts, kBlocks, random_options(random));
    for (int i = 0; i < 25; ++i) {
      const query::Query query = eval::testing::random_query(random);
      SearchOptions options;
      options.limit = static_cast<uint32_t>(1 + random() % 60);
      if (random() % 2 == 0) options.join_rows_max = 1 + random() % 20;
      if (random() % 2 == 0) options.from = kReceived + random() % 12'000;
      if (random() % 2 == 0) options.to = options.from + random() % 12'000;
      const auto expected = search(scattered.snapshot(), query, options, budget);
      std::string told;
      uint64_t found = 0;
      options.tell = [&](const SearchAnswer& next) {
        told += dump(next);
        told_early += next.traces.size();
        EXPECT_GE(next.traces_found, found);
        found = next.traces_found;
      };
      const auto rest = search(scattered.snapshot(), query, options, budget);
      ASSERT_TRUE(expected.ok() && rest.ok());
      ASSERT_EQ(told + dump(*rest), dump(*expected)) << query::to_string(query) << " round " << round << " query " << i;
      ASSERT_EQ(rest->next_page, expected->next_page);
    }
  }
  EXPECT_GT(told_early, 100u);
  EXPECT_EQ(budget.used(Share::Query), 0u);
}

// By the plainest means: all rows of the head, put in order by the tree.
std::vector<uint32_t> rows_in_order(const store::HeadSlice& slice, const model::TraceId& id) {
  std::vector<uint32_t> rows;
  std::vector<uint32_t> ordered;
  slice.append_rows(*slice.find(id), rows);
  model::TraceTree tree;
  tree.build(slice.spans(), rows);
  for (const uint32_t position : tree.preorder()) ordered.push_back(rows[position]);
  return ordered;
}

// Whole, in batches of any size, and from any place on.
TEST(Scattered, TracesAreReadAsFromOneHead) {
  const uint64_t seed = seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  MemoryBudget budget(kBudgetBytes);
  for (int round = 0; round < 4; ++round) {
    const World world = random_world(random, 200);
    ScatteredSnapshot scattered(world.parts, kBlocks, random_options(random));
    const store::Snapshot whole(world.whole->snapshot());
    const store::HeadSlice slice = whole.heads[0].slice();
    for (const model::TraceId& id : world.ids) {
      const std::vector<uint32_t> expected = rows_in_order(slice, id);
      const ReaderOptions options = {.rows_max = static_cast<uint32_t>(1 + random() % 40),
                                     .bytes_max = random() % 2 == 0 ? random() % 20'000 : 8 << 20};
      const auto trace = read_trace(scattered.snapshot(), id, budget, options);
      ASSERT_TRUE(trace.ok()) << trace.error().what();
      ASSERT_TRUE(trace->has_value());
      ASSERT_EQ((*trace)->spans.span_count(), expected.size());
      for (uint32_t i = 0; i < expected.size(); ++i) {
        ASSERT_TRUE(model::same_content((*trace)->spans, i, slice.spans(), expected[i])) << id.hex() << " span " << i;
      }

      auto reader = MUST(TraceReader::open(scattered.snapshot(), id, budget, options));  // it was read just now
      ASSERT_EQ(reader->span_count(), expected.size());
      model::SpanBatch page;
      reader->seek(random() % expected.size());
      const uint64_t from = reader->position();
      MUST(reader->next(page, 1 + random() % 10));
      ASSERT_GT(page.span_count(), 0u);
      ASSERT_EQ(reader->position(), from + page.span_count());
      for (uint32_t i = 0; i < page.span_count(); ++i) {
        ASSERT_TRUE(model::same_content(page, i, slice.spans(), expected[from + i]));
      }
      reader->seek(UINT64_MAX);
      MUST(reader->next(page, 1));
      ASSERT_EQ(page.span_count(), 0u);
    }
    EXPECT_FALSE(MUST(read_trace(scattered.snapshot(), {9, 9}, budget)).has_value());
  }
  EXPECT_EQ(budget.used(Share::Query), 0u);
}

// Each line of an answer's dump is a trace.
std::set<std::string> lines_of(const SearchAnswer& answer) {
  std::set<std::string> lines;
  const std::string text = dump(answer);
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    lines.insert(text.substr(at, end - at));
  }
  return lines;
}

// A bit that is flipped anywhere in a block makes an answer partial, or is not read; it makes none wrong.
TEST(Scattered, DamageMakesAnswersPartialNotWrong) {
  const uint64_t seed = seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  MemoryBudget budget(kBudgetBytes);
  size_t partial = 0;
  for (int round = 0; round < 4; ++round) {
    const World world = random_world(random, 60);
    ScatteredSnapshot scattered(world.parts, kBlocks, random_options(random));
    for (int i = 0; i < 60; ++i) {
      const query::Query query = eval::testing::random_query(random);
      SearchOptions options;
      options.limit = 1000;
      std::string& bytes = scattered.bytes_of(random() % kBlocks);
      char& byte = bytes[random() % bytes.size()];
      const char before = byte;
      byte = static_cast<char>(byte ^ 1 << random() % 8);
      const auto answer = search(scattered.snapshot(), query, options, budget);
      byte = before;
      const auto expected = search(scattered.snapshot(), query, options, budget);
      ASSERT_TRUE(answer.ok() && expected.ok());
      ASSERT_TRUE(expected->complete()) << expected->partial_reason;
      partial += answer->complete() ? 0 : 1;
      if (answer->complete()) {
        ASSERT_EQ(dump(*answer), dump(*expected)) << query::to_string(query);
      } else {
        const std::set<std::string> whole = lines_of(*expected);
        for (const std::string& line : lines_of(*answer))
          ASSERT_TRUE(whole.contains(line)) << line << "\n" << answer->partial_reason;
      }
    }
  }
  EXPECT_GT(partial, 5u);
  EXPECT_EQ(budget.used(Share::Query), 0u);
}

}  // namespace
}  // namespace clew::scan
