// SPDX-License-Identifier: Apache-2.0
//
// store::Committer is the one thread that appends: it takes the submissions that wait, as one group, through the
// journal and into the heads, and answers them. While the disk syncs one group, the next one gathers; so the group's
// size finds itself, from one request on an idle machine to megabytes under load, and no timer is needed.
//
// Threads: submit() from any; everything else on the committer's own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/memory_budget.h"
#include "base/metrics.h"
#include "journal/journal.h"
#include "platform/thread.h"
#include "store/complaint.h"
#include "store/recent_requests.h"
#include "store/store.h"
#include "store/tenants.h"

namespace clew::store {

// Requests that may wait for the committer; their bytes are bounded by the in-flight share.
constexpr size_t kWaitingMax = 16'384;
// A group ends when its records reach this, so that the first request in it does not wait for a gigabyte.
constexpr size_t kGroupBytesMax = 8 << 20;

class Committer {
 public:
  // `journal` is the committer's from here on; `recent` are the requests found in it. `tenants`, `budget`, `clock` and
  // `metrics` must outlive it.
  Committer(std::unique_ptr<journal::Journal> journal, RecentRequests recent, Tenants& tenants, MemoryBudget& budget,
            const Clock& clock, Metrics& metrics);
  ~Committer() { stop(); }

  void submit(Submission submission);
  // Commits what waits; nothing is submitted any more.
  void stop();
  // The journal's records below `lsn` are not needed any more; they go between two groups.
  void trim(journal::Lsn lsn);
  uint64_t journal_bytes() const { return journal_bytes_.load(std::memory_order_relaxed); }
  // Calls `wake_sealer`, on the committer's thread, when a head has reached `spans` and when the heads have no room for
  // a request. Before the first submit().
  void set_sealer(uint64_t spans, std::function<void()> wake_sealer) {
    seal_spans_ = spans;
    wake_sealer_ = std::move(wake_sealer);
  }
  // Another number of spans; at any time.
  void set_seal_spans(uint64_t spans) { seal_spans_ = spans; }

 private:
  struct Waiting {
    Submission submission;
    std::string record;
    Reservation record_memory;
    Tenant* tenant = nullptr;
    BatchHash hash;
  };

  void run();
  bool take_group();
  void admit();
  bool is_admitted(Waiting& waiting);
  void commit();
  void append_group(journal::Lsn first);
  void trim_journal();
  void refuse(Submission submission, Error error, Counter& reason);
  void update_gauges();

  std::unique_ptr<journal::Journal> journal_;
  Tenants& tenants_;
  MemoryBudget& budget_;
  const Clock& clock_;

  Counter& requests_;
  Counter& spans_;
  Counter& bytes_;
  Counter& groups_;
  Counter& failed_groups_;
  Counter& refused_journal_;
  Counter& refused_head_;
  Counter& refused_queue_;
  Counter& refused_tenants_;
  Counter& repeated_;
  Histogram& commit_seconds_;
  Gauge& journal_size_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;  // guarded by mutex_
  bool stopping_ = false;        // guarded by mutex_
  journal::Lsn trim_to_ = 0;     // guarded by mutex_
  std::atomic<uint64_t> journal_bytes_ = 0;

  // The committer's own.
  std::vector<Waiting> group_;
  RecentRequests recent_;
  journal::Lsn trimmed_to_ = 0;
  std::atomic<uint64_t> seal_spans_ = UINT64_MAX;
  std::function<void()> wake_sealer_;
  Complaint head_full_;
  Complaint journal_fails_;
  platform::Thread thread_;  // last: starts when all else is there
};

}  // namespace clew::store
