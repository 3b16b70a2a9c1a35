// SPDX-License-Identifier: Apache-2.0
//
// For tests of the doors: a store that does as it is told, requests with good and bad spans, and both doors on free
// ports over them. Only tests include this.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "codec/proto_writer.h"
#include "receive/otlp_grpc.h"
#include "receive/otlp_http.h"

namespace clew::receive::testing {

// Keeps what is submitted, and answers at once, never before release(), or with an error.
class FakeStore final : public store::Store {
 public:
  enum class Mode { Keep, Hold, Refuse };

  void submit(store::Submission submission) override {
    const std::unique_lock lock(mutex_);
    if (mode_ == Mode::Refuse) return submission.done(Error(Code::Unavailable, "the disk is full"));
    spans_ += submission.spans.span_count();
    tenants_.push_back(submission.tenant);
    if (mode_ == Mode::Keep) return submission.done({});
    held_.push_back(std::move(submission));
    changed_.notify_all();
  }
  std::optional<store::Snapshot> snapshot(std::string_view) const override { return std::nullopt; }
  std::vector<std::string> tenants() const override {
    const std::lock_guard lock(mutex_);
    return tenants_;
  }
  const store::Recovery& recovery() const override { return recovery_; }
  Result<void> flush() override { return {}; }
  Result<void> compact() override { return {}; }
  store::StorageFigures storage() const override { return {}; }
  void change_policy(const store::Policy& /*policy*/) override {}

  void set(Mode mode) {
    const std::lock_guard lock(mutex_);
    mode_ = mode;
  }
  void wait_for_held(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  void release() {
    std::vector<store::Submission> held;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
    }
    for (store::Submission& submission : held) submission.done({});
  }
  uint64_t spans() const {
    const std::lock_guard lock(mutex_);
    return spans_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Mode mode_ = Mode::Keep;
  std::vector<store::Submission> held_;
  std::vector<std::string> tenants_;
  uint64_t spans_ = 0;
  store::Recovery recovery_;
};

class SteadyClock final : public Clock {
 public:
  UnixNanos now() const override { return count(std::chrono::system_clock::now()); }
  uint64_t monotonic_nanos() const override { return count(std::chrono::steady_clock::now()); }

 private:
  template <class Point>
  static uint64_t count(Point point) {
    return static_cast<uint64_t>(std::chrono::nanoseconds(point.time_since_epoch()).count());
  }
};

// An ExportTraceServiceRequest of `good` spans and then `bad` ones, whose trace id is too short. `name` is each one's
// name, to make requests large.
inline std::string trace_request(int good, int bad = 0, const std::string& name = "GET /") {
  std::string out;
  codec::ProtoWriter writer(out);
  writer.message(1, [&] {
    writer.message(2, [&] {
      for (int i = 0; i < good + bad; ++i) {
        writer.message(2, [&] {
          writer.text(1, i < good ? std::string(16, 'T') : "short");
          writer.text(2, "SPANID" + std::to_string(10 + i % 90));
          writer.text(5, name);
          writer.fixed64(7, 1'700'000'000'000'000'000);
          writer.fixed64(8, 1'700'000'000'100'000'000);
        });
      }
    });
  });
  return out;
}

// Both doors over a fake store.
struct Doors {
  explicit Doors(Intake::Options options = {}, uint64_t budget_bytes = uint64_t{1} << 30,
                 OtlpHttp::Options http_options = {})
      : budget(budget_bytes), intake(options, store, clock, budget, metrics) {
    OtlpGrpc::Options grpc_options;
    grpc_options.address = {"127.0.0.1", 0};
    grpc_options.quota_bytes = budget.limit(Share::InFlight) / 2;
    grpc = std::make_unique<OtlpGrpc>(grpc_options, intake, metrics);
    http_options.address = {"127.0.0.1", 0};
    http = std::make_unique<OtlpHttp>(http_options, intake, metrics);
    MUST(grpc->start());  // on a free port
    MUST(http->start());
  }

  // What is still reserved when everything has had time to be given back: an answer may be read before its request's
  // memory is free.
  uint64_t in_flight() const {
    for (int i = 0; i < 1000 && budget.used(Share::InFlight) > 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return budget.used(Share::InFlight);
  }

  FakeStore store;
  SteadyClock clock;
  MemoryBudget budget;
  Metrics metrics;
  Intake intake;
  std::unique_ptr<OtlpGrpc> grpc;
  std::unique_ptr<OtlpHttp> http;
};

}  // namespace clew::receive::testing
