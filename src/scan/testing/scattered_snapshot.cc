// SPDX-License-Identifier: Apache-2.0
#include "scan/testing/scattered_snapshot.h"

#include <algorithm>

namespace clew::scan::testing {
namespace {

constexpr uint64_t kCacheBudgetBytes = uint64_t{4} << 30;

}  // namespace

ScatteredSnapshot::ScatteredSnapshot()
    : budget_(kCacheBudgetBytes),
      cache_(budget_),
      in_blocks_(std::make_shared<store::TraceIdSet>()),
      in_heads_(std::make_shared<store::TraceIdSet>()) {
  snapshot_.shared_in_blocks = in_blocks_;
  snapshot_.shared_in_heads = in_heads_;
}

ScatteredSnapshot::ScatteredSnapshot(const std::vector<std::shared_ptr<store::Head>>& parts, size_t blocks,
                                     const ScatterOptions& options)
    : ScatteredSnapshot() {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i < blocks) {
      add_block(*parts[i], options);
    } else {
      add_head(*parts[i]);
    }
  }
}

void ScatteredSnapshot::add_head(const store::Head& head) {
  snapshot_.heads.push_back(head.snapshot());
  const store::HeadSlice slice = snapshot_.heads.back().slice();
  for (uint32_t trace = 0; trace < snapshot_.heads.back().trace_count(); ++trace) {
    const model::TraceId id = slice.summary(trace).id;
    if (!seen_.insert(id).second) in_heads_->insert(id);
  }
}

void ScatteredSnapshot::add_block(const store::Head& from, const ScatterOptions& options) {
  const store::HeadSnapshot head = from.snapshot();
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
      const bool elsewhere = !seen_.insert(summary.id).second;
      if (elsewhere) in_blocks_->insert(summary.id);
      layout.add(summary, rows, elsewhere ? block::kIsElsewhere : 0);
    }
    MUST(layout.write(writer));  // into memory
  }
  store::BlockEntry entry;
  entry.id = sources_.size() + 1;
  entry.facts = MUST(writer.finish());  // into memory
  sources_.push_back(std::make_shared<block::testing::MemorySource>(std::move(sink.bytes)));
  std::shared_ptr<const block::Block> block = MUST(block::Block::open(sources_.back(), cache_));  // written just now
  snapshot_.blocks.push_back(std::make_shared<const store::StoredBlock>(entry, std::move(block), [] {}));
  std::ranges::sort(snapshot_.blocks, [](const auto& a, const auto& b) {
    return a->entry().facts.newest_order_time > b->entry().facts.newest_order_time;
  });
}

}  // namespace clew::scan::testing
