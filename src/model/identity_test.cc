// SPDX-License-Identifier: Apache-2.0
//
// Proves that two spans are one exactly when everything that testing::describe() says of them is equal, in one batch or
// in two whose tables have other numbers, and that the merger keeps what a set of such texts would keep. Spans are made
// almost equal by changing one member; every member gets its turn.
#include "model/identity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include "model/testing/sample_batch.h"

namespace clew::model {
namespace {

using testing::describe;
using testing::sample_batch;

uint32_t base_seed() {
  const char* given = std::getenv("CLEW_SEED");
  return given == nullptr ? 1 : static_cast<uint32_t>(std::strtoul(given, nullptr, 10));
}

using Change = std::function<void(SpanBatch&, uint32_t row)>;

// An attribute list of its own with one attribute more.
AttributeSet longer(SpanBatch& batch, const AttributeSet& set, ValueType type) {
  std::vector<KeyType> keys(batch.keys(set).begin(), batch.keys(set).end());
  keys.push_back(KeyType::of(batch.strings.intern("one more"), type));
  const AttributeSet result = {batch.intern_shape(keys), static_cast<uint32_t>(batch.slots.size())};
  for (size_t i = 0; i + 1 < keys.size(); ++i) {
    const uint64_t slot = batch.slots[set.first_slot + i];
    batch.slots.push_back(slot);
  }
  batch.slots.push_back(0);
  return result;
}

void set_attributes(SpanBatch& batch, uint32_t row, const AttributeSet& set) {
  batch.shape[row] = set.shape;
  batch.first_slot[row] = set.first_slot;
}

// The last attribute of the span gets another value.
void change_value(SpanBatch& batch, uint32_t row) {
  const auto keys = batch.keys(batch.attributes(row));
  if (keys.empty()) return;
  uint64_t& slot = batch.slots[batch.first_slot[row] + keys.size() - 1];
  const ValueType type = keys.back().type();
  if (type == ValueType::String) slot = batch.strings.intern("changed");
  if (type >= ValueType::Bytes) slot = batch.blobs.intern("changed");
  if (type == ValueType::Bool || type == ValueType::Int || type == ValueType::Double) slot ^= 1;
}

void swap_keys(SpanBatch& batch, uint32_t row) {
  const AttributeSet old = batch.attributes(row);
  std::vector<KeyType> keys(batch.keys(old).begin(), batch.keys(old).end());
  if (keys.size() < 2) return;
  std::swap(keys[0], keys[1]);
  std::swap(batch.slots[old.first_slot], batch.slots[old.first_slot + 1]);
  set_attributes(batch, row, {batch.intern_shape(keys), old.first_slot});
}

template <class Field>
Change in_resource(Field field) {
  return [field](SpanBatch& batch, uint32_t row) {
    Resource changed = batch.resources[batch.resource[row]];
    field(batch, changed);
    batch.resource[row] = static_cast<uint32_t>(batch.resources.size());
    batch.resources.push_back(changed);
  };
}

template <class Field>
Change in_scope(Field field) {
  return [field](SpanBatch& batch, uint32_t row) {
    Scope changed = batch.scopes[batch.scope[row]];
    field(batch, changed);
    batch.scope[row] = static_cast<uint32_t>(batch.scopes.size());
    batch.scopes.push_back(changed);
  };
}

template <class Field>
Change in_rare(Field field) {
  return [field](SpanBatch& batch, uint32_t row) {
    RareFields changed = batch.rare_of(row);
    field(batch, changed);
    batch.rare[row] = static_cast<uint32_t>(batch.rare_fields.size());
    batch.rare_fields.push_back(changed);
  };
}

// Of the last event, where there is one.
template <class Field>
Change in_event(Field field) {
  return [field](SpanBatch& batch, uint32_t row) {
    if (batch.events_end[row] > batch.events_begin(row)) field(batch, batch.events[batch.events_end[row] - 1]);
  };
}

template <class Field>
Change in_link(Field field) {
  return [field](SpanBatch& batch, uint32_t row) {
    if (batch.links_end[row] > batch.links_begin(row)) field(batch, batch.links[batch.links_end[row] - 1]);
  };
}

// Each changes one member; what a member of no event or link would be stays as it is.
const std::vector<Change>& changes() {
  static const std::vector<Change> list = {
      [](SpanBatch&, uint32_t) {},
      [](SpanBatch& b, uint32_t row) { b.trace_id[row].high ^= 1; },
      [](SpanBatch& b, uint32_t row) { b.trace_id[row].low ^= 8; },
      [](SpanBatch& b, uint32_t row) { b.span_id[row].value ^= 1; },
      [](SpanBatch& b, uint32_t row) { b.parent_span_id[row].value ^= 1; },
      [](SpanBatch& b, uint32_t row) { ++b.start[row]; },
      [](SpanBatch& b, uint32_t row) { ++b.end[row]; },
      [](SpanBatch& b, uint32_t row) { b.name[row] = b.strings.intern("another name"); },
      [](SpanBatch& b, uint32_t row) { ++b.kind[row]; },
      [](SpanBatch& b, uint32_t row) { ++b.status_code[row]; },
      [](SpanBatch& b, uint32_t row) { b.flags[row] ^= 256; },
      [](SpanBatch& b, uint32_t row) { set_attributes(b, row, longer(b, b.attributes(row), ValueType::Empty)); },
      [](SpanBatch& b, uint32_t row) { set_attributes(b, row, longer(b, b.attributes(row), ValueType::Int)); },
      change_value,
      swap_keys,
      in_resource([](SpanBatch&, Resource&) {}),
      in_resource([](SpanBatch& b, Resource& r) { r.attributes = longer(b, r.attributes, ValueType::Int); }),
      in_resource([](SpanBatch&, Resource& r) { r.dropped_attributes += 3; }),
      in_resource([](SpanBatch& b, Resource& r) { r.schema_url = b.strings.intern("url"); }),
      in_resource([](SpanBatch& b, Resource& r) { r.entity_refs = b.blobs.intern("other refs"); }),
      in_scope([](SpanBatch&, Scope&) {}),
      in_scope([](SpanBatch& b, Scope& s) { s.attributes = longer(b, s.attributes, ValueType::Int); }),
      in_scope([](SpanBatch&, Scope& s) { s.dropped_attributes += 3; }),
      in_scope([](SpanBatch& b, Scope& s) { s.schema_url = b.strings.intern("url"); }),
      in_scope([](SpanBatch& b, Scope& s) { s.name = b.strings.intern("another"); }),
      in_scope([](SpanBatch& b, Scope& s) { s.version = b.strings.intern("another"); }),
      in_rare([](SpanBatch& b, RareFields& r) { r.trace_state = b.strings.intern("another"); }),
      in_rare([](SpanBatch& b, RareFields& r) { r.status_message = b.strings.intern("another"); }),
      in_rare([](SpanBatch&, RareFields& r) { r.dropped_attributes += 9; }),
      in_rare([](SpanBatch&, RareFields& r) { r.dropped_events += 9; }),
      in_rare([](SpanBatch&, RareFields& r) { r.dropped_links += 9; }),
      in_event([](SpanBatch&, Event& e) { ++e.time; }),
      in_event([](SpanBatch& b, Event& e) { e.name = b.strings.intern("another"); }),
      in_event([](SpanBatch& b, Event& e) { e.attributes = longer(b, e.attributes, ValueType::Int); }),
      in_event([](SpanBatch&, Event& e) { e.dropped_attributes += 3; }),
      in_link([](SpanBatch&, Link& l) { l.trace_id.low ^= 1; }),
      in_link([](SpanBatch&, Link& l) { l.span_id.value ^= 1; }),
      in_link([](SpanBatch& b, Link& l) { l.trace_state = b.strings.intern("another"); }),
      in_link([](SpanBatch& b, Link& l) { l.attributes = longer(b, l.attributes, ValueType::Int); }),
      in_link([](SpanBatch&, Link& l) { l.dropped_attributes += 3; }),
      in_link([](SpanBatch&, Link& l) { l.flags ^= 1; }),
  };
  return list;
}

void append_changed(SpanBatch& to, const SpanBatch& from, uint32_t row, const Change& change) {
  SpanBatch one;
  const uint32_t rows[] = {row};
  one.append_rows(from, rows);
  change(one, 0);
  to.append(one);
}

// A batch of some spans, whose tables another one can be appended to.
SpanBatch appended_sample(uint32_t seed, size_t spans) {
  SpanBatch batch;
  batch.append(sample_batch(seed, spans));
  return batch;
}

// A batch with row `row` of `from` once for each change, after other spans, so that its tables have other numbers.
SpanBatch almost_equal(const SpanBatch& from, uint32_t row, uint32_t seed) {
  SpanBatch batch = appended_sample(seed, 5);
  for (const Change& change : changes()) append_changed(batch, from, row, change);
  return batch;
}

TEST(Identity, ContentIsAllThatIsSaidOfASpan) {
  for (uint32_t seed = base_seed(); seed < base_seed() + 12; ++seed) {
    const SpanBatch sample = sample_batch(seed, 3);
    const SpanBatch a = almost_equal(sample, seed % 3, seed + 100);
    const SpanBatch b = almost_equal(sample, seed % 3, seed + 200);
    std::vector<std::string> said_a, said_b;
    for (uint32_t i = 0; i < a.span_count(); ++i) said_a.push_back(describe(a, i));
    for (uint32_t i = 0; i < b.span_count(); ++i) said_b.push_back(describe(b, i));
    for (uint32_t i = 0; i < a.span_count(); ++i) {
      for (uint32_t k = 0; k < b.span_count(); ++k) {
        ASSERT_EQ(same_content(a, i, b, k), said_a[i] == said_b[k]) << "seed " << seed << "\n"
                                                                    << said_a[i] << said_b[k];
        ASSERT_EQ(content_hash(a, i) == content_hash(b, k), said_a[i] == said_b[k]) << "seed " << seed;
      }
      for (uint32_t k = 0; k < a.span_count(); ++k)
        ASSERT_EQ(same_content(a, i, a, k), said_a[i] == said_a[k]) << "seed " << seed << "\n"
                                                                    << said_a[i] << said_a[k];
    }
  }
}

// Every change must be seen by describe() in some sample, or the test above proves nothing about it.
TEST(Identity, EveryChangeChangesSomething) {
  for (size_t i = 0; i < changes().size(); ++i) {
    const bool same_numbers = i == 0 || i == 15 || i == 20;  // other rows of tables, the same content
    bool changed = false;
    for (uint32_t seed = 1; seed < 30; ++seed) {
      SpanBatch batch = sample_batch(seed, 1);
      const std::string before = describe(batch, 0);
      changes()[i](batch, 0);
      changed |= before != describe(batch, 0);
    }
    EXPECT_EQ(changed, !same_numbers) << "change " << i;
  }
}

// What TraceMerger does, by texts.
struct NaiveMerger {
  std::vector<std::string> kept;
  uint64_t duplicates = 0;
  uint64_t conflicts = 0;

