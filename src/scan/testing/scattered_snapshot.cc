// SPDX-License-Identifier: Apache-2.0
#include "scan/testing/scattered_snapshot.h"

#include <algorithm>

namespace clew::scan::testing {
namespace {

constexpr uint64_t kCacheBudgetBytes = uint64_t{4} << 30;

}  // namespace

ScatteredSnapshot::ScatteredSnapshot(const std::vector<std::shared_ptr<store::Head>>& parts, size_t blocks,
                                     const ScatterOptions& options)
    : budget_(kCacheBudgetBytes), cache_(budget_) {
  auto in_blocks = std::make_shared<store::TraceIdSet>();
  auto in_heads = std::make_shared<store::TraceIdSet>();
  store::TraceIdSet seen;
  for (size_t i = 0; i < parts.size(); ++i) {
    const store::HeadSnapshot head = parts[i]->snapshot();
    const store::HeadSlice slice = head.slice();
    for (uint32_t trace = 0; trace < head.trace_count(); ++trace) {
      const model::TraceId id = slice.summary(trace).id;
      if (!seen.insert(id).second) (i < blocks ? in_blocks : in_heads)->insert(id);
    }
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i < blocks) {
      seal(parts[i]->snapshot(), options);
    } else {
      snapshot_.heads.push_back(parts[i]->snapshot());
    }
  }
  std::ranges::sort(snapshot_.blocks, [](const auto& a, const auto& b) {
    return a->entry().facts.newest_order_time > b->entry().facts.newest_order_time;
  });
  snapshot_.shared_in_blocks = std::move(in_blocks);
  snapshot_.shared_in_heads = std::move(in_heads);
}

void ScatteredSnapshot::seal(const store::HeadSnapshot& head, const ScatterOptions& options) {
  block::testing::MemorySink sink;
  block::Writer writer(sink, options.writer);
  {
    const store::HeadSlice slice = head.slice();
    block::TraceLayout layout(slice.spans(), options.layout);
    std::vector<uint32_t> rows;
    for (uint32_t trace = 0; trace < head.trace_count(); ++trace) {
      rows.clear();
      slice.append_rows(trace, rows);
      const model::TraceSummary summary = slice.summary(trace);
      layout.add(summary, rows, in_blocks_.insert(summary.id).second ? 0 : block::kIsElsewhere);
    }
    MUST(layout.write(writer));  // into memory
  }
  store::BlockEntry entry;
  entry.id = sources_.size() + 1;
  entry.facts = MUST(writer.finish());  // into memory
  sources_.push_back(std::make_shared<block::testing::MemorySource>(std::move(sink.bytes)));
  std::shared_ptr<const block::Block> block = MUST(block::Block::open(sources_.back(), cache_));  // written just now
  snapshot_.blocks.push_back(std::make_shared<const store::StoredBlock>(entry, std::move(block), [] {}));
}

}  // namespace clew::scan::testing
