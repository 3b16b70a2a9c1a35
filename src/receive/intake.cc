// SPDX-License-Identifier: Apache-2.0
#include "receive/intake.h"

#include <fmt/core.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "decode/otlp/traces_json.h"
#include "decode/otlp/traces_protobuf.h"
#include "receive/other_signals.h"

namespace clew::receive {
namespace {

using decode::otlp::Encoding;

// A body that inflates to more than this is a large one: one worker at a time has such.
constexpr uint64_t kLargeBodyBytes = 4 << 20;
// Memory that decoding takes for each byte of the body, as a rule: the batch, and with JSON the parser beside it.
constexpr uint64_t kProtobufDecodedPerByte = 1;
constexpr uint64_t kJsonDecodedPerByte = 4;
// What must be left of the in-flight share for another request to be read at all.
constexpr uint64_t kFirstBytes = 64 << 10;
constexpr size_t kTenantBytesMax = 150;
// The delay that a sender is told: never so short that it comes back into the same jam, never so long that an SDK
// gives its batch up.
constexpr std::chrono::milliseconds kRetryMin{1'000};
constexpr std::chrono::milliseconds kRetryMax{30'000};
// The rate is measured while senders are refused, that is while there is always work.
constexpr uint64_t kRateEvery = kNanosPerSecond;
constexpr uint64_t kRateStale = 5 * kNanosPerSecond;
constexpr double kRateWeight = 0.3;  // of the newest measurement

bool tenant_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

const std::vector<double> kSecondsBounds = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};

}  // namespace

// Held by at most one worker at a time, which then has a large request in hand.
struct Intake::LargeTurn {
  explicit LargeTurn(Intake& of, bool already) : intake(of), held(already) {}
  ~LargeTurn() {
    if (!held) return;
    {
      const std::lock_guard lock(intake.mutex_);
      intake.large_at_work_ = false;
    }
    intake.large_free_.notify_one();
    intake.wake_.notify_one();
  }
  // Waits for it; who holds it never waits for anything.
  void take() {
    if (held) return;
    std::unique_lock lock(intake.mutex_);
    intake.large_free_.wait(lock, [this] { return !intake.large_at_work_; });
    intake.large_at_work_ = held = true;
  }