  void add(const SpanBatch& part, uint32_t row) {
    const std::string said = describe(part, row);
    if (!contents_.insert(said).second) {
      ++duplicates;
      return;
    }
    if (!identities_.emplace(part.span_id[row].value, is_server_half(part.kind[row])).second) ++conflicts;
    kept.push_back(said);
  }

 private:
  std::set<std::string> contents_;
  std::set<std::pair<uint64_t, bool>> identities_;
};

TEST(TraceMerger, KeepsWhatASetWouldKeep) {
  TraceMerger merger;
  for (uint32_t seed = base_seed(); seed < base_seed() + 60; ++seed) {
    std::mt19937_64 random(seed);
    const SpanBatch sample = sample_batch(seed, 1 + random() % 40);
    const uint64_t ids = 1 + random() % 40;  // few: many share one
    SpanBatch into = appended_sample(seed + 1, random() % 3);
    NaiveMerger expected;
    merger.start(into);
    std::vector<uint32_t> rows_expected;
    for (size_t p = 0, parts = 1 + random() % 5; p < parts; ++p) {
      SpanBatch part = appended_sample(seed + 2, p);
      std::vector<uint32_t> rows;
      for (size_t i = 0, count = random() % 60; i < count; ++i) {
        const auto from = static_cast<uint32_t>(random() % sample.span_count());
        const Change& change = changes()[random() % 3 == 0 ? 3 + random() % (changes().size() - 3) : 0];
        append_changed(part, sample, from, [&](SpanBatch& batch, uint32_t row) {
          batch.trace_id[row] = {1, 1};
          batch.span_id[row].value %= ids;
          change(batch, row);
        });
        rows.push_back(static_cast<uint32_t>(part.span_count() - 1));
      }
      std::ranges::shuffle(rows, random);
      for (const uint32_t row : rows) expected.add(part, row);
      merger.add(part, rows);
    }
    ASSERT_EQ(merger.duplicates(), expected.duplicates) << "seed " << seed;
    ASSERT_EQ(merger.conflicts(), expected.conflicts) << "seed " << seed;
    std::vector<std::string> kept;
    for (const uint32_t row : merger.rows()) kept.push_back(describe(into, row));
    ASSERT_EQ(kept, expected.kept) << "seed " << seed;
    ASSERT_EQ(into.span_count(), merger.rows().empty() ? into.span_count() : merger.rows().back() + 1);
  }
}

TEST(TraceMerger, HalvesOfASharedIdAreTwoSpans) {
  const SpanBatch sample = sample_batch(1, 1);
  SpanBatch part;
  const uint32_t rows[] = {0, 1};
  part.append(sample);
  part.append(sample);
  part.kind[0] = 3;
  part.kind[1] = 2;
  SpanBatch into;
  TraceMerger merger;
  merger.start(into);
  merger.add(part, rows);
  EXPECT_EQ(merger.rows().size(), 2U);
  EXPECT_EQ(merger.conflicts(), 0U);
  merger.add(part, rows);
  EXPECT_EQ(merger.rows().size(), 2U);
  EXPECT_EQ(merger.duplicates(), 2U);
}

// A sender with a broken source of ids: with a search among all rows of an identity this would take minutes.
TEST(TraceMerger, ATraceOfOneSpanIdIsNoSlower) {
  constexpr uint32_t kSpans = 200'000;
  SpanBatch part;
  part.resources.push_back({});
  part.scopes.push_back({});
  std::vector<uint32_t> rows(kSpans);
  std::iota(rows.begin(), rows.end(), 0);
  for (uint32_t i = 0; i < kSpans; ++i) part.add_span({.trace_id = {1, 1}, .span_id = {7}, .flags = i});
  SpanBatch into;
  TraceMerger merger;
  merger.start(into);
  merger.add(part, rows);
  merger.add(part, rows);
  EXPECT_EQ(merger.rows().size(), kSpans);
  EXPECT_EQ(merger.duplicates(), kSpans);
  EXPECT_EQ(merger.conflicts(), kSpans - 1);
}

}  // namespace
}  // namespace clew::model
