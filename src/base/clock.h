// SPDX-License-Identifier: Apache-2.0
//
// Time as a part that is handed in, so that tests decide what time it is. platform::system_clock() is the real one.
#pragma once

#include <cstdint>

namespace clew {

// Nanoseconds since 1970-01-01 UTC, as OTLP writes them. Unsigned: the year 2500 does not fit a signed 64-bit count.
using UnixNanos = uint64_t;

constexpr uint64_t kNanosPerSecond = 1'000'000'000;
constexpr uint64_t kNanosPerMilli = 1'000'000;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixNanos now() const = 0;
  // Nanoseconds of a clock that never goes back; only differences mean something.
  virtual uint64_t monotonic_nanos() const = 0;
};

}  // namespace clew
