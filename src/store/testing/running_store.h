// SPDX-License-Identifier: Apache-2.0
//
// A store that runs on a test's disk, and requests for it. Only tests include this.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/log.h"
#include "model/testing/sample_batch.h"
#include "platform/system_clock.h"
#include "store/store.h"

namespace clew::store::testing {

// The journal logs each segment that it gives up, which these tests make it do by the hundred.
[[maybe_unused]] inline const bool kQuiet = [] {
  set_log_sink([](LogLevel, std::string_view) {});
  return true;
}();

// A process that runs a store: its budget and metrics live as long as the store.
struct RunningStore {
  Metrics metrics;
  MemoryBudget budget;
  Error error{Code::Unknown, ""};  // why there is no store
  std::unique_ptr<Store> store;

  RunningStore(platform::FileSystem& files, const Options& options, uint64_t budget_bytes = 256 << 20,
               const Clock& clock = platform::system_clock())
      : budget(budget_bytes) {
    Result<std::unique_ptr<Store>> opened = Store::open(files, "data", options, clock, budget, metrics);
    if (opened.ok()) {
      store = std::move(*opened);
    } else {
      error = opened.error();
    }
  }
};

// The system's clock, and a jump that a test makes.
class JumpingClock final : public Clock {
 public:
  UnixNanos now() const override { return platform::system_clock().now() + ahead_; }
  uint64_t monotonic_nanos() const override { return platform::system_clock().monotonic_nanos(); }
  void jump(uint64_t nanos) { ahead_ += nanos; }

 private:
  std::atomic<uint64_t> ahead_ = 0;
};

// Few spans a segment, no floor, no thread that acts by itself.
inline Options quiet_options() {
  Options options;
  options.journal_segment_bytes = 1 << 20;
  options.free_space_floor_bytes = 0;
  options.retention_disk_percent = 0;
  options.retention_age_nanos = 0;
  options.compacts = false;
  return options;
}

// Submits and waits for the answer.
inline Result<void> submit(Store& store, model::SpanBatch spans, const std::string& tenant = "default") {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Result<void>> answer;
  Submission submission;
  submission.tenant = tenant;
  submission.received = platform::system_clock().now();
  submission.spans = std::move(spans);
  submission.done = [&](Result<void> result) {
    const std::lock_guard lock(mutex);
    answer = std::move(result);
    answered.notify_one();
  };
  store.submit(std::move(submission));
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return answer.has_value(); });
  return std::move(*answer);
}

}  // namespace clew::store::testing
