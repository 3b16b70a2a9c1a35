// SPDX-License-Identifier: Apache-2.0
#include "app/demo_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/end_signals.h"
#include "app/status_line.h"
#include "decode/otlp/encode.h"
#include "demo/order_example.h"
#include "demo/shop.h"
#include "demo/traffic.h"
#include "platform/entropy.h"
#include "platform/system_clock.h"
#include "render/terminal_text.h"
#include "transfer/sender.h"

namespace clew::app {
namespace {

constexpr uint64_t kTickNanos = kNanosPerSecond / 4;
constexpr size_t kSpansInRequestMax = 1'000;
// A server that is started anew is waited for so long; then what it missed is lost, and counted.
constexpr uint64_t kPatienceNanos = 30 * kNanosPerSecond;

Error refused(const std::string& target, const transfer::Receipt& receipt) {
  const std::string message = render::harmless(receipt.message, render::Charset::Utf8);
  if (!receipt.arrived)
    return {Code::Unavailable, fmt::format("{}: {} ({}); is `clew serve` running?", target, receipt.refusal, message)};
  return {Code::FailedPrecondition, fmt::format("{} refused: {} {}", target, receipt.refusal, message)};
}

class Demo {
 public:
  Demo(const DemoCommand& command, transfer::Sender sender)
      : command_(command),
        clock_(platform::system_clock()),
        seed_(command.seed == 0 ? platform::entropy() : command.seed),
        sender_(std::move(sender)),
        patience_({.nanos = kPatienceNanos}),
        status_(clock_) {}

  Result<void> send_order() {
    const model::SpanBatch spans = demo::order_example(seed_, clock_.now() - demo::kOrderNanos);
    TRY(send(spans, 0, spans.span_count()));
    if (rejected_ > 0) return Error(Code::FailedPrecondition, "the server rejected spans: " + reason_);
    const std::string id = spans.trace_id[0].hex();
    fmt::print("{}\n", id);
    fmt::print(stderr, "sent an order that took 450 ms; to see where they went:\n  clew trace {}\n", id);
    return {};
  }

  Result<void> run() {
    fmt::print(stderr, "sending what a shop of {} services does to {}: {:g} customers' requests a second{}\n",
               demo::services().size(), command_.target, command_.rate,
               command_.duration == 0 ? "; Ctrl-C ends it" : "");
    demo::Traffic traffic({.seed = seed_, .traces_per_second = command_.rate, .start = clock_.now()});
    const uint64_t begin = clock_.monotonic_nanos();
    const auto over = [&] { return command_.duration != 0 && clock_.monotonic_nanos() - begin >= command_.duration; };
    while (!ended_ && !over()) {
      const model::SpanBatch spans = traffic.advance_to(clock_.now());
      for (size_t row = 0; row < spans.span_count() && !ended_; row += kSpansInRequestMax)
        TRY(send(spans, row, std::min(row + kSpansInRequestMax, spans.span_count())));
      status_.show(state_text(traffic));
      ended_ = ended_ || signals_.wait_for(kTickNanos).has_value();
    }
    status_.end();
    fmt::print(stderr, "{} in {:.0f} s\n", state_text(traffic),
               static_cast<double>(clock_.monotonic_nanos() - begin) / kNanosPerSecond);
    return {};
  }

 private:
  // An error if there is no use in going on.
  Result<void> send(const model::SpanBatch& spans, size_t begin, size_t end) {
    const std::string request = decode::otlp::encode_traces_protobuf(spans, begin, end);
    const transfer::Wait wait = [this](uint64_t nanos) {
      status_.show(fmt::format("{} does not take spans just now; trying again", command_.target));
      ended_ = signals_.wait_for(nanos).has_value();
      return !ended_;
    };
    const transfer::Receipt receipt = transfer::deliver([&] { return sender_.send(request); }, patience_, wait);
    const uint64_t count = end - begin;
    sent_ += count;
    if (receipt.accepted()) {
      rejected_ += receipt.rejected_spans;
      if (receipt.rejected_spans > 0) reason_ = render::harmless(receipt.message, render::Charset::Utf8);
      return {};
    }
    lost_ += count;
    if (!receipt.retryable || !patience_.reached) {
      status_.end();
      return refused(command_.target, receipt);
    }
    return {};
  }

  std::string state_text(const demo::Traffic& traffic) const {
    std::string text = fmt::format("{} requests, {} spans sent", traffic.begun_count(), sent_);
    if (rejected_ > 0) text += fmt::format(", {} rejected ({})", rejected_, reason_);
    if (lost_ > 0) text += fmt::format(", {} not acknowledged", lost_);
    return text;
  }

  const DemoCommand& command_;
  const Clock& clock_;
  const uint64_t seed_;
  const EndSignals signals_;
  transfer::Sender sender_;
  transfer::Patience patience_;
  StatusLine status_;
  bool ended_ = false;
  uint64_t sent_ = 0;
  uint64_t rejected_ = 0;
  uint64_t lost_ = 0;
  std::string reason_;
};

}  // namespace

Result<void> demo(const DemoCommand& command) {
  transfer::Sender::Options options;
  options.tenant = command.tenant;
  Demo demo(command, TRY(transfer::Sender::to(command.target, options)));
  return command.trace == "order" ? demo.send_order() : demo.run();
}

}  // namespace clew::app
