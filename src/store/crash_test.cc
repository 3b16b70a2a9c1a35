// SPDX-License-Identifier: Apache-2.0
//
// One script of requests, retries, flushes and compactions, run once for each operation of the disk at which the power
// may go, each sync that may fail, each write that may find the disk full. Whatever happens: what was acknowledged is
// there, what was never sent is not, and what lies in blocks lies there once.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

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

// Request `i` of the script: some are retries of the one before, in part.
SpanBatch request(uint32_t i) {
  SpanBatch batch = model::testing::sample_batch(i / 2, 6);
  for (size_t row = 0; row < batch.span_count(); ++row) {
    batch.trace_id[row] = {3, 1 + (row + i / 2) % 7};
    batch.flags[row] = i % 4 == 3 && row % 2 == 0 ? i : 0;
  }
  return batch;
}

struct Sent {
  Texts all;
  Texts acknowledged;

  void send(Store& store, SpanBatch batch) {
    Texts texts;
    add_texts(batch, texts);
    all.insert(texts.begin(), texts.end());
    if (submit(store, std::move(batch)).ok()) acknowledged.insert(texts.begin(), texts.end());
  }
};

// Flushes and compactions may fail, that is the point.
void run_script(Store& store, Sent& sent) {
  for (uint32_t i = 0; i < 14; ++i) {
    sent.send(store, request(i));
    if (i % 4 == 2 && !store.flush().ok()) continue;
    if (i % 6 == 5 && !store.compact().ok()) continue;
  }
}

void expect_kept(const Store& store, const Sent& sent) {
  const std::optional<Snapshot> snapshot = store.snapshot("default");
  const Texts found = snapshot ? texts_of(contents_of(*snapshot)) : Texts();
  EXPECT_TRUE(std::ranges::includes(found, sent.acknowledged)) << "something that was acknowledged is lost";
  EXPECT_TRUE(std::ranges::includes(sent.all, found)) << "something was never sent";
}

// And then all of it goes into blocks, once.
void expect_kept_once(Store& store, const Sent& sent) {
  expect_kept(store, sent);
  const Result<void> flushed = store.flush();
  ASSERT_TRUE(flushed.ok()) << flushed.error().what();
  const std::optional<Snapshot> snapshot = store.snapshot("default");
  if (!snapshot) return;
  const Contents contents = contents_of(*snapshot);
  EXPECT_EQ(contents.in_heads, 0u);
  EXPECT_EQ(contents.in_blocks, contents.spans.size()) << "a span lies in two blocks";
  expect_kept(store, sent);
}

Options options_of(uint64_t number) {
  Options options = quiet_options();
  if (number % 2 == 1) options.seal_spans = 10;
  options.journal_segment_bytes = number % 3 == 0 ? 4096 : 1 << 20;
  return options;
}

TEST(Crash, LossOfPowerAnywhere) {
  uint64_t operations = 1;
  for (uint64_t cut = 0; cut < operations; ++cut) {
    SCOPED_TRACE("cut at operation " + std::to_string(cut));
    FaultyFileSystem files(cut);
    files.stop_at(cut);
    Sent sent;
    {
      RunningStore server(files, options_of(cut));
      if (server.store != nullptr) run_script(*server.store, sent);
      // The last runs end before the cut.
      if (!files.running()) operations = std::max(operations, cut + 2);
    }
    files.power_loss();
    RunningStore again(files, options_of(cut + 1));
    ASSERT_NE(again.store, nullptr) << again.error.what();
    expect_kept_once(*again.store, sent);
    if (HasFailure()) return;
  }
  EXPECT_GT(operations, 100u);
}

// The process goes on after the fault, and is killed in the end.
TEST(Crash, AnySyncMayFail) {
  bool failed = true;
  for (uint64_t at = 0; failed; ++at) {
    SCOPED_TRACE("sync " + std::to_string(at));
    FaultyFileSystem files(at);
    files.fail_sync_at(at);
    Sent sent;
    {
      RunningStore server(files, options_of(at));
      if (server.store != nullptr) {
        run_script(*server.store, sent);
        expect_kept(*server.store, sent);
      }
      failed = files.syncs() > at;
    }
    files.power_loss();
    RunningStore again(files, options_of(at + 1));
    ASSERT_NE(again.store, nullptr) << again.error.what();
    expect_kept_once(*again.store, sent);
    if (HasFailure()) return;
  }
}

TEST(Crash, AnyWriteMayFindTheDiskFull) {
  bool failed = true;
  for (uint64_t at = 0; failed; ++at) {
    SCOPED_TRACE("write " + std::to_string(at));
    FaultyFileSystem files(at);
    files.fail_write_at(at);
    Sent sent;
    {
      RunningStore server(files, options_of(at));
      if (server.store != nullptr) {
        run_script(*server.store, sent);
        expect_kept(*server.store, sent);
      }
      failed = files.writes() > at;
    }
    files.crash();
    RunningStore again(files, options_of(at + 1));
    ASSERT_NE(again.store, nullptr) << again.error.what();
    expect_kept_once(*again.store, sent);
    if (HasFailure()) return;
  }
}

