// SPDX-License-Identifier: Apache-2.0
//
// What a sender wrote is what a reader gets: every field of every span of the recorded traffic, and of a generator
// that reaches every field of trace.proto, through decoder, journal and head on a real disk, after a restart, from
// sealed blocks, from blocks that were compacted once and again, and after restarts in between.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <map>
#include <set>

#include "decode/otlp/testing/generate.h"
#include "decode/otlp/testing/recorded.h"
#include "decode/otlp/traces_protobuf.h"
#include "model/testing/sample_batch.h"
#include "platform/real_file_system.h"
#include "platform/system_clock.h"
#include "scan/trace_reader.h"
#include "store/store.h"

namespace clew {
namespace {

using model::TraceId;
using model::testing::describe;

constexpr uint64_t kBudget = uint64_t{4} << 30;

class RoundTrip : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "clew-round-trip-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    start();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    store_.reset();
    budget_ = std::make_unique<MemoryBudget>(kBudget);
    metrics_ = std::make_unique<Metrics>();
    store::Options options;
    options.free_space_floor_bytes = 0;
    store_ = MUST(store::Store::open(platform::real_file_system(), folder_, options, platform::system_clock(), *budget_,
                                     *metrics_));
  }

  // Sends a request as a door does, and remembers what each span of it says.
  void send(const std::string& request) {
    store::Submission submission;
    submission.tenant = "default";
    submission.received = platform::system_clock().now();
    const auto verdict = MUST(decode::otlp::decode_traces_protobuf(as_bytes(request), submission.spans));
    ASSERT_EQ(verdict.rejected, 0u);
    for (size_t row = 0; row < submission.spans.span_count(); ++row)
      sent_[submission.spans.trace_id[row]].insert(describe(submission.spans, row));
    std::promise<bool> acknowledged;
    submission.done = [&](const Result<void>& result) { acknowledged.set_value(result.ok()); };
    store_->submit(std::move(submission));
    ASSERT_TRUE(acknowledged.get_future().get());
  }

  void expect_everything_back() {
    const std::optional<store::Snapshot> snapshot = store_->snapshot("default");
    ASSERT_TRUE(snapshot.has_value());
    // Of many traces a part, each time another one: to read a trace decodes pages of its row group.
    constexpr size_t kTracesMax = 150;
    const size_t step = sent_.size() / kTracesMax + 1;
    size_t number = looks_++;
    for (const auto& [id, texts] : sent_) {
      if (number++ % step != 0) continue;
      const std::optional<scan::ReadTrace> trace = MUST(scan::read_trace(*snapshot, id, *budget_));
      ASSERT_TRUE(trace.has_value()) << id.hex();
      std::multiset<std::string> read;
      for (size_t row = 0; row < trace->spans.span_count(); ++row) read.insert(describe(trace->spans, row));
      ASSERT_EQ(read, texts) << id.hex();
    }
  }

  // The life of spans from the head to a block of level 2; what was sent before is looked for at each step.
  void expect_everything_back_at_every_stage(const std::vector<std::string>& requests) {
    constexpr size_t kLevels = 3;
    const size_t share = requests.size() / kLevels;
    for (size_t level = 0; level < kLevels; ++level) {
      SCOPED_TRACE(level);
      const size_t end = level + 1 == kLevels ? requests.size() : (level + 1) * share;
      for (size_t i = level * share; i < end; ++i) {
        send(requests[i]);
        if (i == level * share + share / 2) ASSERT_TRUE(store_->flush().ok());
      }
      expect_everything_back();
      start();
      expect_everything_back();
      ASSERT_TRUE(store_->flush().ok());
      expect_everything_back();
      start();
      expect_everything_back();
      ASSERT_TRUE(store_->compact().ok());
      expect_everything_back();
      start();
      expect_everything_back();
    }
    const auto figures = store_->storage();
    EXPECT_GT(figures.tenants.at(0).levels.back().level, 0u);
    EXPECT_EQ(figures.tenants.at(0).head_spans, 0u);
  }

  std::string folder_;
  std::unique_ptr<MemoryBudget> budget_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<store::Store> store_;
  std::map<TraceId, std::multiset<std::string>> sent_;
  size_t looks_ = 0;
};

TEST_F(RoundTrip, RecordedTraffic) {
  const std::vector<std::string> messages = decode::otlp::testing::recorded_messages();
  if (messages.empty()) GTEST_SKIP() << "CLEW_TEST_DATA does not name the folder with otel-demo.otlp.zst";
  expect_everything_back_at_every_stage(messages);
}

TEST_F(RoundTrip, EveryFieldOfTheSchema) {
  std::set<std::string> fields;
  std::vector<std::string> requests;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    requests.push_back(decode::otlp::testing::generate_request(seed, 40));
    fields.merge(decode::otlp::testing::fields_in(requests.back()));
  }
  EXPECT_EQ(fields, decode::otlp::testing::fields_of_schema());
  expect_everything_back_at_every_stage(requests);
}

}  // namespace
}  // namespace clew
