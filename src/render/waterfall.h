// SPDX-License-Identifier: Apache-2.0
//
// A trace as a waterfall for a terminal: a line per span in tree order with name, service, a bar over the time of the
// trace, duration, and what is wrong with the span (error, missing parent, broken clock).
//
//   trace 5b8aa5a2d2c872e8321cf37308d69df2
//   5 spans, 5 services, 1 error, 450ms from 2026-11-20T18:48:56.123Z
//
//   API Gateway          gateway    ━━━━━━━━━━━━━━━━━━━━━━━  450ms
//   └─ Order             order       ━━━━━━━━━━━━━━━━━━━━    390ms
//      ├─ Inventory      inventory    ━━━━━                  100ms
//      └─ Payment        payment           ━━━━━━━━━━━━━     250ms  ✗ card declined
//
// The bars' window leaves out spans whose clock is far off (kClockOffMax); such a span is marked instead of squeezing
// all others into one cell. A trace of a hundred thousand spans starts to show at once.
//
// Of a giant trace, a page is shown: a run of spans in tree order, and below it how many more there are. Of a page that
// is not the first, spans without their parent stand on top, as their parents may stand on a page before.
#pragma once

#include "model/span_batch.h"
#include "render/sink.h"
#include "render/terminal_text.h"

namespace clew::render {

enum class Colour : uint8_t { Off, On };

struct WaterfallOptions {
  size_t width = 100;  // cells of a line; held between kWidthMin and kWidthMax
  Charset charset = Charset::Utf8;
  Colour colour = Colour::Off;
  // Of a page: how many spans stand before the batch, and how many the trace has. 0: the batch is all.
  uint64_t first_span = 0;
  uint64_t span_count = 0;
};

constexpr size_t kWidthMin = 40;
constexpr size_t kWidthMax = 1000;
// A span that starts further than this from the median start does not widen the window.
constexpr uint64_t kClockOffMax = 24 * 3600 * kNanosPerSecond;
// Levels that are drawn; deeper spans stand at the last level with their depth as a number.
constexpr uint32_t kDrawnDepthMax = 24;

// `batch` holds the spans of one trace, at least one; of a page, in tree order.
void print_waterfall(const model::SpanBatch& batch, const WaterfallOptions& options, const Sink& sink);

}  // namespace clew::render
