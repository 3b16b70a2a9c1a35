// SPDX-License-Identifier: Apache-2.0
//
// From journal to head to block to larger block and out, whatever comes between: what was acknowledged is in the
// snapshot, and nothing else; after a flush each span is in exactly one block; and traces that lie in several places
// are said to. The model is a set of texts, one for each distinct span.
#include <gtest/gtest.h>

#include <random>

#include "platform/testing/faulty_file_system.h"
#include "store/testing/running_store.h"
#include "store/testing/store_contents.h"

namespace clew::store {
namespace {

using model::SpanBatch;
using platform::FaultyFileSystem;
using testing::add_texts;
using testing::Contents;
using testing::contents_of;
using testing::quiet_options;
using testing::RunningStore;
using testing::submit;
using testing::Texts;
using testing::texts_of;

SpanBatch copy_of(const SpanBatch& batch) {
  SpanBatch copy;
  copy.append(batch);
  return copy;
}

// Spans of a few traces that all requests share, so that traces lie scattered.
SpanBatch random_request(std::mt19937_64& random, uint64_t traces) {
  SpanBatch batch = model::testing::sample_batch(static_cast<uint32_t>(random()), 1 + random() % 30);
  const UnixNanos now = platform::system_clock().now();
  for (size_t row = 0; row < batch.span_count(); ++row) {
    batch.trace_id[row] = {7, 1 + random() % traces};
    batch.start[row] = now - random() % (3600 * kNanosPerSecond);
    batch.end[row] = batch.start[row] + random() % kNanosPerSecond;
  }
  return batch;
}

// Some rows of what was sent before.
SpanBatch late_retry(std::mt19937_64& random, const std::vector<SpanBatch>& sent) {
  const SpanBatch& old = sent[random() % sent.size()];
  if (random() % 3 == 0) return copy_of(old);
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < old.span_count(); ++row)
    if (random() % 2 == 0) rows.push_back(row);
  SpanBatch some;
  some.append_rows(old, rows);
  return some;
}

Contents contents(const Store& store) {
  const std::optional<Snapshot> snapshot = store.snapshot("default");
  return snapshot ? contents_of(*snapshot) : Contents();
}

class RandomLife : public ::testing::TestWithParam<uint32_t> {};

TEST_P(RandomLife, KeepsWhatWasAcknowledgedOnce) {
  std::mt19937_64 random(GetParam());
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  FaultyFileSystem files(GetParam());
  Options options = quiet_options();
  options.carry_nanos = random() % 2 == 0 ? 0 : 3600 * kNanosPerSecond;
  options.seal_spans = random() % 2 == 0 ? 40 : 500'000;
  auto server = std::make_unique<RunningStore>(files, options);
  ASSERT_NE(server->store, nullptr) << server->error.what();
  const uint64_t traces = 3 + random() % 40;
  Texts expected;
  std::vector<SpanBatch> sent;
  const auto check = [&](const char* when) { ASSERT_EQ(texts_of(contents(*server->store)), expected) << when; };
  for (int step = 0; step < 60; ++step) {
    switch (random() % 12) {
      case 0: {
        ASSERT_TRUE(server->store->flush().ok());
        const Contents held = contents(*server->store);
        ASSERT_EQ(texts_of(held), expected) << "after flush, step " << step;
        ASSERT_EQ(held.in_heads, 0u);
        ASSERT_EQ(held.in_blocks, expected.size()) << "a span lies in two blocks, step " << step;
        break;
      }
      case 1: {
        const Result<void> compacted = server->store->compact();
        ASSERT_TRUE(compacted.ok()) << compacted.error().what();
        check("after compaction");
        break;
      }
      case 2: {
        server.reset();
        if (random() % 2 == 0) files.power_loss();
        server = std::make_unique<RunningStore>(files, options);
        ASSERT_NE(server->store, nullptr) << server->error.what();
        check("after a restart");
        break;
      }
      default: {
        SpanBatch batch = sent.empty() || random() % 3 != 0 ? random_request(random, traces) : late_retry(random, sent);
        add_texts(batch, expected);
        sent.push_back(copy_of(batch));
        ASSERT_TRUE(submit(*server->store, std::move(batch)).ok());
        if (step % 7 == 0) check("after a request");
      }
    }
    if (HasFatalFailure()) return;
  }
  ASSERT_TRUE(server->store->flush().ok());
  ASSERT_TRUE(server->store->compact().ok());
  const Contents held = contents(*server->store);
  EXPECT_EQ(texts_of(held), expected);
  EXPECT_EQ(held.in_blocks, expected.size());
  EXPECT_LE(server->store->storage().tenants.at(0).levels.size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLife, ::testing::Range(0u, 40u));

}  // namespace
}  // namespace clew::store
