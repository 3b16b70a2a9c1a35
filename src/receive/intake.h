// SPDX-License-Identifier: Apache-2.0
//
// Intake is the way that a request goes whatever door it came by: who sends it, is there room for it, inflate, decode,
// give to the store, and tell the door what became of it when the spans are on disk.
//
// Inflating and decoding run on workers, as many as there are cores, behind a queue of two lanes: small requests, and
// large ones of which only one worker at a time has one in hand. So a request of 64 MiB, or one that claims to be small
// and is not, holds up one worker and no sender of small batches.
//
// Overload is an answer: memory spent, queue full, or a store that cannot take more is Unavailable with a delay worked
// out of how much waits and how fast it goes lately. Too large is ResourceExhausted, which senders do not repeat.
//
// Threads: any. Doors are drained before their Intake goes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "base/result.h"
#include "codec/compress.h"
#include "decode/otlp/response.h"
#include "decode/verdict.h"
#include "platform/thread.h"
#include "receive/request_memory.h"
#include "store/store.h"

namespace clew::receive {

enum class Signal : uint8_t { Traces, Logs, Metrics };

// A request's bytes where the door has them, still compressed.
class Payload {
 public:
  virtual ~Payload() = default;
  // In one piece; called on a worker, which may take its time.
  virtual Bytes bytes() = 0;
};

// What became of a request.
struct Outcome {
  std::optional<Error> error;                // nothing was kept
  std::chrono::milliseconds retry_after{0};  // with Unavailable: when to try again
  decode::Verdict verdict;                   // without an error: what was kept and what was not
};

struct Request {
  store::Door door = store::Door::OtlpGrpc;
  Signal signal = Signal::Traces;
  decode::otlp::Encoding format = decode::otlp::Encoding::Protobuf;
  std::optional<codec::Encoding> compression;  // nothing: to be seen from the first bytes
  std::string tenant;
  std::unique_ptr<Payload> payload;
  std::unique_ptr<RequestMemory> memory;  // holds at least the payload's bytes
  // Called once, on a worker or on the committer's thread; must not block.
  std::function<void(const Outcome&)> answer;
  // Set by Intake.
  UnixNanos received = 0;
  uint64_t received_monotonic = 0;
  uint64_t raw_bytes = 0;
};

class Intake {
 public:
  struct Options {
    bool tenancy = false;                // does X-Scope-OrgID name the tenant?
    unsigned workers = 0;                // 0: one for each core
    uint32_t queue_max = 2048;           // requests that wait for a worker, in each lane
    uint64_t body_bytes_max = 64 << 20;  // of one request, inflated
  };

  // All must outlive it.
  Intake(const Options& options, store::Store& store, const Clock& clock, MemoryBudget& budget, Metrics& metrics);
  ~Intake();  // finishes what waits

  // The tenant that a request with this X-Scope-OrgID ("" if absent) is for. Unauthenticated: absent and needed;
  // InvalidArgument: not a name.
  Result<std::string> tenant(std::string_view scope) const;
  // Is there room to read one more request? Unavailable if not.
  Result<void> admit() const;
  std::unique_ptr<RequestMemory> memory() const { return std::make_unique<RequestMemory>(budget_); }
  // The largest request, inflated: Options::body_bytes_max, or less with a small budget.
  uint64_t body_bytes_max() const { return body_bytes_max_; }
  // What a sender is told to wait now.
  std::chrono::milliseconds retry_after() const;

  void take(Request request);

 private:
  struct DoorMetrics {
    Counter* accepted;
    Counter* refused;
    Histogram* seconds;
  };
  struct LargeTurn;

  void work();
  std::optional<Request> next(bool& large);
  void enqueue(Request request, bool large);
  void process(Request request, codec::Inflater& inflater, LargeTurn& turn);
  Outcome decline(const Request& request, Bytes body);
  void decode_traces(Request request, Bytes body, size_t padding);
  void submit(Request request, decode::Verdict verdict, model::SpanBatch spans);
  void finish(Request& request, Outcome outcome);
  Error overloaded(std::string_view why) const { return {Code::Unavailable, std::string(why)}; }
  const DoorMetrics& metrics_of(store::Door door) const { return door_metrics_[door == store::Door::OtlpGrpc ? 0 : 1]; }

  const Options options_;
  store::Store& store_;
  const Clock& clock_;
  MemoryBudget& budget_;
  uint64_t body_bytes_max_;
  DoorMetrics door_metrics_[2];
  Counter* rejected_[decode::kReasonCount];
  Counter* ignored_[2];  // log records, data points
  Gauge* queue_depth_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Request> small_;
  std::deque<Request> large_;
  bool stop_ = false;
  bool large_at_work_ = false;
  std::condition_variable large_free_;
  std::atomic<uint64_t> bytes_done_{0};
  // Bytes a second lately, as a moving mean; see retry_after().
  mutable std::mutex rate_mutex_;
  mutable double rate_ = 0;
  mutable uint64_t rate_bytes_ = 0;
  mutable uint64_t rate_at_ = 0;
  std::vector<platform::Thread> workers_;
};

}  // namespace clew::receive
