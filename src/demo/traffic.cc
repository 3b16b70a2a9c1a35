// SPDX-License-Identifier: Apache-2.0
//
// A visit is played to its end at once, with times that may lie ahead; its spans wait until their end has come. Serving
// an operation and doing its steps call each other: as deep as the table of the shop, which leads only downwards, is.
#include "demo/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <utility>

#include "demo/describe.h"
#include "demo/drafts.h"
#include "demo/shop.h"

namespace clew::demo {
namespace {

constexpr uint64_t kNanosPerMicro = 1'000;
constexpr uint64_t kJobEveryNanos = 60 * kNanosPerSecond;
constexpr uint32_t kNetworkMicros = 250;
constexpr uint32_t kQueueMicros = 30'000;
constexpr uint32_t kAttemptsMax = 3;
constexpr uint64_t kBackoffNanos = 20 * kNanosPerMilli;
constexpr uint64_t kRedeliveryNanos = 500 * kNanosPerMilli;
constexpr uint32_t kExternalFailuresPer10000 = 90;

// A running copy of each release of each service, and which of them are one service's.
struct Place {
  size_t instance = 0;
  uint32_t slower_percent = 0;
};
struct ReleaseCopies {
  const Release* release;
  size_t first;
};

}  // namespace

struct Traffic::State {
  explicit State(const Options& given) : options(given), random(given.seed) {
    for (const Service& service : services()) add_copies(service);
    next_visit = options.start;
    next_job = options.start + kJobEveryNanos / 4;
  }

  struct Outcome {
    UnixNanos end;
    bool failed;
  };
  // Who does a step, and for which request.
  struct Here {
    const Journey& journey;
    model::TraceId trace_id;
    model::SpanId span_id;
    size_t instance;
  };

  // ---- Chance ----

  uint64_t below(uint64_t limit) { return random() % limit; }
  bool chance(uint32_t of, uint32_t outof) { return below(outof) < of; }
  double fraction() { return static_cast<double>(random() >> 11) * 0x1p-53; }
  // Most near the median, one in a hundred several times as long.
  uint64_t lasting(uint64_t median_micros) {
    double bell = -6;  // of variance 1
    for (int i = 0; i < 12; ++i) bell += fraction();
    constexpr double kSpread = 0.3;
    double factor = std::exp(kSpread * bell);
    if (chance(1, 100)) factor *= 3 + 5 * fraction();
    return static_cast<uint64_t>(static_cast<double>(median_micros * kNanosPerMicro) * factor);
  }

  // ---- Who is there ----

  void add_copies(const Service& service) {
    std::vector<ReleaseCopies>& releases = copies.emplace_back();
    for (const Release& release : service.releases) {
      if (release.version.empty()) continue;
      releases.push_back({&release, instances.size()});
      for (uint16_t copy = 0; copy < service.instances; ++copy)
        instances.push_back(describe_instance(service, release.version, random()));
    }
  }

  Place place_of(size_t service) {
    uint64_t left = below(100);
    for (const ReleaseCopies& each : copies[service]) {
      if (left < each.release->percent)
        return {each.first + below(services()[service].instances), each.release->slower_percent};
      left -= each.release->percent;
    }
    return {copies[service].front().first, 0};
  }

  model::TraceId new_trace_id() {
    const uint64_t high = random();
    return {high, random() | 1};
  }

  SpanDraft begin(const Here& here, std::string name, Kind kind, UnixNanos start) {
    return {.trace_id = here.trace_id,
            .span_id = {random() | 1},
            .parent = here.span_id,
            .instance = here.instance,
            .name = std::move(name),
            .kind = kind,
            .start = start,
            .end = start};
  }

  void finish(SpanDraft span) { pending.push_back(std::move(span)); }

  // ---- Serving ----

  struct Request {
    size_t operation;
    const Journey& journey;
    model::TraceId trace_id;
    model::SpanId parent = {};
    UnixNanos start = 0;
    std::vector<LinkDraft> links = {};
  };

