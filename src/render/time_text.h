// SPDX-License-Identifier: Apache-2.0
//
// Times and durations as people read them. Any value of 64 bits has a text: times reach to the year 2554.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "render/terminal_text.h"

namespace clew::render {

// RFC 3339 in UTC with as many decimals as are needed, in groups of three: 2026-11-20T18:48:56.123Z.
std::string time_text(UnixNanos time);

// Three to four digits and a unit: 980ns, 12.3µs, 450ms, 1.25s, 2m03s, 1h02m, 3d04h. µ is u in ASCII.
std::string duration_text(uint64_t nanos, Charset charset = Charset::Utf8);

}  // namespace clew::render