  Intake& intake;
  bool held;
};

Intake::Intake(const Options& options, store::Store& store, const Clock& clock, MemoryBudget& budget, Metrics& metrics)
    : options_(options),
      store_(store),
      clock_(clock),
      budget_(budget),
      // A body and what is decoded from it are there at the same time.
      body_bytes_max_(std::min(options.body_bytes_max, large_limit(budget) / 2)) {
  const auto door = [&](const char* transport) -> DoorMetrics {
    const Labels labels = {{"receiver", "otlp"}, {"transport", transport}};
    return {&metrics.counter("otelcol_receiver_accepted_spans_total", "Spans that are on disk and findable.", labels),
            &metrics.counter("otelcol_receiver_refused_spans_total", "Spans that were decoded and not kept.", labels),
            &metrics.histogram("clew_receive_seconds", "From a request's last byte to its answer.", kSecondsBounds,
                               labels)};
  };
  door_metrics_[0] = door("grpc");
  door_metrics_[1] = door("http");
  for (size_t i = 0; i < decode::kReasonCount; ++i) {
    rejected_[i] = &metrics.counter("clew_receive_rejected_spans_total", "Spans refused one by one, by what is wrong.",
                                    {{"reason", std::string(name_of(static_cast<decode::Reason>(i)))}});
  }
  ignored_[0] = &metrics.counter("clew_receive_ignored_log_records_total", "Log records sent to a store of traces.");
  ignored_[1] = &metrics.counter("clew_receive_ignored_data_points_total", "Metric points sent to a store of traces.");
  metrics.gauge_from("clew_receive_in_flight_bytes", "Memory held by requests that are not answered yet.",
                     [&budget] { return static_cast<double>(budget.used(Share::InFlight)); });
  queue_depth_ = &metrics.gauge("clew_receive_queue_requests", "Requests that wait for a worker.");
  const unsigned workers = options.workers != 0 ? options.workers : static_cast<unsigned>(get_nprocs());
  for (unsigned i = 0; i < workers; ++i) {
    workers_.emplace_back(fmt::format("clew-receive-{}", i), [this] { work(); });
  }
}

Intake::~Intake() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  workers_.clear();
}

Result<std::string> Intake::tenant(std::string_view scope) const {
  if (!options_.tenancy) return std::string("default");
  if (scope.empty()) return Error(Code::Unauthenticated, "X-Scope-OrgID must name the tenant");
  if (scope.size() > kTenantBytesMax || scope == "." || scope == ".." ||
      !std::all_of(scope.begin(), scope.end(), tenant_char)) {
    return Error(Code::InvalidArgument, "X-Scope-OrgID must be 1 to 150 of A-Z a-z 0-9 _ . - and not . or ..");
  }
  return std::string(scope);
}

Result<void> Intake::admit() const {
  if (budget_.used(Share::InFlight) + kFirstBytes > budget_.limit(Share::InFlight)) {
    return overloaded("too much is in flight; try again later");
  }
  const std::lock_guard lock(mutex_);
  if (small_.size() >= options_.queue_max) return overloaded("too many requests wait; try again later");
  return {};
}

std::chrono::milliseconds Intake::retry_after() const {
  const std::lock_guard lock(rate_mutex_);
  const uint64_t now = clock_.monotonic_nanos();
  const uint64_t passed = now - rate_at_;
  if (passed >= kRateEvery) {
    // Nobody asked for long: there was room, so that what was done then does not tell how fast we are.
    if (passed < kRateStale) {
      const uint64_t done = bytes_done_.load(std::memory_order_relaxed) - rate_bytes_;
      const double lately = static_cast<double>(done) * kNanosPerSecond / static_cast<double>(passed);
      rate_ = rate_ == 0 ? lately : rate_ + kRateWeight * (lately - rate_);
    }
    rate_bytes_ = bytes_done_.load(std::memory_order_relaxed);
    rate_at_ = now;
  }
  if (rate_ <= 0) return kRetryMin;
  const double millis = static_cast<double>(budget_.used(Share::InFlight)) / rate_ * 1e3;
  return std::clamp(std::chrono::milliseconds(static_cast<int64_t>(std::min(millis, 1e9))), kRetryMin, kRetryMax);
}

void Intake::take(Request request) {
  request.received_monotonic = clock_.monotonic_nanos();
  request.received = clock_.now();
  const bool large = request.memory->bytes() > kLargeBodyBytes;
  enqueue(std::move(request), large);
}

void Intake::enqueue(Request request, bool large) {
  bool room = false;
  {
    const std::lock_guard lock(mutex_);
    std::deque<Request>& lane = large ? large_ : small_;
    room = lane.size() < options_.queue_max;
    if (room) lane.push_back(std::move(request));
  }
  if (!room) return finish(request, {overloaded("too many requests wait; try again later"), {}, {}});
  queue_depth_->add(1);
  wake_.notify_one();
}

// The next request and whether the large turn comes with it; nothing when all is done.
std::optional<Request> Intake::next(bool& large) {
  std::unique_lock lock(mutex_);
  const auto large_ready = [this] { return !large_.empty() && !large_at_work_; };
  wake_.wait(lock, [&] { return stop_ || !small_.empty() || large_ready(); });
  std::optional<Request> request;
  // The large lane first: it can never have more than one worker, and could otherwise wait for ever.
  if (large_ready()) {
    request = std::move(large_.front());
    large_.pop_front();
    large = large_at_work_ = true;
  } else if (!small_.empty()) {
    request = std::move(small_.front());
    small_.pop_front();
  } else if (!large_.empty()) {
    // Stopping, and another worker has the turn: it will come for these.
    return std::nullopt;
  }
  return request;
}

void Intake::work() {
  codec::Inflater inflater;
  while (true) {
    bool large = false;
    std::optional<Request> request = next(large);
    if (!request) return;
    queue_depth_->add(-1);
    LargeTurn turn(*this, large);
    process(std::move(*request), inflater, turn);
    inflater.trim();
  }
}

void Intake::process(Request request, codec::Inflater& inflater, LargeTurn& turn) {
  const Bytes raw = request.payload->bytes();
  request.raw_bytes = raw.size();
  const codec::Encoding compression = request.compression.value_or(codec::sniff(raw));
  if (!turn.held && codec::inflated_size_hint(compression, raw, body_bytes_max_) > kLargeBodyBytes) {
    return enqueue(std::move(request), true);
  }
  const uint64_t raw_bytes = request.memory->bytes();
  Result<Bytes> body = inflater.inflate(compression, raw, body_bytes_max_, [&](size_t bytes) {
    if (bytes > kLargeBodyBytes) turn.take();  // it claimed to be smaller
    return request.memory->resize(raw_bytes + bytes);
  });
  if (!body.ok()) return finish(request, {std::move(body).error(), {}, {}});
  if (compression != codec::Encoding::None) {
    request.payload.reset();
    request.memory->shrink(std::min(raw_bytes, request.memory->bytes()));
  }

  switch (request.signal) {
    case Signal::Logs:
    case Signal::Metrics:
      return finish(request, decline(request, *body));
    case Signal::Traces:
      return decode_traces(std::move(request), *body,
                           compression == codec::Encoding::None ? 0 : codec::Inflater::kPadding);
  }
}

Outcome Intake::decline(const Request& request, Bytes body) {
  const bool logs = request.signal == Signal::Logs;
  const Result<uint64_t> count =
      logs ? count_log_records(body, request.format) : count_data_points(body, request.format);
  if (!count.ok()) return {count.error(), {}, {}};
  ignored_[logs ? 0 : 1]->add(*count);
  Outcome outcome;
  outcome.verdict.rejected = *count;
  if (*count > 0) outcome.verdict.reason = logs ? "Clew keeps traces, not logs" : "Clew keeps traces, not metrics";
  return outcome;
}

void Intake::decode_traces(Request request, Bytes body, size_t padding) {
  // The true size of what is decoded is known only afterwards.
  const bool json = request.format == Encoding::Json;
  const uint64_t estimate = body.size() * (json ? kJsonDecodedPerByte : kProtobufDecodedPerByte);
  if (request.memory->bytes() + estimate > large_limit(budget_)) {
    return finish(request, {Error(Code::ResourceExhausted, "too large for the memory budget"), {}, {}});
  }
  if (!request.memory->grow(estimate)) {
    return finish(request, {overloaded("too much is in flight; try again later"), {}, {}});
  }
  model::SpanBatch spans;
  Result<decode::Verdict> verdict =
      json ? decode::otlp::decode_traces_json(body, padding, spans) : decode::otlp::decode_traces_protobuf(body, spans);
  if (!verdict.ok()) return finish(request, {std::move(verdict).error(), {}, {}});
  for (size_t i = 0; i < decode::kReasonCount; ++i) {
    if (verdict->rejected_by[i] != 0) rejected_[i]->add(verdict->rejected_by[i]);
  }
  if (spans.span_count() == 0) return finish(request, {std::nullopt, {}, std::move(*verdict)});
  request.payload.reset();
  if (!request.memory->resize(spans.memory_bytes())) {
    return finish(request, {overloaded("too much is in flight; try again later"), {}, {}});
  }
  submit(std::move(request), std::move(*verdict), std::move(spans));
}

void Intake::submit(Request request, decode::Verdict verdict, model::SpanBatch spans) {
  store::Submission submission;
  submission.tenant = std::move(request.tenant);
  submission.door = request.door;
  submission.received = request.received;
  submission.spans = std::move(spans);
  submission.memory = request.memory->take();
  // std::function wants to be copied.
  auto kept = std::make_shared<Request>(std::move(request));
  submission.done = [this, kept = std::move(kept), verdict = std::move(verdict)](const Result<void>& result) {
    Outcome outcome;
    outcome.verdict = verdict;
    if (!result.ok()) {
      outcome.error = result.error();
      metrics_of(kept->door).refused->add(verdict.accepted);
    }
    finish(*kept, std::move(outcome));
  };
  store_.submit(std::move(submission));
}

void Intake::finish(Request& request, Outcome outcome) {
  const DoorMetrics& metrics = metrics_of(request.door);
  if (!outcome.error && request.signal == Signal::Traces) {
    metrics.accepted->add(outcome.verdict.accepted);
    metrics.refused->add(outcome.verdict.rejected);
  }
  if (outcome.error && outcome.error->code() == Code::Unavailable) outcome.retry_after = retry_after();
  bytes_done_.fetch_add(request.raw_bytes, std::memory_order_relaxed);
  metrics.seconds->observe(static_cast<double>(clock_.monotonic_nanos() - request.received_monotonic) * 1e-9);
  // Who has an answer may send the next one: there must be room for it.
  request.payload.reset();
  request.memory.reset();
  request.answer(outcome);
}

}  // namespace clew::receive
