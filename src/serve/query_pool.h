// SPDX-License-Identifier: Apache-2.0
//
// QueryPool runs queries on a few threads of its own, behind a queue of bounded length: what finds the queue full is
// refused, and the caller answers 503. Each query has a deadline, which counts from its arrival, waiting included, and
// stops early when its flag is set: by whoever asked, or by the pool when it closes.
//
//   auto cancelled = std::make_shared<std::atomic<bool>>(false);
//   exchange->tell_when_gone(cancelled);
//   if (!pool.run([exchange](const Stop& stop) { exchange->respond(search(stop)); }, cancelled)) …
//
// Threads: any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "platform/thread.h"

namespace clew::serve {

// Asked by a query between two slices of its work.
class Stop {
 public:
  enum class Why : uint8_t { No, Timeout, Cancelled };

  Stop(const Clock& clock, uint64_t deadline, const std::atomic<bool>& cancelled)
      : clock_(clock), deadline_(deadline), cancelled_(cancelled) {}

  Why why() const {
    if (cancelled_.load(std::memory_order_relaxed)) return Why::Cancelled;
    return clock_.monotonic_nanos() >= deadline_ ? Why::Timeout : Why::No;
  }
  bool now() const { return why() != Why::No; }

  // For who looks at the parts: the time when to stop, and the flag that is set before.
  const Clock& clock() const { return clock_; }
  uint64_t deadline() const { return deadline_; }
  const std::atomic<bool>& cancelled() const { return cancelled_; }

 private:
  const Clock& clock_;
  uint64_t deadline_;  // of the monotonic clock
  const std::atomic<bool>& cancelled_;
};

class QueryPool {
 public:
  struct Options {
    std::string_view name = "query";  // of the threads, and the label `pool` of the figures
    unsigned threads = 2;
    size_t queue_max = 64;
    uint64_t timeout_nanos = 30 * kNanosPerSecond;
  };
  using Query = std::function<void(const Stop&)>;

  QueryPool(const Options& options, const Clock& clock, Metrics& metrics);
  // Stops running queries at their next look at Stop, forgets waiting ones, and waits for the threads.
  ~QueryPool();

  // False if the queue is full or the pool closes; `query` is then not run.
  bool run(Query query, std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false));

 private:
  struct Waiting {
    Query query;
    uint64_t deadline;
    std::shared_ptr<std::atomic<bool>> cancelled;
  };

  void work();

  const Options options_;
  const Clock& clock_;
  Gauge& running_;
  Gauge& waiting_gauge_;
  Counter& refused_;

  std::mutex mutex_;  // guards everything below but the threads
  std::condition_variable wake_;
  bool closing_ = false;
  std::deque<Waiting> waiting_;
  std::set<std::shared_ptr<std::atomic<bool>>> running_flags_;
  std::vector<platform::Thread> threads_;
};

}  // namespace clew::serve
