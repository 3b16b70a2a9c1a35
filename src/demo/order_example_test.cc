// SPDX-License-Identifier: Apache-2.0
//
// The example is the one that the documents show.
#include "demo/order_example.h"

#include <gtest/gtest.h>

namespace clew::demo {
namespace {

constexpr UnixNanos kStart = 1'795'200'536 * kNanosPerSecond;

TEST(OrderExample, HasTheFiveSpansOfThePicture) {
  const model::SpanBatch spans = order_example(1, kStart);
  ASSERT_EQ(spans.span_count(), 5u);
  struct Row {
    const char* name;
    uint64_t begin_ms, end_ms;
    int parent;
  };
  const Row rows[] = {{"API Gateway", 0, 450, -1},
                      {"Order", 10, 400, 0},
                      {"Inventory", 20, 120, 1},
                      {"Payment", 130, 380, 1},
                      {"Fraud Check", 140, 250, 3}};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(spans.strings.at(spans.name[i]), rows[i].name);
    EXPECT_EQ(spans.start[i] - kStart, rows[i].begin_ms * kNanosPerMilli);
    EXPECT_EQ(spans.end[i] - kStart, rows[i].end_ms * kNanosPerMilli);
    EXPECT_EQ(spans.trace_id[i], spans.trace_id[0]);
    const model::SpanId parent =
        rows[i].parent < 0 ? model::SpanId{} : spans.span_id[static_cast<size_t>(rows[i].parent)];
    EXPECT_EQ(spans.parent_span_id[i], parent);
  }
  EXPECT_EQ(spans.end[0] - spans.start[0], kOrderNanos);
}

TEST(OrderExample, HasIdsBySeed) {
  EXPECT_EQ(order_example(1, kStart).trace_id[0], order_example(1, kStart).trace_id[0]);
  EXPECT_NE(order_example(1, kStart).trace_id[0], order_example(2, kStart).trace_id[0]);
}

}  // namespace
}  // namespace clew::demo
