// SPDX-License-Identifier: Apache-2.0
//
// Appending keeps every field of every span, and meets equal resources, scopes, shapes and texts in one entry.
#include "model/span_batch.h"

#include <gtest/gtest.h>

#include "model/row_appender.h"
#include "model/testing/sample_batch.h"

namespace clew::model {
namespace {

using testing::describe;
using testing::sample_batch;

TEST(SpanBatch, AppendKeepsEverySpan) {
  const SpanBatch a = sample_batch(1, 40);
  const SpanBatch b = sample_batch(2, 70);
  SpanBatch both;
  both.append(a);
  both.append(b);
  EXPECT_EQ(describe(both), describe(a) + describe(b));
}

TEST(SpanBatch, AppendingTheSameAgainAddsNoTableEntries) {
  const SpanBatch a = sample_batch(3, 50);
  SpanBatch target;
  target.append(a);
  const size_t strings = target.strings.size(), shapes = target.shapes.size(), blobs = target.blobs.size();
  const size_t resources = target.resources.size(), scopes = target.scopes.size();
  target.append(a);
  EXPECT_EQ(target.span_count(), 100u);
  EXPECT_EQ(target.strings.size(), strings);
  EXPECT_EQ(target.shapes.size(), shapes);
  EXPECT_EQ(target.blobs.size(), blobs);
  EXPECT_EQ(target.resources.size(), resources);
  EXPECT_EQ(target.scopes.size(), scopes);
}

TEST(SpanBatch, AppendRowsTakesJustThose) {
  const SpanBatch a = sample_batch(4, 30);
  SpanBatch all, some;
  const std::vector<uint32_t> rows = {29, 3, 4};
  some.append_rows(a, rows);
  ASSERT_EQ(some.span_count(), 3u);
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(describe(some, i), describe(a, rows[i]));
}

// Rows in any order and more than once, and rows of another batch between.
TEST(SpanBatch, AnAppenderThatRemembersAppendsTheSame) {
  for (uint32_t seed = 1; seed < 20; ++seed) {
    const SpanBatch from = sample_batch(seed, 50);
    const SpanBatch other = sample_batch(seed + 100, 50);
    SpanBatch expected, got;
    RowAppender appender(got, from);
    RowAppender other_appender(got, other);
    for (uint32_t i = 0; i < 40; ++i) {
      const uint32_t rows[] = {i * seed % 50, i};
      expected.append_rows(from, rows);
      expected.append_rows(other, rows);
      appender.append(rows);
      other_appender.append(rows);
    }
    EXPECT_EQ(describe(got), describe(expected));
    EXPECT_EQ(got.content_bytes(), expected.content_bytes());
  }
}

TEST(SpanBatch, RewindForgetsTheChildrenOfABadSpan) {
  SpanBatch batch = sample_batch(5, 3);
  const std::string before = describe(batch);
  const SpanBatch::Mark mark = batch.mark();
  batch.slots.push_back(1);
  batch.events.push_back({});
  batch.links.push_back({});
  batch.rewind(mark);
  batch.add_span({.trace_id = {1, 2}, .span_id = {3}});
  EXPECT_EQ(batch.events_end[3], batch.events_begin(3));
  EXPECT_TRUE(describe(batch).starts_with(before));
}

TEST(SpanBatch, ServiceNameIsTheLastStringOfThatKey) {
  SpanBatch batch;
  const StringId key = batch.strings.intern("service.name");
  const std::vector<KeyType> keys = {KeyType::of(key, ValueType::String), KeyType::of(key, ValueType::String),
                                     KeyType::of(key, ValueType::Int)};
  const AttributeSet set = {batch.intern_shape(keys), 0};
  batch.slots.push_back(batch.strings.intern("first"));
  batch.slots.push_back(batch.strings.intern("second"));
  batch.slots.push_back(7);
  EXPECT_EQ(batch.strings.at(batch.service_name(set)), "second");
  EXPECT_EQ(batch.service_name({}), InternTable::kEmpty);
}

}  // namespace
}  // namespace clew::model
