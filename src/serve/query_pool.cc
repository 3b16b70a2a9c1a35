// SPDX-License-Identifier: Apache-2.0
#include "serve/query_pool.h"

#include <utility>

namespace clew::serve {

QueryPool::QueryPool(const Options& options, const Clock& clock, Metrics& metrics)
    : options_(options),
      clock_(clock),
      running_(metrics.gauge("clew_queries_running", "Queries that run now.", {{"pool", std::string(options.name)}})),
      waiting_gauge_(metrics.gauge("clew_queries_waiting", "Queries that wait for a thread.",
                                   {{"pool", std::string(options.name)}})),
      refused_(metrics.counter("clew_queries_refused_total", "Queries refused because too many were waiting.",
                               {{"pool", std::string(options.name)}})) {
  for (unsigned i = 0; i < options_.threads; ++i)
    threads_.emplace_back(std::string(options_.name) + std::to_string(i), [this] { work(); });
}

QueryPool::~QueryPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (const auto& cancelled : running_flags_) *cancelled = true;
    wake_.notify_all();
  }
  threads_.clear();
}

bool QueryPool::run(Query query, std::shared_ptr<std::atomic<bool>> cancelled) {
  const std::lock_guard lock(mutex_);
  if (closing_ || waiting_.size() >= options_.queue_max) {
    refused_.add();
    return false;
  }
  waiting_.push_back({std::move(query), clock_.monotonic_nanos() + options_.timeout_nanos, std::move(cancelled)});
  waiting_gauge_.set(static_cast<int64_t>(waiting_.size()));
  wake_.notify_one();
  return true;
}

void QueryPool::work() {
  while (true) {
    Waiting next;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (closing_) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_gauge_.set(static_cast<int64_t>(waiting_.size()));
      running_flags_.insert(next.cancelled);
    }
    running_.add(1);
    next.query(Stop(clock_, next.deadline, *next.cancelled));
    running_.add(-1);
    const std::lock_guard lock(mutex_);
    running_flags_.erase(next.cancelled);
  }
}

}  // namespace clew::serve
