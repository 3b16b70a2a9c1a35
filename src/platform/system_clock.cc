// SPDX-License-Identifier: Apache-2.0
#include "platform/system_clock.h"

#include <chrono>

namespace clew::platform {

namespace {

template <class Source>
uint64_t nanos() {
  const auto since = Source::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

class SystemClock final : public Clock {
 public:
  UnixNanos now() const override { return nanos<std::chrono::system_clock>(); }
  uint64_t monotonic_nanos() const override { return nanos<std::chrono::steady_clock>(); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock kClock;
  return kClock;
}

}  // namespace clew::platform
