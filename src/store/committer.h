// SPDX-License-Identifier: Apache-2.0
//
// store::Committer is the one thread that writes: it takes the submissions that wait, as one group, through the journal
// and into the heads, and answers them. While the disk syncs one group, the next one gathers; so the group's size finds
// itself, from one request on an idle machine to megabytes under load, and no timer is needed.
//
// Threads: submit() from any; everything else on the committer's own.
#pragma once

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
#include "store/heads.h"
#include "store/store.h"

namespace clew::store {

// Requests that may wait for the committer; their bytes are bounded by the in-flight share.
constexpr size_t kWaitingMax = 16'384;
// A group ends when its records reach this, so that the first request in it does not wait for a gigabyte.
constexpr size_t kGroupBytesMax = 8 << 20;

// Something that goes wrong for a while: logged when it begins and when it is over, not once for each request.
class Complaint {
 public:
  void raise(std::string_view line);
  void clear(std::string_view line);

 private:
  bool raised_ = false;
};

class Committer {
 public:
  // `journal` is the committer's from here on; `heads`, `budget` and `metrics` must outlive it.
  Committer(std::unique_ptr<journal::Journal> journal, Heads& heads, MemoryBudget& budget, const Clock& clock,
            Metrics& metrics);
  ~Committer();  // commits what waits, then stops

  void submit(Submission submission);

 private:
  struct Waiting {
    Submission submission;
    std::string record;
    Reservation record_memory;
  };

  void run();
  bool take_group();
  void admit();
  void commit();
  void refuse(Submission submission, Error error, Counter& reason);
  void update_gauges();

  std::unique_ptr<journal::Journal> journal_;
  Heads& heads_;
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
  Histogram& commit_seconds_;
  Gauge& journal_size_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;  // guarded by mutex_
  bool stopping_ = false;        // guarded by mutex_

  // The committer's own.
  std::vector<Waiting> group_;
  Complaint head_full_;
  Complaint journal_fails_;
  platform::Thread thread_;  // last: starts when all else is there
};

}  // namespace clew::store
