// SPDX-License-Identifier: Apache-2.0
//
// The store's promises on a disk that forgets: what was acknowledged is found at once and after every loss of power,
// what was refused is not found, a request is there whole or not at all, and every refusal has its reason.
#include "store/store.h"

#include <gtest/gtest.h>

#include <set>

#include "platform/testing/faulty_file_system.h"
#include "store/testing/running_store.h"

namespace clew::store {
namespace {

using model::SpanBatch;
using model::testing::describe;
using platform::FaultyFileSystem;
using testing::quiet_options;
using testing::RunningStore;
using testing::submit;

// Of the head that is written to.
std::string text_of(const RunningStore& server, const std::string& tenant = "default") {
  const std::optional<Snapshot> snapshot = server.store->snapshot(tenant);
  std::string text;
  if (!snapshot) return text;
  const HeadSnapshot& head = snapshot->heads.back();
  const HeadSlice slice = head.slice();
  for (uint32_t row = 0; row < head.row_count(); ++row) text += describe(slice.spans(), row);
  return text;
}

TEST(Store, WhatIsAcknowledgedIsFoundAtOnceAndAfterARestart) {
  FaultyFileSystem files(1);
  std::string expected;
  {
    RunningStore server(files, quiet_options());
    for (uint32_t i = 0; i < 20; ++i) {
      ASSERT_TRUE(submit(*server.store, model::testing::sample_batch(i, 1 + i)).ok());
      expected += describe(model::testing::sample_batch(i, 1 + i));
      ASSERT_EQ(text_of(server), expected);
    }
  }
  files.power_loss();
  RunningStore again(files, quiet_options());
  EXPECT_EQ(text_of(again), expected);
  EXPECT_EQ(again.store->recovery().requests, 20u);
  EXPECT_EQ(again.store->recovery().spans, 210u);
  EXPECT_EQ(again.store->recovery().damaged_records, 0u);
}

TEST(Store, TenantsDoNotSeeEachOther) {
  FaultyFileSystem files(2);
  {
    RunningStore server(files, quiet_options());
    ASSERT_TRUE(submit(*server.store, model::testing::sample_batch(1, 3), "a").ok());
    ASSERT_TRUE(submit(*server.store, model::testing::sample_batch(2, 4), "b").ok());
  }
  RunningStore again(files, quiet_options());
  EXPECT_EQ(text_of(again, "a"), describe(model::testing::sample_batch(1, 3)));
  EXPECT_EQ(text_of(again, "b"), describe(model::testing::sample_batch(2, 4)));
  EXPECT_FALSE(again.store->snapshot("c").has_value());
  EXPECT_EQ(again.store->tenants(), (std::vector<std::string>{"a", "b"}));
}

TEST(Store, RefusesATenantTooMany) {
  FaultyFileSystem files(3);
  Options options = quiet_options();
  options.tenants_max = 1;
  RunningStore server(files, options);
  ASSERT_TRUE(submit(*server.store, model::testing::sample_batch(1, 3), "a").ok());
  const Result<void> refused = submit(*server.store, model::testing::sample_batch(2, 4), "b");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::PermissionDenied);
  EXPECT_TRUE(submit(*server.store, model::testing::sample_batch(3, 3), "a").ok());
}

// Blocks cannot be written, since a file stands where their folder should be. So the heads fill up.
TEST(Store, AFullHeadRefusesAndStaysWithinItsShare) {
  FaultyFileSystem files(4);
  RunningStore server(files, quiet_options(), 24 << 20);
  for (const char* folder : {"data/objects/tenants", "data/objects/tenants/default"})
    ASSERT_TRUE(files.make_directory(folder).ok());
  ASSERT_TRUE(files.create("data/objects/tenants/default/blocks").ok());
  uint64_t taken = 0;
  Result<void> answer;
  uint32_t seed = 0;
  while (taken < 100'000 && (answer = submit(*server.store, model::testing::sample_batch(seed++, 100))).ok())
    taken += 100;
  ASSERT_FALSE(answer.ok()) << "the head never filled up";
  EXPECT_EQ(answer.error().code(), Code::Unavailable);
  EXPECT_LE(server.budget.used(Share::Head), server.budget.limit(Share::Head));
  EXPECT_EQ(server.store->snapshot("default")->span_count(), taken);
  server.store.reset();  // the committer lets go of a request's memory only after it has answered
  EXPECT_EQ(server.budget.used(Share::InFlight), 0u);
}

// Who comes second must not tidy up what the first is at work on.
TEST(Store, AFolderInUseIsLeftAlone) {
  FaultyFileSystem files(7);
  RunningStore server(files, quiet_options());
  ASSERT_TRUE(files.create("data/objects/.incomplete/block").ok());
  Metrics metrics;
  MemoryBudget budget(256 << 20);
  const Result<std::unique_ptr<Store>> second =
      Store::open(files, "data", {}, platform::system_clock(), budget, metrics);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Code::FailedPrecondition);
  EXPECT_EQ(files.list("data/objects/.incomplete")->size(), 1u);
}

TEST(Store, AnEmptyRequestIsAcknowledgedWithoutADisk) {
  FaultyFileSystem files(5);
  RunningStore server(files, quiet_options());
  const uint64_t syncs = files.syncs();
  EXPECT_TRUE(submit(*server.store, SpanBatch()).ok());
  EXPECT_EQ(files.syncs(), syncs);
}

TEST(Store, StoppingCommitsWhatWaits) {
  FaultyFileSystem files(6);
  int acknowledged = 0;
  {
    RunningStore server(files, quiet_options());
    for (uint32_t i = 0; i < 50; ++i) {
      Submission submission;
      submission.tenant = "default";
      submission.received = platform::system_clock().now();
      submission.spans = model::testing::sample_batch(i, 2);
      submission.done = [&](const Result<void>& result) { acknowledged += result.ok(); };
      server.store->submit(std::move(submission));
    }
  }
  EXPECT_EQ(acknowledged, 50);
  files.power_loss();
  EXPECT_EQ(RunningStore(files, quiet_options()).store->snapshot("default")->span_count(), 100u);
}

// Requests that were refused for a failing disk are nowhere, and the next request is taken.
TEST(Store, AFailedSyncIsRefusedAndForgotten) {
  for (uint64_t at = 0; at < 30; ++at) {
    FaultyFileSystem files(at);
    std::string expected;
    size_t refused = 0;
    {
      RunningStore server(files, quiet_options());
      files.fail_sync_at(files.syncs() + at % 10);
      for (uint32_t i = 0; i < 14; ++i) {
        const Result<void> answer = submit(*server.store, model::testing::sample_batch(i, 3));
        if (answer.ok()) {
          expected += describe(model::testing::sample_batch(i, 3));
        } else {
          EXPECT_EQ(answer.error().code(), Code::Unavailable);
          ++refused;
        }
        ASSERT_EQ(text_of(server), expected) << "seed " << at;
      }
    }
    EXPECT_GE(refused, 1u) << "seed " << at;
    files.power_loss();
    EXPECT_EQ(text_of(RunningStore(files, quiet_options())), expected) << "seed " << at;
  }
}

// The power goes at every operation of a run in turn. After it, every acknowledged request is there, every request is
// there whole or not at all, and nothing is there that was not sent.
TEST(Store, LossOfPowerAnywhereLosesNothingThatWasAcknowledged) {
  constexpr uint32_t kRequests = 12;
  uint64_t operations = 0;
  {
    FaultyFileSystem files(0);
    RunningStore server(files, quiet_options());
    for (uint32_t i = 0; i < kRequests; ++i)
      ASSERT_TRUE(submit(*server.store, model::testing::sample_batch(i, 3)).ok());
    operations = files.operations();
  }
  ASSERT_GT(operations, kRequests);
  for (uint64_t cut = 0; cut < operations; ++cut) {
    FaultyFileSystem files(cut + 1);
    files.stop_at(cut);
    std::set<std::string> sent, acknowledged;
    {
      RunningStore server(files, quiet_options());
      for (uint32_t i = 0; server.store != nullptr && i < kRequests; ++i) {
        const std::string text = describe(model::testing::sample_batch(i, 3));
        sent.insert(text);
        if (submit(*server.store, model::testing::sample_batch(i, 3)).ok()) acknowledged.insert(text);
      }
    }
    files.power_loss();
    RunningStore again(files, quiet_options());
    std::string found = text_of(again);
    for (uint32_t i = 0; i < kRequests; ++i) {
      const std::string text = describe(model::testing::sample_batch(i, 3));
      const size_t at = found.find(text);
      if (acknowledged.contains(text)) ASSERT_NE(at, std::string::npos) << "cut at " << cut << ", request " << i;
      if (at != std::string::npos && sent.contains(text)) found.erase(at, text.size());
    }
    ASSERT_EQ(found, "") << "cut at " << cut << ": a part of a request, or something never sent";
  }
}

}  // namespace
}  // namespace clew::store
