// SPDX-License-Identifier: Apache-2.0
//
// What goes into a block comes out: random spans of every shape are laid out, written, opened and copied back, and each
// must read as it did before, under limits low enough that every way to spill is taken. Summaries, parents, zones,
// index and facts are checked against the spans themselves.
#include "block/block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "base/memory_budget.h"
#include "block/filter.h"
#include "block/row_order.h"
#include "block/testing/memory_bytes.h"
#include "block/writer.h"
#include "codec/hex.h"
#include "decode/otlp/testing/generate.h"
#include "decode/otlp/traces_protobuf.h"
#include "model/testing/sample_batch.h"
#include "model/trace_summary.h"
#include "model/trace_tree.h"

namespace clew::block {
namespace {

using model::SpanBatch;
using model::TraceId;
using testing::MemorySink;
using testing::MemorySource;

constexpr UnixNanos kArrived = 1'700'000'100 * kNanosPerSecond;

struct Part {
  model::TraceSummary summary;
  std::vector<uint32_t> rows;
  uint8_t flags = 0;
};

// The traces of a batch; each arrives at a time of its own, and every third lies elsewhere, too.
std::map<TraceId, Part> parts_of(const SpanBatch& spans) {
  std::map<TraceId, Part> parts;
  for (uint32_t row = 0; row < spans.span_count(); ++row) {
    const TraceId id = spans.trace_id[row];
    const UnixNanos arrived = kArrived + id.low % 1000;
    Part& part = parts[id];
    if (part.rows.empty()) part.summary = model::first_summary(id, arrived);
    model::add_span(part.summary, spans.start[row], spans.end[row], arrived);
    part.rows.push_back(row);
  }
  for (auto& [id, part] : parts) part.flags = id.low % 3 == 0 ? kIsElsewhere : 0;
  return parts;
}

struct Written {
  std::string bytes;
  BlockFacts facts;
};

Written write(const SpanBatch& spans, const std::map<TraceId, Part>& parts, const WriterOptions& options = {},
              const LayoutOptions& layout_options = {}) {
  MemorySink sink;
  Writer writer(sink, options);
  TraceLayout layout(spans, layout_options);
  for (const auto& [id, part] : parts) layout.add(part.summary, part.rows, part.flags);
  const Result<void> written = layout.write(writer);
  EXPECT_TRUE(written.ok());
  Result<BlockFacts> facts = writer.finish();
  EXPECT_TRUE(facts.ok());
  EXPECT_EQ(facts->bytes, sink.bytes.size());
  EXPECT_EQ(writer.span_count(), spans.span_count());
  return {std::move(sink.bytes), *facts};
}

class BlockTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Block> open(const std::string& bytes) {
    auto block = Block::open(std::make_shared<MemorySource>(bytes), cache_);
    EXPECT_TRUE(block.ok()) << block.error().what();
    return *block;
  }

