// SPDX-License-Identifier: Apache-2.0
#include "block/testing/sample_block.h"

#include <map>
#include <vector>

#include "block/row_order.h"
#include "block/testing/memory_bytes.h"
#include "block/writer.h"
#include "model/testing/sample_batch.h"
#include "model/trace_summary.h"

namespace clew::block::testing {

std::string sample_block(uint32_t seed, size_t spans) {
  constexpr UnixNanos kArrived = 1'700'000'100 * kNanosPerSecond;
  const model::SpanBatch batch = model::testing::sample_batch(seed, spans);
  std::map<model::TraceId, std::pair<model::TraceSummary, std::vector<uint32_t>>> traces;
  for (uint32_t row = 0; row < batch.span_count(); ++row) {
    auto& [summary, rows] = traces[batch.trace_id[row]];
    if (rows.empty()) summary = model::first_summary(batch.trace_id[row], kArrived);
    model::add_span(summary, batch.start[row], batch.end[row], kArrived);
    rows.push_back(row);
  }
  WriterOptions options;
  options.names_max = 4;
  options.attribute_columns_max = 30;
  options.dictionary_entries_max = 5;
  LayoutOptions layout_options;
  layout_options.rows_max = static_cast<uint32_t>(1 + spans / 3);
  TraceLayout layout(batch, layout_options);
  for (const auto& [id, trace] : traces) layout.add(trace.first, trace.second, id.low % 2 == 0 ? kIsElsewhere : 0);
  MemorySink sink;
  Writer writer(sink, options);
  // Memory does not fail, and the spans are few.
  MUST(layout.write(writer));
  MUST(writer.finish());
  return std::move(sink.bytes);
}

}  // namespace clew::block::testing
