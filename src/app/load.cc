// SPDX-License-Identifier: Apache-2.0
//
// Each connection has a thread that takes the next ticket (which request, which round, due when), writes the request
// and sends it. Over gRPC the answer comes to a callback; HTTP clients are used one request at a time, so an HTTP
// connection has one request in flight.
#include "app/load.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <semaphore>

#include "app/load_requests.h"
#include "codec/json_writer.h"
#include "net/grpc_client.h"
#include "net/http_client.h"
#include "platform/entropy.h"
#include "platform/system_clock.h"
#include "platform/thread.h"
#include "transfer/sender.h"

namespace clew::app {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{30};

// Times in buckets that grow by 1 %, from a microsecond to some minutes.
class Latencies {
 public:
  void add(uint64_t nanos) {
    const double micros = static_cast<double>(nanos) / 1e3;
    const double bucket = micros <= 1 ? 0 : std::log(micros) / kLogGrowth;
    ++counts_[std::min(static_cast<size_t>(bucket), counts_.size() - 1)];
    ++count_;
    max_ = std::max(max_, nanos);
  }
  double milliseconds(double quantile) const {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      seen += counts_[bucket];
      if (seen >= wanted) return std::min(std::exp(kLogGrowth * static_cast<double>(bucket + 1)) / 1e3, max());
    }
    return max();
  }
  double max() const { return static_cast<double>(max_) / 1e6; }

 private:
  static constexpr double kLogGrowth = 0.00995033;  // ln 1.01
  std::array<uint64_t, 2048> counts_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

class Load {
 public:
  Load(const LoadOptions& options, LoadRequests requests)
      : options_(options),
        requests_(std::move(requests)),
        clock_(platform::system_clock()),
        seed_(options.seed == 0 ? platform::entropy() : options.seed) {}

  Result<LoadResult> run() {
    const bool grpc = TRY(transfer::transport_of(options_.target)) == transfer::Transport::Grpc;
    begin_ = clock_.monotonic_nanos();
    std::vector<platform::Thread> threads;
    threads.reserve(options_.connections);
    for (uint32_t i = 0; i < options_.connections; ++i) {
      threads.emplace_back(fmt::format("load{}", i), [this, i, grpc] {
        if (grpc) {
          send_grpc(i);
        } else {
          send_http(i);
        }
      });
    }
    threads.clear();
    if (failed_) return *failed_;
    result_.unsent = due_spans() - std::min(due_spans(), result_.sent);
    result_.seconds = static_cast<double>(last_answer_ - begin_) / 1e9;
    result_.p50 = latencies_.milliseconds(0.50);
    result_.p95 = latencies_.milliseconds(0.95);
    result_.p99 = latencies_.milliseconds(0.99);
    result_.max = latencies_.max();
    return result_;
  }

 private:
  struct Ticket {
    const LoadRequest* request;
    Round round;
    uint64_t due;  // monotonic
  };

  // Which request comes next; nothing when the load is over.
  std::optional<Ticket> next_ticket() {
    const std::lock_guard lock(mutex_);
    const uint64_t now = clock_.monotonic_nanos();
    if (options_.spans != 0 && result_.sent >= options_.spans) return std::nullopt;
    uint64_t due = now;
    if (options_.rate > 0)
      due = begin_ + static_cast<uint64_t>(static_cast<double>(result_.sent) / options_.rate * 1e9);
    if (options_.duration != 0 && std::max(now, due) >= begin_ + options_.duration) return std::nullopt;
    if (next_request_ == 0) {
      ++round_number_;
      round_.salt = (seed_ + round_number_) * 0xD6E8FEB86659FD93u | 1;
      round_.time_shift = clock_.now() - requests_.newest;
    }
    const LoadRequest& request = requests_.requests[next_request_];
    next_request_ = (next_request_ + 1) % requests_.requests.size();
    result_.sent += request.spans;
    return Ticket{&request, round_, due};
  }

  // Spans that the schedule of a rate and a duration asks for; 0 if there is none. Whoever counts only what was sent
  // takes a server that stands still for a quick one.
  uint64_t due_spans() const {
    const double all = options_.rate * static_cast<double>(options_.duration) / kNanosPerSecond;
    const auto spans = static_cast<uint64_t>(all);
    return options_.spans == 0 ? spans : std::min(spans, options_.spans);
  }

  void wait_until(uint64_t due) const {
    const uint64_t now = clock_.monotonic_nanos();
    if (due > now) std::this_thread::sleep_for(std::chrono::nanoseconds(due - now));
  }

  void count(const Ticket& ticket, const transfer::Receipt& receipt) {
    const uint64_t now = clock_.monotonic_nanos();
    const std::lock_guard lock(mutex_);
    last_answer_ = std::max(last_answer_, now);
    const uint64_t spans = ticket.request->spans;
    if (!receipt.arrived) {
      result_.unanswered += spans;
    } else if (!receipt.accepted()) {
      result_.rejected += spans;
    } else {
      const uint64_t rejected = std::min(receipt.rejected_spans, spans);
      result_.rejected += rejected;
      result_.acknowledged += spans - rejected;
      latencies_.add(now - std::min(now, ticket.due));
    }
    if (!receipt.refusal.empty()) ++result_.refusals[receipt.refusal];
  }

