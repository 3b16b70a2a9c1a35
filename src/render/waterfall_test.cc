// SPDX-License-Identifier: Apache-2.0
//
// The waterfall is compared with whole expected screens, so that a change of a cell is seen; then what outsiders can
// send is tried: control characters, clocks that are off, spans that end before they start, deep and wide traces.
#include "render/waterfall.h"

#include <gmock/gmock.h>

#include "render/testing/trace_builder.h"

namespace clew::render {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TraceBuilder;

std::string shown(const model::SpanBatch& batch, WaterfallOptions options = {}) {
  std::string out;
  print_waterfall(batch, options, [&](std::string_view run) {
    out += run;
    return true;
  });
  return out;
}

size_t widest_line(std::string_view text) {
  size_t widest = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    widest = std::max(widest, cell_count(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return widest;
}

std::string lines_of_spans(const std::string& text) { return text.substr(text.find("\n\n") + 2); }

TEST(Waterfall, ShowsTheOrderTrace) {
  EXPECT_EQ(shown(testing::order_trace(), {.width = 80}),
            "trace 5b8aa5a2d2c872e8321cf37308d69df2\n"
            "5 spans, 5 services, 450ms from 2026-11-20T18:48:56Z\n"
            "\n"
            "API Gateway          gateway   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━   450ms\n"
            "└─ Order             order     ╺━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━        390ms\n"
            "   ├─ Inventory      inventory  ╺━━━━━━━━╸                                 100ms\n"
            "   └─ Payment        payment              ╺━━━━━━━━━━━━━━━━━━━━━━╸         250ms\n"
            "      └─ Fraud Check fraud                 ╺━━━━━━━━━╸                     110ms\n");
}

TEST(Waterfall, AsciiUsesNothingElse) {
  const std::string text = shown(testing::order_trace(), {.width = 80, .charset = Charset::Ascii});
  EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  EXPECT_THAT(text, HasSubstr("   `- Payment"));
}

TEST(Waterfall, MarksErrorsOrphansAndBrokenTimes) {
  TraceBuilder trace;
  trace.span({.id = 1, .name = "root", .end_ms = 100, .status = 2, .status_message = "card\ndeclined"});
  trace.span({.id = 2, .parent = 0xdead, .name = "lost", .start_ms = 10, .end_ms = 20});
  trace.span({.id = 3, .parent = 1, .name = "backwards", .start_ms = 50, .end_ms = 40});
  trace.span({.id = 4, .parent = 1, .name = "yesteryear", .start_ms = -400LL * 86'400'000, .end_ms = 40});
  trace.span({.id = 5, .parent = 1, .name = "last", .start_ms = 90, .end_ms = 100});
  const std::string text = shown(trace.batch, {.width = 120});
  EXPECT_THAT(text, HasSubstr("5 spans, 1 service, 1 error, 1 span without the parent, 100ms from"));
  EXPECT_THAT(text, HasSubstr("✗ card\\ndeclined"));
  EXPECT_THAT(text, HasSubstr("⚠ parent 000000000000dead missing"));
  EXPECT_THAT(text, HasSubstr("⚠ ends before it starts"));
  EXPECT_THAT(text, HasSubstr("⚠ clock off: 2025-10-16T"));
}

TEST(Waterfall, EscapesWhatCouldSteerATerminal) {
  TraceBuilder trace;
  trace.span({.id = 1, .name = "a\x1b[2Jb\u202Ec\xFF", .service = "s\x07", .end_ms = 1});
  const std::string text = shown(trace.batch);
  EXPECT_THAT(text, HasSubstr("a\\x1b[2Jb\\u202ec"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\x07")));
}

TEST(Waterfall, KeepsToTheWidth) {
  TraceBuilder trace;
  uint64_t id = 1;
  for (int depth = 0; depth < 200; ++depth, ++id)
    trace.span({.id = id,
                .parent = id - 1,
                .name = "a long name with wide 文字文字文字文字 in it",
                .start_ms = depth,
                .end_ms = 400 - depth,
                .status = depth % 3,
                .status_message = "some longer message of an error"});
  for (const size_t width : {40, 60, 79, 80, 100, 120, 200})
    EXPECT_LE(widest_line(lines_of_spans(shown(trace.batch, {.width = width}))), width) << width;
}

TEST(Waterfall, HandsOverALargeTraceInRuns) {
  TraceBuilder trace;
  for (uint64_t id = 1; id <= 100'000; ++id)
    trace.span({.id = id, .parent = id / 3, .name = "span", .start_ms = static_cast<int64_t>(id), .end_ms = 200'000});
  size_t lines = 0;
  size_t longest_run = 0;
  print_waterfall(trace.batch, {}, [&](std::string_view text) {
    longest_run = std::max(longest_run, text.size());
    lines += static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
    return true;
  });
  EXPECT_EQ(lines, 100'003u);
  EXPECT_LT(longest_run, 70'000u);
}

TEST(Waterfall, StopsWhenNobodyReads) {
  TraceBuilder trace;
  for (uint64_t id = 1; id <= 20'000; ++id) trace.span({.id = id, .name = "span", .end_ms = 1});
  size_t runs = 0;
  print_waterfall(trace.batch, {}, [&](std::string_view) { return ++runs < 2; });
  EXPECT_EQ(runs, 2u);
}

TEST(Waterfall, ColoursOnlyWhenAsked) {
  EXPECT_THAT(shown(testing::order_trace(), {.colour = Colour::On}), HasSubstr("\x1b[36m"));
  EXPECT_THAT(shown(testing::order_trace()), Not(HasSubstr("\x1b")));
}

TEST(TerminalText, CutsByCells) {
  const auto cut = [](std::string_view text, size_t cells) {
    std::string out;
    append_cells(out, text, cells, Charset::Utf8);
    return out;
  };
  EXPECT_EQ(cut("abc", 5), "abc  ");
  EXPECT_EQ(cut("abcdef", 4), "abc…");
  EXPECT_EQ(cut("文字文字", 4), "文… ");
  EXPECT_EQ(cut("abc", 0), "");
}

}  // namespace
}  // namespace clew::render
