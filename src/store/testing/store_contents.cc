// SPDX-License-Identifier: Apache-2.0
#include "store/testing/store_contents.h"

#include <gtest/gtest.h>

#include <numeric>

#include "model/testing/sample_batch.h"

namespace clew::store::testing {
namespace {

void take(const model::SpanBatch& spans, const std::vector<uint32_t>& rows, Contents& contents) {
  Texts here;
  std::set<model::TraceId> traces;
  for (const uint32_t row : rows) {
    const std::string text = model::testing::describe(spans, row);
    EXPECT_TRUE(here.insert(text).second) << "twice in one place: " << text;
    ++contents.spans[text];
    traces.insert(spans.trace_id[row]);
  }
  for (const model::TraceId& id : traces) ++contents.places[id];
}

void take_block(const StoredBlock& stored, Contents& contents) {
  model::SpanBatch spans;
  block::RowCopier copier(stored.shared_block(), spans);
  for (uint32_t i = 0; i < stored.block().row_groups().size(); ++i) {
    Result<block::RowGroup> group = stored.block().row_group(i);
    ASSERT_TRUE(group.ok()) << group.error().what();
    std::vector<uint32_t> rows(group->row_count());
    std::iota(rows.begin(), rows.end(), 0);
    const Result<void> copied = copier.append(*group, rows);
    ASSERT_TRUE(copied.ok()) << copied.error().what();
  }
  ASSERT_EQ(spans.span_count(), stored.entry().facts.span_count);
  std::vector<uint32_t> all(spans.span_count());
  std::iota(all.begin(), all.end(), 0);
  take(spans, all, contents);
  contents.in_blocks += all.size();
}

}  // namespace

Contents contents_of(const Snapshot& snapshot) {
  Contents contents;
  for (const auto& block : snapshot.blocks) take_block(*block, contents);
  for (const HeadSnapshot& head : snapshot.heads) {
    const HeadSlice slice = head.slice();
    std::vector<uint32_t> rows;
    for (uint32_t trace = 0; trace < head.trace_count(); ++trace) slice.append_rows(trace, rows);
    EXPECT_EQ(rows.size(), head.row_count());
    take(slice.spans(), rows, contents);
    contents.in_heads += rows.size();
  }
  for (const auto& [id, places] : contents.places)
    EXPECT_TRUE(places == 1 || snapshot.is_shared(id)) << id.hex() << " lies in " << places << " places";
  return contents;
}

void add_texts(const model::SpanBatch& batch, Texts& texts) {
  for (size_t row = 0; row < batch.span_count(); ++row) texts.insert(model::testing::describe(batch, row));
}

Texts texts_of(const Contents& contents) {
  Texts texts;
  for (const auto& [text, count] : contents.spans) texts.insert(text);
  return texts;
}

}  // namespace clew::store::testing
