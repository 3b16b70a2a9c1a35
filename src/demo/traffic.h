// SPDX-License-Identifier: Apache-2.0
//
// Traffic plays the shop of demo/shop.h: customers come by chance at a given rate, their requests go from service to
// service, and each span appears when it ends, as a real SDK would send it. So the parts of a trace come one after the
// other, the root last. Every minute a batch job writes invoices.
//
//   Traffic traffic({.seed = 1, .traces_per_second = 5, .start = clock.now()});
//   model::SpanBatch ended = traffic.advance_to(clock.now());
//
// It reads no clock: time is what it is told, so equal calls give equal spans. Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "model/span_batch.h"

namespace clew::demo {

constexpr double kTracesPerSecondMax = 2'000;
// Traffic that was not asked for in so long does not come all at once: what lies before is left out. Bounds memory, at
// the largest rate to some 100,000 spans.
constexpr uint64_t kCatchUpNanos = 2 * kNanosPerSecond;

class Traffic {
 public:
  struct Options {
    uint64_t seed = 1;
    double traces_per_second = 5;
    UnixNanos start = 0;
  };

  explicit Traffic(const Options& options);
  Traffic(Traffic&&) noexcept;
  Traffic& operator=(Traffic&&) noexcept;
  ~Traffic();

  // The spans that ended after the last call and not after `now`, by service and then by end.
  model::SpanBatch advance_to(UnixNanos now);
  // Visits of customers and runs of the job that have begun.
  uint64_t begun_count() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::demo
