// SPDX-License-Identifier: Apache-2.0
//
// Times and durations as people and programs write them in requests, settings and commands.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace clew::serve {

// A number and a unit, or several: "30s", "1.2s", "1h30m", "500us", "7d". Units: ns us µs ms s m h d w. "0" needs none.
// Nothing if it is not that, is negative, or does not fit.
std::optional<uint64_t> parse_duration(std::string_view text);

// A moment: RFC 3339 ("2026-11-20T18:48:56.123Z", "…+01:00"); seconds, milliseconds, microseconds or nanoseconds since
// 1970, told apart by their size (below 10^11, 10^14, 10^17, above), seconds also with decimals; "now", or a duration
// before `now` ("1h", "now-1h"). Nothing if it is none of these.
std::optional<UnixNanos> parse_time(std::string_view text, UnixNanos now);

struct TimeRange {
  UnixNanos begin = 0;
  UnixNanos end = UINT64_MAX;  // inclusive
};

}  // namespace clew::serve