  MemoryBudget budget_{uint64_t{1} << 30};
  Cache cache_{budget_};
};

// A text of each span: equal texts, equal spans.
std::multiset<std::string> described(const SpanBatch& spans) {
  std::multiset<std::string> texts;
  for (size_t row = 0; row < spans.span_count(); ++row) texts.insert(model::testing::describe(spans, row));
  return texts;
}

SpanBatch copy_all(const std::shared_ptr<const Block>& block) {
  SpanBatch out;
  RowCopier copier(block, out);
  for (uint32_t i = 0; i < block->row_groups().size(); ++i) {
    auto group = block->row_group(i);
    EXPECT_TRUE(group.ok()) << group.error().what();
    std::vector<uint32_t> rows(group->row_count());
    for (uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
    const auto copied = copier.append(*group, rows);
    EXPECT_TRUE(copied.ok()) << copied.error().what();
  }
  return out;
}

// What the block says of a trace's rows in row group `g`, against the trace itself. `back` are the spans as copied
// back.
void expect_rows(const TraceRows& trace, RowGroup& group, const Part& part, const SpanBatch& spans,
                 const SpanBatch& back) {
  auto parents = group.parents();
  auto starts = group.ints(kStart);
  ASSERT_TRUE(parents.ok() && starts.ok());
  model::TraceTree tree;
  tree.build(spans, part.rows);
  std::map<uint32_t, uint32_t> position_of;
  for (uint32_t i = 0; i < tree.size(); ++i) position_of[tree.preorder()[i]] = i;
  for (uint32_t i = 0; i < trace.row_count; ++i) {
    const uint32_t position = tree.preorder()[trace.first_position + i];
    const uint32_t row = part.rows[position];
    EXPECT_EQ((*starts)[trace.first_row + i], spans.start[row]);
    EXPECT_EQ(model::testing::describe(back, group.facts().first_row + trace.first_row + i),
              model::testing::describe(spans, row));
    const uint32_t parent = tree.parent(position);
    EXPECT_EQ((*parents)[trace.first_row + i], model::is_top(parent) ? parent : position_of[parent]);
  }
}

void expect_trace(const Block& block, uint32_t g, const TraceRows& trace, const RowGroupFacts& facts,
                  const Part& part) {
  EXPECT_EQ(trace.summary, part.summary);
  EXPECT_EQ(trace.flags & ~kHasSaneSpan, part.flags);
  EXPECT_LE(trace.summary.order_time, facts.newest_order_time);
  EXPECT_GE(trace.summary.start, facts.start);
  EXPECT_LE(trace.summary.end, facts.end);
  EXPECT_TRUE(std::ranges::any_of(block.facts().intervals, [&](const TimeInterval& interval) {
    return interval.start <= part.summary.start && part.summary.end <= interval.end;
  }));
  auto place = block.find(trace.summary.id);
  ASSERT_TRUE(place.ok()) << place.error().what();
  ASSERT_TRUE(*place);
  EXPECT_EQ((*place)->row_count, part.rows.size());
  EXPECT_EQ((*place)->flags, trace.flags);
  if (trace.first_position > 0) return;
  EXPECT_EQ((*place)->row_group, g);
  EXPECT_EQ((*place)->first_row, trace.first_row);
}

void expect_ids(const Block& block, const std::map<TraceId, Part>& parts) {
  std::vector<TraceId> ids;
  const Result<void> visited = block.for_each_trace_id([&](std::span<const TraceId> run) {
    ids.insert(ids.end(), run.begin(), run.end());
    return true;
  });
  ASSERT_TRUE(visited.ok());
  std::vector<TraceId> expected_ids;
  std::vector<TraceId> expected_elsewhere;
  for (const auto& [id, part] : parts) {
    expected_ids.push_back(id);
    if ((part.flags & kIsElsewhere) != 0) expected_elsewhere.push_back(id);
  }
  EXPECT_EQ(ids, expected_ids);
  auto elsewhere = block.elsewhere();
  ASSERT_TRUE(elsewhere.ok());
  EXPECT_EQ(**elsewhere, expected_elsewhere);
  EXPECT_EQ(block.facts().elsewhere_count, expected_elsewhere.size());
  auto missing = block.find({123, 456});
  ASSERT_TRUE(missing.ok());
  EXPECT_FALSE(*missing);
}

// The trace by itself, against its rows in the whole row group, which are `copied` from `first_copy` on.
void expect_part(const std::shared_ptr<const Block>& block, uint32_t row_group, const TraceRows& trace, RowGroup& whole,
                 const SpanBatch& copied, uint64_t first_copy) {
  auto part = block->rows_of_trace(row_group, trace.first_row);
  ASSERT_TRUE(part.ok()) << part.error().what();
  ASSERT_EQ(part->row_count(), trace.row_count);
  const auto traces = MUST(part->traces());  // the block is whole
  ASSERT_EQ(traces.size(), 1u);
  EXPECT_EQ(traces[0].summary, trace.summary);
  EXPECT_EQ(std::tuple(traces[0].first_row, traces[0].row_count, traces[0].first_position, traces[0].flags),
            std::tuple(0u, trace.row_count, trace.first_position, trace.flags));
  const auto parents = MUST(part->parents());
  EXPECT_TRUE(std::ranges::equal(parents, MUST(whole.parents()).subspan(trace.first_row, trace.row_count)));
  SpanBatch out;
  std::vector<uint32_t> rows(trace.row_count);
  for (uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
  ASSERT_TRUE(RowCopier(block, out).append(*part, rows).ok());
  for (const uint32_t row : rows) {
    ASSERT_EQ(model::testing::describe(out, row), model::testing::describe(copied, first_copy + trace.first_row + row));
  }
}

// Everything that can be asked of a block, against the spans that it was made from.
void expect_holds(const std::shared_ptr<const Block>& block, const SpanBatch& spans,
                  const std::map<TraceId, Part>& parts) {
  EXPECT_EQ(block->facts().span_count, spans.span_count());
  EXPECT_EQ(block->facts().trace_count, parts.size());
  const SpanBatch back = copy_all(block);
  EXPECT_EQ(described(back), described(spans));

  std::map<TraceId, uint32_t> rows_seen;
  uint64_t first_row = 0;
  for (uint32_t g = 0; g < block->row_groups().size(); ++g) {
    auto group = block->row_group(g);
    ASSERT_TRUE(group.ok());
    EXPECT_EQ(group->facts().first_row, first_row);
    auto traces = group->traces();
    ASSERT_TRUE(traces.ok()) << traces.error().what();
    for (const TraceRows& trace : *traces) {
      const Part& part = parts.at(trace.summary.id);
      EXPECT_EQ(trace.first_position, rows_seen[trace.summary.id]);
      expect_trace(*block, g, trace, group->facts(), part);
      expect_rows(trace, *group, part, spans, back);
      expect_part(block, g, trace, *group, back, first_row);
      rows_seen[trace.summary.id] += trace.row_count;
    }
    EXPECT_EQ(block->rows_of_trace(g, group->row_count()).error().code(), Code::DataLoss);
    first_row += group->row_count();
  }
  for (const auto& [id, part] : parts) EXPECT_EQ(rows_seen[id], part.rows.size());
  expect_ids(*block, parts);
  EXPECT_EQ(block->verify(), std::vector<std::string>());
}

TEST_F(BlockTest, HoldsNothing) {
  const Written written = write(SpanBatch(), {});
  const auto block = open(written.bytes);
  EXPECT_EQ(block->facts(), written.facts);
  EXPECT_EQ(block->row_groups().size(), 0u);
  expect_holds(block, SpanBatch(), {});
}

// The example of docs/format/block.md, section 11.
constexpr std::string_view kExample =
    "434c4557424c434b0100000000000000010101020101019280d0e2c6bfce972f0101018080d0e2c6bfce972f010501030100010001070b28"
    "000102a66ca81029000102529ff8032a000102a66ca8102f00010a94ded85230000102a66ca8100200010a2a9742ca03020102b9fb32d705"
    "00000000000000050000000000000004000102511c93f10a010102a5efc3e20b010102a5efc3e2400201024e8b0936070000000000000007"
    "0000000000000014001400016d146b0101010300676574000100000100000101000000000000000000000101000000000000000000000000"
    "0001000000000000000000000100000000000000000000000000000000010000000000000000000000000000000000000000000000000000"
    "0000000000000000000001020101010201000102010201020100010201010204030000020102014001050193b8e940010201000000080000"
    "000001000000080000800010000000000000020000004000000020000000000101008080a8b1e39fe7cb178980a8b1e39fe7cb178980a8b1"
    "e39fe7cb17018080a8b1e39fe7cb17050b0201000a00000301000200000401000200000a0100020100af01028fe72e800b0100020100b101"
    "028fe72e802801000200002901000200002a01000200002f01000a0000300100020000400003016b0100020000019f01798d128447010100"
    "8080a8b1e39fe7cb178080a8b1e39fe7cb1705b3018d01442ccb8901135c1a08c0020b8c88c2fecb0220ee597320eb0204c74b674800bf00"
    "000001000000000000000000000000000000be35aea1434c4557424c434b";

TEST_F(BlockTest, IsAsTheDocumentSays) {
  constexpr UnixNanos kStarted = 1'700'000'000 * kNanosPerSecond;
  SpanBatch spans;
  spans.resources.push_back({});
  spans.scopes.push_back({});
  const auto key = model::KeyType::of(spans.strings.intern("k"), model::ValueType::Int);
  spans.slots.push_back(7);
  spans.add_span({.trace_id = {1, 2},
                  .span_id = {3},
                  .start = kStarted,
                  .end = kStarted + 5,
                  .name = spans.strings.intern("get"),
                  .kind = 2,
                  .attributes = {spans.intern_shape(std::span(&key, 1)), 0}});
  Part part = {.summary = model::first_summary({1, 2}, kStarted + 9), .rows = {0}, .flags = 0};
  model::add_span(part.summary, kStarted, kStarted + 5, kStarted + 9);
  EXPECT_EQ(codec::encode_hex(as_bytes(write(spans, {{TraceId{1, 2}, part}}).bytes)), kExample);
}

TEST_F(BlockTest, HoldsOneSpan) {
  const SpanBatch spans = model::testing::sample_batch(7, 1);
  const auto parts = parts_of(spans);
  const Written written = write(spans, parts);
  const auto block = open(written.bytes);
  EXPECT_EQ(block->facts(), written.facts);
  expect_holds(block, spans, parts);
}

TEST_F(BlockTest, HoldsRandomSpansUnderAnyLimits) {
  const auto seed = std::random_device()();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (int round = 0; round < 30; ++round) {
    const SpanBatch spans = model::testing::sample_batch(random(), 1 + random() % 300);
    const auto parts = parts_of(spans);
    const auto limit = [&](uint32_t usual) { return random() % 2 == 0 ? usual : random() % 12; };
    WriterOptions options;
    options.names_max = limit(kNamesMax);
    options.templates_max = limit(kTemplatesMax);
    options.shapes_max = limit(kShapesMax);
    options.attribute_columns_max = limit(kAttributeColumnsMax);
    options.dictionary_entries_max = limit(kDictionaryEntriesMax);
    options.dictionary_bytes_max = random() % 3 == 0 ? random() % 200 : kDictionaryBytesMax;
    options.page_filters = random() % 4 != 0;
    LayoutOptions layout;
    layout.rows_max = random() % 2 == 0 ? kRowGroupRowsMax : 1 + random() % 60;
    if (random() % 4 == 0) layout.bytes_max = 1 + random() % 20'000;
    if (random() % 4 == 0) layout.slice_nanos = UINT64_MAX;
    SCOPED_TRACE("round " + std::to_string(round));
    const Written written = write(spans, parts, options, layout);
    const auto block = open(written.bytes);
    EXPECT_EQ(block->facts(), written.facts);
    expect_holds(block, spans, parts);
    if (HasFailure()) break;
  }
}

// Spans of every field that OTLP has.
TEST_F(BlockTest, HoldsWhatOtlpSends) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (uint32_t round = 0; round < 10; ++round) {
    SpanBatch spans;
    const std::string request = decode::otlp::testing::generate_request(seed + round, 200);
    ASSERT_TRUE(decode::otlp::decode_traces_protobuf(as_bytes(request), spans).ok());
    const auto parts = parts_of(spans);
    expect_holds(open(write(spans, parts).bytes), spans, parts);
  }
}

// A dictionary says what is in its column; a filter does not deny what is on a plain page; a zone bounds its values.
TEST_F(BlockTest, ColumnsSayWhatTheyHold) {
  const SpanBatch spans = model::testing::sample_batch(3, 400);
  WriterOptions options;
  options.dictionary_entries_max = 60;
  const auto block = open(write(spans, parts_of(spans), options).bytes);
  const auto ids = block->find_columns(Level::Span, "key1");
  EXPECT_EQ(ids.size(), size_t{model::kValueTypeCount});
  EXPECT_TRUE(block->find_columns(Level::Span, "nokey").empty());
  size_t plain = 0;
  size_t zones = 0;
  auto group = block->row_group(0);
  ASSERT_TRUE(group.ok());
  for (ColumnId id = kFirstAttribute; id < block->column_count(); ++id) {
    const Column& column = block->column(id).column;
    if (block->column(id).text && group->is_coded(id)) {
      EXPECT_FALSE(*group->may_hold_plain(id, filter_hash("anything")));
    } else if (block->column(id).text) {
      const TextValues& texts = **group->texts(id);
      for (size_t i = 0; i < texts.size(); ++i) EXPECT_TRUE(*group->may_hold_plain(id, filter_hash(texts[i])));
      EXPECT_FALSE(*group->may_hold_plain(id, filter_hash("a text that is nowhere")));
      plain += texts.size();
    } else if (column.type == model::ValueType::Int) {
      const Zone zone = group->zone(id).value();
      int64_t low = INT64_MAX;
      int64_t high = INT64_MIN;
      const auto values = group->ints(id);
      for (const uint64_t value : *values) {
        low = std::min(low, static_cast<int64_t>(value));
        high = std::max(high, static_cast<int64_t>(value));
      }
      EXPECT_EQ(static_cast<int64_t>(zone.min), low);
      EXPECT_EQ(static_cast<int64_t>(zone.max), high);
      ++zones;
    }
  }
  EXPECT_GT(plain, 0u);
  EXPECT_GT(zones, 0u);
}

}  // namespace
}  // namespace clew::block
