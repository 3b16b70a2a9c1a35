// SPDX-License-Identifier: Apache-2.0
//
// What a block costs: nanoseconds of processor time a span to lay out, write and read back, bytes a span in all and by
// column, on recorded traffic (renewed_traffic.h), and what single choices of the format cost in bytes.
//
//   CLEW_TEST_DATA=… clew_block_bench [spans [zstd level]]
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/memory_budget.h"
#include "block/block.h"
#include "block/row_order.h"
#include "block/testing/memory_bytes.h"
#include "block/writer.h"
#include "model/trace_summary.h"
#include "renewed_traffic.h"

namespace {

using namespace clew;  // NOLINT(google-build-using-namespace)
using model::SpanBatch;

constexpr size_t kRequestSpans = 512;
constexpr int kRuns = 3;

struct Part {
  model::TraceSummary summary;
  std::vector<uint32_t> rows;
};

struct Input {
  SpanBatch spans;
  std::vector<Part> parts;  // in the order of arrival, as a head has them
};

std::unique_ptr<Input> make_input(size_t spans) {
  auto input = std::make_unique<Input>();
  std::unordered_map<model::TraceId, size_t> numbers;
  bench::for_each_renewed_request(spans, kRequestSpans, [&](const SpanBatch& request, UnixNanos received) {
    const size_t begin = input->spans.span_count();
    input->spans.append(request);
    // Up to a second later than its last span has ended.
    const UnixNanos arrived = received + request.trace_id[0].low % kNanosPerSecond;
    for (size_t row = begin; row < input->spans.span_count(); ++row) {
      const auto [number, is_new] = numbers.try_emplace(input->spans.trace_id[row], input->parts.size());
      if (is_new) input->parts.emplace_back();
      Part& part = input->parts[number->second];
      if (part.rows.empty()) part.summary = model::first_summary(input->spans.trace_id[row], arrived);
      model::add_span(part.summary, input->spans.start[row], input->spans.end[row], arrived);
      part.rows.push_back(static_cast<uint32_t>(row));
    }
  });
  return input;
}

// Of processor time: other work on the machine does not count.
double now_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Sealed {
  std::string bytes;
  block::BlockFacts facts;
  double layout_nanos = 0;  // a span
  double write_nanos = 0;
};

Sealed seal(const Input& input, const block::WriterOptions& options, const block::LayoutOptions& layout_options) {
  Sealed sealed;
  const auto spans = static_cast<double>(input.spans.span_count());
  double begin = now_seconds();
  block::TraceLayout layout(input.spans, layout_options);
  for (const Part& part : input.parts) layout.add(part.summary, part.rows, 0);
  sealed.layout_nanos = (now_seconds() - begin) * 1e9 / spans;
  begin = now_seconds();
  block::testing::MemorySink sink;
  block::Writer writer(sink, options);
  const Result<void> written = layout.write(writer);
  const Result<block::BlockFacts> facts = writer.finish();
  if (!written.ok() || !facts.ok()) std::abort();
  sealed.write_nanos = (now_seconds() - begin) * 1e9 / spans;
  sealed.bytes = std::move(sink.bytes);
  sealed.facts = *facts;
  return sealed;
}

// Nanoseconds a span to copy everything back.
double read_back(const std::shared_ptr<const block::Block>& block) {
  const double begin = now_seconds();
  SpanBatch out;
  block::RowCopier copier(block, out);
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < block->row_groups().size(); ++i) {
    Result<block::RowGroup> group = block->row_group(i);
    if (!group.ok()) std::abort();
    rows.resize(group->row_count());
    for (uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
    if (!copier.append(*group, rows).ok()) std::abort();
  }
  return (now_seconds() - begin) * 1e9 / static_cast<double>(out.span_count());
}

void print_columns(const block::Block& block) {
  struct Line {
    std::string name;
    const block::ColumnFacts* facts;
  };
  std::vector<Line> lines;
  uint64_t in_columns = 0;
  for (block::ColumnId id = 0; id < block.column_count(); ++id) {
    const block::ColumnFacts& facts = block.column(id);
    if (facts.page_bytes + facts.dictionary_bytes == 0) continue;
    in_columns += facts.page_bytes;
    const char* levels[] = {"span", "event", "link"};
    lines.push_back({id < block::kFirstAttribute
                         ? std::string(block::name_of(static_cast<block::FixedColumn>(id)))
                         : fmt::format("{}.{}:{}", levels[static_cast<size_t>(facts.column.level)], facts.column.key,
                                       static_cast<int>(facts.column.type)),
                     &facts});
  }
  std::ranges::sort(lines, std::greater(), [](const Line& line) { return line.facts->page_bytes; });
  const auto spans = static_cast<double>(block.facts().span_count);
  fmt::print("{:<44} {:>10} {:>10} {:>10} {:>10} {:>9}\n", "column", "values", "plain", "entries", "pages B/span",
             "B/value");
  for (const Line& line : lines) {
    const block::ColumnFacts& facts = *line.facts;
    if (static_cast<double>(facts.page_bytes) / spans < 0.005) continue;
    fmt::print("{:<44} {:>10} {:>10} {:>10} {:>10.3f} {:>9.2f}\n", line.name, facts.value_count,
               facts.plain_value_count, facts.dictionary_size, static_cast<double>(facts.page_bytes) / spans,
               static_cast<double>(facts.page_bytes) / static_cast<double>(facts.value_count));
  }
  fmt::print("pages {:.3f} B/span, everything else {:.3f}\n", static_cast<double>(in_columns) / spans,
             static_cast<double>(block.facts().bytes - in_columns) / spans);
}

void row(const char* what, const Sealed& sealed) {
  fmt::print("{:<28} {:>8.2f} {:>10.0f} {:>10.0f} {:>8}\n", what,
             static_cast<double>(sealed.bytes.size()) / static_cast<double>(sealed.facts.span_count),
             sealed.layout_nanos, sealed.write_nanos, sealed.facts.row_group_count);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t spans = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 500'000;
  block::WriterOptions options;
  if (argc > 2) options.zstd_level = std::atoi(argv[2]);
  const std::unique_ptr<Input> input = make_input(spans);
  if (input->spans.span_count() == 0) {
    fmt::print("CLEW_TEST_DATA does not name the folder with otel-demo.otlp.zst\n");
    return 1;
  }
  fmt::print("{} spans, {} traces\n", input->spans.span_count(), input->parts.size());
  fmt::print("{:<28} {:>8} {:>10} {:>10} {:>8}\n", "", "B/span", "layout ns", "write ns", "groups");
  Sealed best;
  for (int run = 0; run < kRuns; ++run) {
    Sealed sealed = seal(*input, options, {});
    if (run == 0 || sealed.write_nanos < best.write_nanos) best = std::move(sealed);
  }
  row("as it is", best);
  block::WriterOptions sorted = options;
  sorted.ordered_shapes = false;
  row("attributes sorted by key", seal(*input, sorted, {}));
  row("no slices", seal(*input, options, {.slice_nanos = UINT64_MAX}));
  block::WriterOptions unfiltered = options;
  unfiltered.page_filters = false;
  row("no filters of pages", seal(*input, unfiltered, {}));

  MemoryBudget budget(uint64_t{8} << 30);
  block::Cache cache(budget);
  const auto opened = block::Block::open(std::make_shared<block::testing::MemorySource>(best.bytes), cache);
  if (!opened.ok()) std::abort();
  double nanos = read_back(*opened);
  for (int run = 1; run < kRuns; ++run) nanos = std::min(nanos, read_back(*opened));
  fmt::print("read back: {:.0f} ns/span\n\n", nanos);
  print_columns(**opened);
  return 0;
}