  void fail(Error error) {
    const std::lock_guard lock(mutex_);
    if (!failed_) failed_ = std::move(error);
  }

  void send_grpc(uint32_t connection) {
    net::GrpcClient::Options options;
    options.gzip = options_.compression == codec::Encoding::Gzip;
    options.connection = static_cast<int>(connection);
    // Outlives the client, whose destructor waits for every answer.
    std::counting_semaphore<kInFlightOpen> room(options_.rate > 0 ? kInFlightOpen : kInFlightClosed);
    net::GrpcClient client(transfer::grpc_address(options_.target), options);
    net::GrpcClient::CallOptions call;
    call.timeout = kAnswerTimeout;
    if (!options_.tenant.empty()) call.metadata.emplace_back("x-scope-orgid", options_.tenant);
    codec::Deflater deflater;
    uint64_t random = seed_ ^ connection;
    std::string body;
    while (const std::optional<Ticket> ticket = next_ticket()) {
      wait_until(ticket->due);
      room.acquire();
      write_request(*ticket->request, ticket->round, random, body);
      if (options_.compression == codec::Encoding::Zstd) body = deflater.deflate(options_.compression, body);
      take_bytes(body.size());
      const auto done = [this, ticket = *ticket, &room, bytes = body.size()](const net::GrpcAnswer& answer) {
        count(ticket, transfer::read_receipt(answer));
        give_bytes(bytes);
        room.release();
      };
      client.call(transfer::kExportMethod, body, call, done);
    }
  }

  void send_http(uint32_t connection) {
    net::HttpClient::Options options;
    options.timeout = kAnswerTimeout;
    Result<net::HttpClient> client = net::HttpClient::to(options_.target, options);
    if (!client.ok()) return fail(client.error());
    net::HttpFields headers;
    if (!options_.tenant.empty()) headers.emplace_back("X-Scope-OrgID", options_.tenant);
    if (options_.compression != codec::Encoding::None)
      headers.emplace_back("Content-Encoding", codec::name_of(options_.compression));
    codec::Deflater deflater;
    uint64_t random = seed_ ^ connection;
    std::string body;
    while (const std::optional<Ticket> ticket = next_ticket()) {
      wait_until(ticket->due);
      write_request(*ticket->request, ticket->round, random, body);
      if (options_.compression != codec::Encoding::None) body = deflater.deflate(options_.compression, body);
      count(*ticket,
            transfer::read_receipt(client->post(transfer::kExportPath, body, "application/x-protobuf", headers)));
    }
  }

  void take_bytes(uint64_t bytes) {
    std::unique_lock lock(bytes_mutex_);
    bytes_free_.wait(lock, [&] { return bytes_in_flight_ == 0 || bytes_in_flight_ + bytes <= kInFlightBytesMax; });
    bytes_in_flight_ += bytes;
  }
  void give_bytes(uint64_t bytes) {
    const std::lock_guard lock(bytes_mutex_);
    bytes_in_flight_ -= bytes;
    bytes_free_.notify_all();
  }

  const LoadOptions& options_;
  const LoadRequests requests_;
  const Clock& clock_;
  const uint64_t seed_;
  uint64_t begin_ = 0;

  std::mutex mutex_;  // guards what follows
  size_t next_request_ = 0;
  uint64_t round_number_ = 0;
  Round round_;
  uint64_t last_answer_ = 0;
  LoadResult result_;
  Latencies latencies_;
  std::optional<Error> failed_;

  std::mutex bytes_mutex_;
  std::condition_variable bytes_free_;
  uint64_t bytes_in_flight_ = 0;
};

}  // namespace

Result<LoadResult> run_load(const LoadOptions& options) {
  TRY(transfer::transport_of(options.target));  // before a large file is read
  // Enough made-up requests that a round is longer than what a server joins into one write.
  constexpr size_t kMadeSpansMin = 20'000;
  const size_t wanted = std::max<size_t>(kMadeSpansMin, size_t{options.batch} * 4);
  const model::SpanBatch spans =
      options.file.empty() ? make_spans(options.profile, options.seed, wanted) : TRY(read_spans(options.file));
  return Load(options, make_requests(spans, options.batch)).run();
}

std::string load_json(const LoadResult& result) {
  std::string out;
  codec::JsonWriter json(out);
  const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
  json.begin_object();
  json.key("sent").number(result.sent).key("acknowledged").number(result.acknowledged);
  json.key("rejected").number(result.rejected).key("unanswered").number(result.unanswered);
  json.key("unsent").number(result.unsent);
  json.key("seconds").number(rounded(result.seconds));
  const double speed = result.seconds > 0 ? static_cast<double>(result.acknowledged) / result.seconds : 0;
  json.key("spans_per_second").number(std::round(speed));
  json.key("ack_ms").begin_object();
  json.key("p50").number(rounded(result.p50)).key("p95").number(rounded(result.p95));
  json.key("p99").number(rounded(result.p99)).key("max").number(rounded(result.max)).end_object();
  if (!result.refusals.empty()) {
    json.key("refusals").begin_object();
    for (const auto& [what, count] : result.refusals) json.key(what).number(count);
    json.end_object();
  }
  json.end_object();
  return out;
}

}  // namespace clew::app