size_t block_files(FaultyFileSystem& files) { return files.list("data/objects/tenants/default/blocks")->size(); }

TEST(Crash, ASnapshotReadsOnAfterItsBlocksHaveGone) {
  FaultyFileSystem files(1);
  Options options = quiet_options();
  options.retention_age_nanos = 3600 * kNanosPerSecond;
  testing::JumpingClock clock;
  RunningStore server(files, options, 256 << 20, clock);
  Sent sent;
  std::optional<Snapshot> held;
  for (uint32_t i = 0; i < 9; ++i) {
    sent.send(*server.store, request(i));
    if (i % 3 == 2) {
      ASSERT_TRUE(server.store->flush().ok());
      if (!held) held = server.store->snapshot("default");
    }
  }
  const Contents before = contents_of(*held);
  EXPECT_GT(before.spans.size(), 0u);
  clock.jump(2 * options.retention_age_nanos);
  ASSERT_TRUE(server.store->compact().ok());  // retention comes first, and takes all
  EXPECT_TRUE(server.store->snapshot("default")->blocks.empty());
  EXPECT_EQ(contents_of(*held).spans, before.spans);
  EXPECT_GT(block_files(files), 0u);
  held.reset();
  ASSERT_TRUE(server.store->compact().ok());
  EXPECT_EQ(block_files(files), 0u);
  EXPECT_EQ(server.store->storage().retired_bytes, 0u);
  EXPECT_EQ(server.store->storage().tenants.at(0).spans_removed_by_retention, sent.all.size());
}

// In its footer, which a start reads, and in its pages, which a compaction reads first.
TEST(Crash, ADamagedBlockIsSetAside) {
  for (const bool in_footer : {true, false}) {
    SCOPED_TRACE(in_footer);
    FaultyFileSystem files(1);
    Sent first, second;
    {
      RunningStore server(files, quiet_options());
      for (uint32_t i = 0; i < 4; i += 2) first.send(*server.store, request(i));
      ASSERT_TRUE(server.store->flush().ok());
      for (uint32_t i = 4; i < 8; i += 2) second.send(*server.store, request(i));
      ASSERT_TRUE(server.store->flush().ok());
    }
    const std::string folder = "data/objects/tenants/default/blocks/";
    const std::vector<std::string> names = *files.list(folder);
    ASSERT_EQ(names.size(), 2u);
    const uint64_t bytes = *(*files.open(folder + names[0], platform::Access::Read))->size();
    if (in_footer) {
      files.flip_bit(folder + names[0], bytes - 20, 3);
    } else {
      for (uint64_t at = 0; at < 400; ++at) files.flip_bit(folder + names[0], at, 3);
    }
    RunningStore again(files, quiet_options());
    ASSERT_NE(again.store, nullptr) << again.error.what();
    EXPECT_EQ(again.store->recovery().damaged_blocks, in_footer ? 1u : 0u);
    ASSERT_TRUE(again.store->compact().ok());
    const TenantFigures figures = again.store->storage().tenants.at(0);
    EXPECT_EQ(figures.blocks_set_aside, 1u);
    EXPECT_EQ(figures.spans_set_aside, first.all.size());
    expect_kept(*again.store, second);
    EXPECT_TRUE(files.open(folder + names[0], platform::Access::Read).ok()) << "kept for who repairs";
  }
}

TEST(Crash, AFullDiskFreesItself) {
  FaultyFileSystem files(1);
  Sent sent;
  {
    RunningStore server(files, quiet_options());
    for (uint32_t i = 0; i < 30; ++i) {
      sent.send(*server.store, request(i));
      if (i % 10 == 9) ASSERT_TRUE(server.store->flush().ok());
    }
  }
  // What is left is kept for who frees: requests are refused.
  constexpr uint64_t kFloor = 128 << 10;
  for (uint64_t capacity = kFloor / 2;; capacity += 4096) {
    files.set_capacity(capacity);
    if (*files.free_space("data") >= kFloor / 2 - 4096) break;
  }
  Options options = quiet_options();
  options.free_space_floor_bytes = kFloor;
  RunningStore server(files, options);
  ASSERT_NE(server.store, nullptr) << server.error.what();
  uint32_t taken = 0;
  while (taken < 5000 && submit(*server.store, request(100 + 2 * taken)).ok()) ++taken;
  EXPECT_LT(taken, 5000u) << "the journal never met the floor";
  ASSERT_TRUE(server.store->compact().ok());
  EXPECT_TRUE(server.store->snapshot("default")->blocks.empty());
}

}  // namespace
}  // namespace clew::store
