// SPDX-License-Identifier: Apache-2.0
//
// Proves that names and values of attributes are counted as a naive recount does: random traces, thrown into blocks and
// heads, some spans twice, for random queries and ranges, with row groups, names and dictionaries so small that all
// that is rare happens. The recount goes through the spans that the oracle chooses, one by one.
#include "scan/attributes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "eval/testing/oracle.h"
#include "eval/testing/random_data.h"
#include "model/identity.h"
#include "query/parse.h"
#include "query/vocabulary.h"
#include "scan/testing/scattered_snapshot.h"

namespace clew::scan {
namespace {

using eval::testing::PlainSpan;
using eval::testing::Random;
using eval::testing::seed_of_run;
using model::ValueType;
using query::Scope;
using testing::ScatteredSnapshot;

constexpr UnixNanos kReceived = 1'700'000'000'000'000'000;
constexpr uint64_t kBudgetBytes = 1 << 30;
constexpr size_t kBlocks = 3;
constexpr size_t kParts = 5;

struct World {
  std::vector<std::vector<PlainSpan>> traces;
  std::vector<std::shared_ptr<store::Head>> parts;
  std::shared_ptr<store::Head> whole = std::make_shared<store::Head>();
};

World random_world(Random& random, size_t count) {
  World world;
  for (size_t i = 0; i < kParts; ++i) world.parts.push_back(std::make_shared<store::Head>());
  UnixNanos now = kReceived;
  for (uint64_t i = 1; i <= count; ++i) {
    std::vector<PlainSpan> trace = eval::testing::random_trace(random, {random() % 3, i});
    std::set<std::tuple<uint64_t, bool, UnixNanos>> seen;
    for (PlainSpan& span : trace) {
      span.start += i * 50;
      span.end += i * 50;
      // Spans with equal content would be one.
      while (!seen.insert({span.span_id.value, model::is_server_half(span.kind), span.start}).second) ++span.start;
    }
    const size_t home = random() % (2 * kParts);
    for (const PlainSpan& span : trace) {
      now += kNanosPerMilli;
      const model::SpanBatch batch = eval::testing::batch_of(std::span(&span, 1));
      world.whole->append(batch, now);
      world.parts[home < kParts ? home : random() % kParts]->append(batch, now);
      if (random() % 10 == 0) world.parts[random() % kParts]->append(batch, now + kNanosPerMilli);
    }
    world.traces.push_back(std::move(trace));
  }
  return world;
}

testing::ScatterOptions random_options(Random& random) {
  testing::ScatterOptions options;
  options.layout.rows_max = static_cast<uint32_t>(1 + random() % 100);
  if (random() % 2 == 0) options.writer.names_max = static_cast<uint32_t>(random() % 4);
  if (random() % 2 == 0) options.writer.attribute_columns_max = static_cast<uint32_t>(random() % 20);
  if (random() % 2 == 0) options.writer.dictionary_entries_max = static_cast<uint32_t>(random() % 4);
  if (random() % 3 == 0) options.writer.templates_max = static_cast<uint32_t>(1 + random() % 40);
  return options;
}

// A value as text that tells it from every other.
std::string text_of(const model::SpanBatch& batch, ValueType type, uint64_t slot) {
  std::string text = std::to_string(static_cast<int>(type)) + ":";
  if (type == ValueType::String) return text + std::string(batch.strings.at(static_cast<model::StringId>(slot)));
  if (block::is_text(type)) return text + std::string(batch.blobs.at(static_cast<model::BlobId>(slot)));
  return text + std::to_string(slot);
}

// (scope, name) → value as text, of one span.
using Facts = std::map<std::pair<Scope, std::string>, std::set<std::string>>;

void note(Facts& facts, const model::SpanBatch& batch, Scope scope, const model::AttributeSet& set) {
  size_t slot = set.first_slot;
  for (const model::KeyType key : batch.keys(set)) {
    facts[{scope, std::string(batch.strings.at(key.key()))}].insert(text_of(batch, key.type(), batch.slots[slot++]));
  }
}

Facts facts_of(const PlainSpan& span) {
  Facts facts;
  const model::SpanBatch batch = eval::testing::batch_of(std::span(&span, 1));
  note(facts, batch, Scope::Span, batch.attributes(0));
  note(facts, batch, Scope::Resource, batch.resources[batch.resource[0]].attributes);
  note(facts, batch, Scope::Instrumentation, batch.scopes[batch.scope[0]].attributes);
  for (size_t i = 0; i < batch.events.size(); ++i) note(facts, batch, Scope::Event, batch.events[i].attributes);
  for (size_t i = 0; i < batch.links.size(); ++i) note(facts, batch, Scope::Link, batch.links[i].attributes);
  return facts;
}

struct Recount {
  uint64_t spans = 0;
  uint64_t with_events = 0;
  uint64_t with_links = 0;
  std::map<std::pair<Scope, std::string>, AttributeName> names;
  std::map<std::pair<Scope, std::string>, std::map<std::string, uint64_t>> values;
  std::map<query::Intrinsic, std::map<std::string, uint64_t>> intrinsics;
};

std::string word(int32_t number, int32_t known, auto spelling) {
  return number >= 0 && number < known ? "1:" + std::string(spelling(number))
                                       : "3:" + std::to_string(static_cast<uint64_t>(int64_t{number}));
}

void recount_intrinsics(const PlainSpan& span, Recount& recount) {
  using query::Intrinsic;
  const auto add = [&](Intrinsic intrinsic, const std::string& text) { ++recount.intrinsics[intrinsic][text]; };
  add(Intrinsic::SpanName, "1:" + span.name);
  add(Intrinsic::SpanStatusMessage, "1:" + span.status_message);
  add(Intrinsic::InstrumentationName, "1:" + span.scope_name);
  add(Intrinsic::InstrumentationVersion, "1:" + span.scope_version);
  add(Intrinsic::SpanKind,
      word(span.kind, 6, [](int32_t kind) { return query::spelling(static_cast<query::Kind>(kind)); }));
  add(Intrinsic::SpanStatus,
      word(span.status, 3, [](int32_t status) { return query::spelling(static_cast<query::Status>(status)); }));
  std::set<std::string> events;
  for (const eval::testing::PlainEvent& event : span.events) events.insert("1:" + event.name);
  for (const std::string& event : events) add(Intrinsic::EventName, event);
}

Recount recount_of(const World& world, const query::Query& query, UnixNanos from, UnixNanos to) {
  Recount recount;
  const store::Snapshot snapshot(world.whole->snapshot());
  for (const std::vector<PlainSpan>& trace : world.traces) {
    const store::HeadSlice slice = snapshot.heads.back().slice();
    const store::TraceSummary summary = slice.summary(*slice.find(trace[0].trace_id));
    if (summary.start > to || summary.end < from) continue;
    for (const size_t at : eval::testing::choose(query, trace, summary.end - summary.start)) {
      ++recount.spans;
      recount.with_events += trace[at].events.empty() ? 0 : 1;
      recount.with_links += trace[at].links.empty() ? 0 : 1;
      for (const auto& [place, values] : facts_of(trace[at])) {
        AttributeName& name = recount.names[place];
        ++name.span_count;
        std::set<char> types;
        for (const std::string& value : values) types.insert(value[0]);
        for (const char type : types) ++name.of_type[static_cast<size_t>(type - '0')];
        for (const std::string& value : values) ++recount.values[place][value];
      }
      recount_intrinsics(trace[at], recount);
    }
  }
  return recount;
}

void expect_values(const AttributeValues& answer, const std::map<std::string, uint64_t>& expected) {
  EXPECT_TRUE(answer.work.complete()) << answer.work.partial_reason;
  EXPECT_EQ(answer.value_count, expected.size());
  std::map<std::string, uint64_t> counts;
  uint64_t before = UINT64_MAX;
  for (const AttributeValue& value : answer.values) {
    counts[text_of(answer.batch, value.type, value.slot)] = value.span_count;
    EXPECT_LE(value.span_count, before);
    before = value.span_count;
  }
  EXPECT_EQ(counts, expected);
}

class AttributesTest : public ::testing::Test {
 protected:
  MemoryBudget budget_{kBudgetBytes};
};

TEST_F(AttributesTest, CountsAreThoseOfANaiveRecount) {
  const uint64_t seed = seed_of_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  size_t names_seen = 0;
  for (int round = 0; round < 10; ++round) {
    const World world = random_world(random, 1 + random() % 150);
    const ScatteredSnapshot scattered(world.parts, kBlocks, random_options(random));
    for (int i = 0; i < 6; ++i) {
      query::Query query = i == 0 ? std::move(query::parse("{}")).query() : eval::testing::random_query(random);
      SCOPED_TRACE(query::to_string(query));
      AttributeOptions options;
      if (random() % 2 == 0) options.join_rows_max = 1 + random() % 20;  // beyond it a trace is a giant
      if (i > 0 && random() % 2 == 0) options.from = kReceived + random() % 10'000;
      if (i > 0 && random() % 2 == 0) options.to = options.from + random() % 10'000;
      const Recount expected = recount_of(world, query, options.from, options.to);
      const auto names = attribute_names(scattered.snapshot(), query, options, budget_);
      ASSERT_TRUE(names.ok()) << names.error().what();
      EXPECT_TRUE(names->work.complete()) << names->work.partial_reason;
      EXPECT_EQ(names->span_count, expected.spans);
      EXPECT_EQ(names->spans_with_events, expected.with_events);
      EXPECT_EQ(names->spans_with_links, expected.with_links);
      ASSERT_EQ(names->names.size(), expected.names.size());
      for (const AttributeName& name : names->names) {
        const auto found = expected.names.find({name.scope, name.name});
        ASSERT_NE(found, expected.names.end()) << name.name;
        ASSERT_EQ(name.span_count, found->second.span_count) << name.name;
        ASSERT_EQ(name.of_type, found->second.of_type) << name.name;
        if (++names_seen % 3 != 0) continue;
        const Wanted wanted = query::Attribute{name.scope, name.name};
        const auto values = attribute_values(scattered.snapshot(), query, wanted, options, budget_);
        ASSERT_TRUE(values.ok()) << values.error().what();
        SCOPED_TRACE(name.name + " of scope " + std::to_string(static_cast<int>(name.scope)));
        expect_values(*values, expected.values.at({name.scope, name.name}));
      }
      for (const auto& [intrinsic, counts] : expected.intrinsics) {
        const auto values = attribute_values(scattered.snapshot(), query, intrinsic, options, budget_);
        ASSERT_TRUE(values.ok()) << values.error().what();
        SCOPED_TRACE("intrinsic " + std::to_string(static_cast<int>(intrinsic)));
        expect_values(*values, counts);
      }
      if (::testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(names_seen, 50u);
  EXPECT_EQ(budget_.used(Share::Query), 0u);
}

PlainSpan span_with(uint64_t id, eval::testing::PlainAttributes attributes) {
  PlainSpan span;
  span.trace_id = {1, id};
  span.span_id.value = id;
  span.attributes = std::move(attributes);
  return span;
}

TEST_F(AttributesTest, PrefixAndLimitChooseOfAllThatIsCounted) {
  using eval::testing::PlainValue;
  std::vector<PlainSpan> spans;
  for (uint64_t id = 1; id <= 10; ++id) {
    spans.push_back(span_with(id, {{"http.method", PlainValue::of(std::string(id <= 7 ? "GET" : "POST"))},
                                   {"http.code", PlainValue::of(int64_t{id <= 2 ? 500 : 200})},
                                   {"net.peer", PlainValue::of(true)}}));
  }
  auto kept = std::make_shared<store::Head>();
  kept->append(eval::testing::batch_of(spans), kReceived);
  const store::Snapshot snapshot(kept->snapshot());
  const query::Query all = std::move(query::parse("{}")).query();

  AttributeOptions options;
  options.scope = Scope::Span;
  options.prefix = "http.";
  options.limit = 1;
  const auto names = attribute_names(snapshot, all, options, budget_);
  ASSERT_TRUE(names.ok());
  ASSERT_EQ(names->names.size(), 1u);
  EXPECT_EQ(names->names[0].name, "http.code");
  EXPECT_EQ(names->name_count, 2u);

  options.prefix = "5";
  const auto codes = attribute_values(snapshot, all, query::Attribute{Scope::Span, "http.code"}, options, budget_);
  ASSERT_TRUE(codes.ok());
  expect_values(*codes, {{"3:500", 2}});
  options.prefix = "";
  const auto methods = attribute_values(snapshot, all, query::Attribute{Scope::Span, "http.method"}, options, budget_);
  ASSERT_TRUE(methods.ok());
  ASSERT_EQ(methods->values.size(), 1u);
  EXPECT_EQ(text_of(methods->batch, methods->values[0].type, methods->values[0].slot), "1:GET");
  EXPECT_EQ(methods->values[0].span_count, 7u);
  EXPECT_EQ(methods->value_count, 2u);
}

TEST_F(AttributesTest, SaysWhatIsMissing) {
  using eval::testing::PlainValue;
  auto head = std::make_shared<store::Head>();
  std::vector<PlainSpan> spans;
  for (uint64_t id = 1; id <= kAttributeValuesMax + 5; ++id) {
    spans.push_back(span_with(id, {{"id", PlainValue::of(static_cast<int64_t>(id))}}));
  }
  head->append(eval::testing::batch_of(spans), kReceived);
  const store::Snapshot snapshot(head->snapshot());
  const query::Query all = std::move(query::parse("{}")).query();
  AttributeOptions options;
  const Wanted wanted = query::Attribute{Scope::Span, "id"};
  const auto values = attribute_values(snapshot, all, wanted, options, budget_);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(values->value_count, kAttributeValuesMax);
  EXPECT_FALSE(values->work.complete());

  const std::atomic<bool> cancelled = true;
  options.cancelled = &cancelled;
  const auto stopped = attribute_names(snapshot, all, options, budget_);
  ASSERT_TRUE(stopped.ok());
  EXPECT_FALSE(stopped->work.complete());
  EXPECT_EQ(budget_.used(Share::Query), 0u);

  MemoryBudget small(4 << 20);
  options.cancelled = nullptr;
  const auto little = attribute_values(snapshot, all, wanted, options, small);
  EXPECT_TRUE(!little.ok() || !little->work.complete());
}

}  // namespace
}  // namespace clew::scan