  Outcome serve(Request request) {
    const Operation& operation = operations()[request.operation];
    const Place place = place_of(service_named(operation.service));
    const Kind kind = operation.trigger == Trigger::Timer ? Kind::Internal
                      : takes_messages(operation)         ? Kind::Consumer
                                                          : Kind::Server;
    SpanDraft span = begin({request.journey, request.trace_id, request.parent, place.instance}, span_name(operation),
                           kind, request.start);
    span.links = std::move(request.links);
    const uint64_t own_nanos = lasting(operation.micros) * (100 + place.slower_percent) / 100;
    const Here here = {request.journey, request.trace_id, span.span_id, place.instance};
    const Outcome steps = do_steps(operation, here, request.start + own_nanos / 2);
    const bool own_failure = !steps.failed && chance(operation.failures_per_10_000, 10'000);
    span.end = steps.end + own_nanos / 2;
    describe_served(span, operation, request.journey, {steps.failed, own_failure});
    const Outcome outcome = {span.end, steps.failed || own_failure};
    finish(std::move(span));
    return outcome;
  }

  Outcome do_steps(const Operation& operation, const Here& here, UnixNanos at) {
    UnixNanos began = at;
    UnixNanos end = at;
    bool left_out = false;
    for (const Step& step : operation.steps) {
      if (step.kind == StepKind::None) break;
      const bool lucky = chance(step.percent, 100);
      if (std::exchange(left_out, false) || (!lucky && step.kind != StepKind::Cache)) continue;
      if (!step.parallel) began = end;
      UnixNanos now_at = began;
      for (uint64_t left = 1 + below(step.times_max); left > 0; --left) {
        const Outcome done = do_step(step, here, now_at, lucky);
        now_at = done.end;
        end = std::max(end, now_at);
        if (done.failed && !step.optional) return {end, true};
      }
      left_out = step.kind == StepKind::Cache && lucky;
    }
    return {end, false};
  }

  Outcome do_step(const Step& step, const Here& here, UnixNanos at, bool hit) {
    switch (step.kind) {
      case StepKind::Call:
        return call(operation_named(step.what), here, at);
      case StepKind::Publish:
        return publish(step, here, at);
      case StepKind::External:
        return external(step, here, at);
      case StepKind::Work: {
        SpanDraft span = begin(here, std::string(step.what), Kind::Internal, at);
        return leave(std::move(span), step.micros, false);
      }
      case StepKind::Cache:
      case StepKind::Query: {
        const bool cached = step.kind == StepKind::Cache;
        SpanDraft span = begin(here, "", Kind::Client, at);
        describe_query(span, step, here.journey, cached ? std::optional(hit) : std::nullopt);
        return leave(std::move(span), step.micros, false);
      }
      case StepKind::None:
        break;
    }
    return {at, false};
  }

  Outcome leave(SpanDraft span, uint64_t median_micros, bool failed) {
    span.end = span.start + lasting(median_micros);
    const Outcome outcome = {span.end, failed};
    finish(std::move(span));
    return outcome;
  }

  // A request to another service, again if it failed for a reason that may pass.
  Outcome call(size_t callee, const Here& here, UnixNanos at) {
    const Operation& operation = operations()[callee];
    for (uint32_t attempt = 0;; ++attempt) {
      SpanDraft span = begin(here, span_name(operation), Kind::Client, at);
      const uint64_t network_nanos = lasting(kNetworkMicros);
      const Outcome served = serve({.operation = callee,
                                    .journey = here.journey,
                                    .trace_id = here.trace_id,
                                    .parent = span.span_id,
                                    .start = at + network_nanos});
      span.end = served.end + network_nanos;
      describe_call(span, operation, here.journey, {served.failed, attempt});
      const Outcome outcome = {span.end, served.failed};
      finish(std::move(span));
      if (!served.failed || !operation.transient || attempt + 1 == kAttemptsMax) return outcome;
      at = outcome.end + (kBackoffNanos << attempt) + below(kBackoffNanos);
    }
  }

  Outcome external(const Step& step, const Here& here, UnixNanos at) {
    const bool failed = chance(kExternalFailuresPer10000, 10'000);
    SpanDraft span = begin(here, "", Kind::Client, at);
    describe_external(span, step, here.journey, failed);
    return leave(std::move(span), step.micros, failed);
  }

  Outcome publish(const Step& step, const Here& here, UnixNanos at) {
    const Message message = {step.with, step.what, random(), below(12)};
    SpanDraft span = begin(here, fmt::format("send {}", step.what), Kind::Producer, at);
    describe_message(span, message);
    const model::SpanId producer = span.span_id;
    const Outcome sent = leave(std::move(span), step.micros, false);
    for (size_t i = 0; i < operations().size(); ++i) {
      const Operation& operation = operations()[i];
      if (takes_messages(operation) && operation.name == step.what) deliver(i, message, here, producer, sent.end);
    }
    return sent;
  }

  // To one consumer, which may get it again if it fails.
  void deliver(size_t consumer, const Message& message, const Here& here, model::SpanId producer, UnixNanos sent) {
    const Operation& operation = operations()[consumer];
    const bool follows = operation.trigger == Trigger::Follow;
    UnixNanos at = sent + lasting(kQueueMicros);
    for (uint32_t attempt = 0; attempt < kAttemptsMax; ++attempt) {
      Journey journey = here.journey;
      journey.message = message;
      const Outcome outcome = serve({.operation = consumer,
                                     .journey = journey,
                                     .trace_id = follows ? new_trace_id() : here.trace_id,
                                     .parent = follows ? model::SpanId{} : producer,
                                     .start = at,
                                     .links = {{here.trace_id, producer, {}}}});
      if (!outcome.failed || !operation.transient) return;
      at = outcome.end + kRedeliveryNanos;
    }
  }

  // ---- The course of time ----

  void visit(size_t operation, UnixNanos at) {
    ++begun;
    const Journey journey = new_journey(random);
    serve({.operation = operation, .journey = journey, .trace_id = new_trace_id(), .start = at});
  }

  size_t chosen_visit() {
    uint64_t all = 0;
    for (const Visit& each : visits()) all += each.weight;
    uint64_t left = below(all);
    for (const Visit& each : visits()) {
      if (left < each.weight) return operation_named(each.operation);
      left -= each.weight;
    }
    return operation_named(visits().front().operation);
  }

  void begin_until(UnixNanos now) {
    const UnixNanos earliest = now - std::min(now, kCatchUpNanos);
    next_visit = std::max(next_visit, earliest);
    next_job = std::max(next_job, earliest);
    while (next_visit <= now) {
      visit(chosen_visit(), next_visit);
      const double seconds = -std::log(1 - fraction()) / options.traces_per_second;
      next_visit += 1 + static_cast<uint64_t>(seconds * static_cast<double>(kNanosPerSecond));
    }
    for (; next_job <= now; next_job += kJobEveryNanos)
      for (size_t i = 0; i < operations().size(); ++i)
        if (operations()[i].trigger == Trigger::Timer) visit(i, next_job);
  }

  std::vector<SpanDraft> take_ended(UnixNanos now) {
    std::vector<SpanDraft> taken;
    std::vector<SpanDraft> left;
    for (SpanDraft& span : pending) (span.end > now ? left : taken).push_back(std::move(span));
    pending = std::move(left);
    const auto place = [](const SpanDraft& span) { return std::tuple(span.instance, span.end, span.span_id); };
    std::ranges::sort(taken, {}, place);
    return taken;
  }

  const Options options;
  std::mt19937_64 random;
  std::vector<Instance> instances;
  std::vector<std::vector<ReleaseCopies>> copies;  // by service
  std::vector<SpanDraft> pending;                  // not ended yet
  UnixNanos next_visit = 0;
  UnixNanos next_job = 0;
  uint64_t begun = 0;
};

Traffic::Traffic(const Options& options) : state_(std::make_unique<State>(options)) {}
Traffic::Traffic(Traffic&&) noexcept = default;
Traffic& Traffic::operator=(Traffic&&) noexcept = default;
Traffic::~Traffic() = default;

model::SpanBatch Traffic::advance_to(UnixNanos now) {
  state_->begin_until(now);
  return write_spans(state_->take_ended(now), state_->instances);
}

uint64_t Traffic::begun_count() const { return state_->begun; }

}  // namespace clew::demo
