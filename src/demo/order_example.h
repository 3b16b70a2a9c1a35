// SPDX-License-Identifier: Apache-2.0
//
// The one trace that explains what tracing is: an order that takes 450 ms, and where they go.
//
//   API Gateway 0–450 ms → Order 10–400 → Inventory 20–120
//                                       → Payment 130–380 → Fraud Check 140–250
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "model/span_batch.h"

namespace clew::demo {

constexpr uint64_t kOrderNanos = 450 * kNanosPerMilli;

// The five spans, of which the first is the root. Equal arguments give an equal trace; other seeds give other ids.
model::SpanBatch order_example(uint64_t seed, UnixNanos start);

}  // namespace clew::demo
