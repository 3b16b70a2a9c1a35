// SPDX-License-Identifier: Apache-2.0
//
// Proves that a compaction loses and invents nothing: random traces are dealt out to blocks, spans twice now and then,
// large traces in segments; what the outputs hold is compared span by span with what went in. Every part of an output
// must be in pre-order, with the parents, summary and flags that its spans and the blocks outside ask for. Then the
// same under too little memory, with damaged blocks, and stopped at every place.
#include "store/compactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "block/row_order.h"
#include "block/testing/memory_bytes.h"
#include "block/writer.h"
#include "model/testing/sample_batch.h"
#include "platform/testing/seed.h"

namespace clew::store {
namespace {

using block::testing::MemorySink;
using block::testing::MemorySource;
using model::SpanBatch;
using model::TraceId;
using platform::base_seed;

constexpr UnixNanos kArrived = 1'700'010'000 * kNanosPerSecond;

// What a block holds of a trace.
struct Part {
  std::multiset<std::string> spans;
  model::TraceSummary summary;
  uint8_t flags = 0;  // kIsElsewhere
};
using Parts = std::map<TraceId, Part>;

class MemoryUpload final : public object::Upload {
 public:
  MemoryUpload(std::map<ObjectId, std::string>& committed, ObjectId id) : committed_(committed), id_(id) {}
  Result<void> append(Bytes bytes) override {
    bytes_.append(as_text(bytes));
    return {};
  }
  Result<void> commit() override {
    committed_[id_] = std::move(bytes_);
    return {};
  }

 private:
  std::map<ObjectId, std::string>& committed_;
  const ObjectId id_;
  std::string bytes_;
};

// What is asked of the spans that are dealt out.
struct Deal {
  uint64_t seed = 1;
  size_t spans = 400;
  uint32_t traces = 60;
  uint32_t blocks = 4;
  uint32_t slices = 4;
  uint32_t rows_max = 64;    // of a row group of an input; traces above are giants
  uint32_t giant_spans = 0;  // of one trace more
};

class CompactorTest : public testing::Test {
 protected:
  // Makes the blocks and the job; what they hold is in inputs_.
  void deal(const Deal& deal) {
    std::mt19937_64 random(deal.seed);
    SpanBatch spans = model::testing::sample_batch(static_cast<uint32_t>(deal.seed), deal.spans + deal.giant_spans);
    for (uint32_t row = 0; row < spans.span_count(); ++row) {
      const bool giant = row >= deal.spans;
      const uint64_t trace = giant ? deal.traces + 1 : 1 + random() % deal.traces;
      spans.trace_id[row] = {trace * 0x9E3779B97F4A7C15, trace};
      spans.span_id[row].value = 1 + spans.span_id[row].value % 500;  // parents are found, ids meet
      if (random() % 4 != 0) spans.parent_span_id[row].value = 1 + spans.parent_span_id[row].value % 500;
      if (random() % 30 != 0) spans.start[row] += trace % deal.slices * block::kSliceNanos;
    }
    // Each span to one block, some to two.
    std::vector<std::vector<uint32_t>> rows(deal.blocks);
    for (uint32_t row = 0; row < spans.span_count(); ++row) {
      // Most traces lie in one or two blocks.
      const uint64_t trace = spans.trace_id[row].low;
      const uint64_t spread = row >= deal.spans ? deal.blocks : 1 + trace % 3;
      const size_t first = (trace + random() % spread) % deal.blocks;
      rows[first].push_back(row);
      const size_t second = (trace + random() % spread) % deal.blocks;
      if (second != first && random() % 5 == 0) rows[second].push_back(row);
    }
    for (uint64_t trace = 1; trace <= deal.traces + 1; ++trace)
      if (random() % 4 == 0) outside_.insert({trace * 0x9E3779B97F4A7C15, trace});
    for (uint32_t i = 0; i < deal.blocks; ++i) add_block(spans, rows[i], deal, random);
    job_.level = 1;
    job_.new_output = [this]() -> Result<CompactionOutput> {
      const ObjectId id = next_id_++;
      return CompactionOutput{id, std::make_unique<MemoryUpload>(committed_, id)};
    };
    job_.is_outside = [this](const TraceId& id) { return outside_.contains(id); };
  }

  void add_block(const SpanBatch& spans, const std::vector<uint32_t>& rows, const Deal& deal, std::mt19937_64& random) {
    std::map<TraceId, std::vector<uint32_t>> traces;
    for (const uint32_t row : rows) traces[spans.trace_id[row]].push_back(row);
    Parts parts;
    MemorySink sink;
    block::Writer writer(sink, {});
    block::TraceLayout layout(spans, {.rows_max = deal.rows_max});
    for (const auto& [id, of_trace] : traces) {
      Part& part = parts[id];
      const UnixNanos arrived = kArrived + random() % 1000;
      part.summary = model::first_summary(id, arrived);
      for (const uint32_t row : of_trace) {
        model::add_span(part.summary, spans.start[row], spans.end[row], arrived);
        part.spans.insert(model::testing::describe(spans, row));
      }
      // As a seal has it: a block that was there already, or one outside. And what was so once.
      const bool before = std::ranges::any_of(inputs_, [&](const Parts& other) { return other.contains(id); });
      if (before || outside_.contains(id) || random() % 10 == 0) part.flags |= block::kIsElsewhere;
      layout.add(part.summary, of_trace, part.flags);
    }
    ASSERT_TRUE(layout.write(writer).ok());
    ASSERT_TRUE(writer.finish().ok());
    inputs_.push_back(std::move(parts));
    sources_.push_back(std::make_shared<MemorySource>(sink.bytes));
    auto opened = block::Block::open(sources_.back(), cache_);
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    job_.inputs.push_back({next_id_++, *opened});
  }

  Result<CompactionResult> run() {
    Compactor compactor(budget_, stop_);
    Result<CompactionResult> result = compactor.run(job_);
    damaged_ = compactor.damaged();
    EXPECT_EQ(budget_.used(Share::Compaction), 0U);
    return result;
  }

  // What an output holds; its rows and their parents are checked on the way.
  Parts read(const block::Block& block) {
    struct Row {
      uint32_t row;
      uint32_t parent;
    };
    Parts parts;
    SpanBatch spans;
    block::RowCopier copier(block.shared_from_this(), spans);
    std::map<TraceId, std::vector<Row>> rows;
    std::optional<block::TraceOrder> before;
    std::vector<std::string> texts;  // keeps the orders' texts
    for (uint32_t g = 0; g < block.row_groups().size(); ++g) {
      block::RowGroup group = MUST(block.row_group(g));
      std::vector<uint32_t> all(group.row_count());
      for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
      const auto base = static_cast<uint32_t>(spans.span_count());
      EXPECT_TRUE(copier.append(group, all).ok());
      const auto parents = MUST(group.parents());
      std::set<uint64_t> slices;
      for (const block::TraceRows& trace : MUST(group.traces())) {
        EXPECT_EQ(parts.contains(trace.summary.id), trace.first_position > 0) << "once in a block";
        Part& part = parts[trace.summary.id];
        part.summary = trace.summary;
        part.flags = trace.flags & block::kIsElsewhere;
        slices.insert(trace.summary.start / block::kSliceNanos);
        uint32_t top = base + trace.first_row;
        for (uint32_t i = trace.row_count; i-- > 0;)
          if (parents[trace.first_row + i] == model::kRoot) top = base + trace.first_row + i;
        for (uint32_t i = 0; i < trace.row_count; ++i) {
          const uint32_t row = base + trace.first_row + i;
          rows[trace.summary.id].push_back({row, parents[trace.first_row + i]});
          part.spans.insert(model::testing::describe(spans, row));
        }
        const block::TraceOrder order = block::order_of(spans, trace.summary, top);
        const bool giant = trace.row_count < trace.summary.span_count;  // its root may be in another segment
        if (before && !giant) EXPECT_LT(*before, order) << "sorted";
        if (before) EXPECT_LE(before->slice, order.slice);
        if (!giant) before = order;
      }
      EXPECT_EQ(slices.size(), 1U) << "slices do not mix";
    }
    for (const auto& [id, list] : rows) {
      std::vector<uint32_t> numbers;
      for (const Row& row : list) numbers.push_back(row.row);
      model::TraceTree tree;
      tree.build(spans, numbers);
      for (uint32_t i = 0; i < list.size(); ++i) {
        EXPECT_EQ(tree.preorder()[i], i) << "in pre-order";
        EXPECT_EQ(tree.parent(i), list[i].parent);
      }
    }
    return parts;
  }

  // Compares the outputs with the inputs. Returns how many traces lie in several outputs.
  size_t check(const CompactionResult& result) {
    std::vector<Parts> outputs;
    uint64_t spans_out = 0;
    for (const BlockEntry& entry : result.outputs) {
      EXPECT_EQ(entry.level, job_.level);
      const auto source = std::make_shared<MemorySource>(committed_.at(entry.id));
      const auto block = MUST(block::Block::open(source, cache_));
      EXPECT_THAT(block->verify(), testing::IsEmpty());
      EXPECT_EQ(block->facts(), entry.facts);
      outputs.push_back(read(*block));
      spans_out += entry.facts.span_count;
    }
    EXPECT_EQ(result.spans_out, spans_out);

    std::map<TraceId, std::vector<const Part*>> before, after;
    uint64_t spans_in = 0;
    for (size_t i = 0; i < result.inputs.size(); ++i) {
      EXPECT_EQ(result.inputs[i], job_.inputs[i].id);
      spans_in += job_.inputs[i].block->facts().span_count;
      for (const auto& [id, part] : inputs_[i]) before[id].push_back(&part);
    }
    for (const Parts& parts : outputs)
      for (const auto& [id, part] : parts) after[id].push_back(&part);
    EXPECT_EQ(result.spans_in, spans_in);
    EXPECT_EQ(result.spans_in, result.spans_out + result.duplicates);
    EXPECT_EQ(before.size(), after.size());
    size_t apart = 0, joined = 0;
    for (const auto& [id, parts] : before) {
      const bool whole = after[id].size() == 1;
      if (!whole) ++apart;
      if (whole && parts.size() > 1) ++joined;
      const auto left_out = std::span(inputs_).subspan(result.inputs.size());
      const bool elsewhere = outside_.contains(id) ||
                             std::ranges::any_of(left_out, [&](const Parts& input) { return input.contains(id); });
      whole ? check_whole(parts, elsewhere, *after[id].front()) : check_apart(parts, after[id]);
    }
    EXPECT_EQ(result.traces_joined, joined);
    EXPECT_EQ(result.traces_left_apart, apart);
    return apart;
  }

  void check_whole(const std::vector<const Part*>& before, bool elsewhere, const Part& after) {
    Part expected = *before.front();
    std::set<std::string> distinct(expected.spans.begin(), expected.spans.end());
    for (size_t i = 1; i < before.size(); ++i) {
      expected.summary = model::merge(expected.summary, before[i]->summary);
      distinct.insert(before[i]->spans.begin(), before[i]->spans.end());
      expected.flags |= before[i]->flags;
    }
    if (before.size() > 1) expected.spans = {distinct.begin(), distinct.end()};
    expected.summary.span_count = static_cast<uint32_t>(expected.spans.size());
    // Of two blocks the later one says that the other has a part. What nobody says any more, or wrongly, goes.
    if (!elsewhere) expected.flags = 0;
    EXPECT_EQ(after.spans, expected.spans);
    EXPECT_EQ(after.summary, expected.summary);
    EXPECT_EQ(after.flags, expected.flags);
  }

  // Every part as it was, and all of them know of each other.
  void check_apart(const std::vector<const Part*>& before, const std::vector<const Part*>& after) {
    ASSERT_EQ(before.size(), after.size());
    for (const Part* part : before) {
      const auto same = std::ranges::find_if(
          after, [&](const Part* other) { return other->spans == part->spans && other->summary == part->summary; });
      ASSERT_NE(same, after.end());
      EXPECT_EQ((*same)->flags, part->flags | block::kIsElsewhere);
    }
  }

  MemoryBudget budget_{uint64_t{2} << 30};
  block::Cache cache_{budget_};
  std::atomic<bool> stop_ = false;
  CompactionJob job_;
  ObjectId next_id_ = 100;
  std::vector<Parts> inputs_;
  std::vector<std::shared_ptr<MemorySource>> sources_;
  std::set<TraceId> outside_;
  std::map<ObjectId, std::string> committed_;
  std::optional<ObjectId> damaged_;
};

class RandomBlocks : public CompactorTest, public testing::WithParamInterface<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomBlocks, testing::Range<uint64_t>(0, 40));

TEST_P(RandomBlocks, NothingIsLostOrInvented) {
  std::mt19937_64 random(base_seed() * 1000 + GetParam());
  Deal how{.seed = random() % 1'000'000};
  SCOPED_TRACE("CLEW_SEED=" + std::to_string(base_seed()));
  how.spans = 1 + random() % 700;
  how.traces = 1 + static_cast<uint32_t>(random() % 150);
  how.blocks = 1 + static_cast<uint32_t>(random() % 8);
  how.rows_max = 20 + static_cast<uint32_t>(random() % 200);
  if (random() % 3 == 0) how.giant_spans = 3 * how.rows_max;
  deal(how);
  if (random() % 3 == 0) job_.output_spans_max = 100;
  if (random() % 4 == 0) job_.output_bytes_max = 20'000;
  const Result<CompactionResult> result = run();
  ASSERT_TRUE(result.ok()) << result.error().what();
  EXPECT_EQ(committed_.size(), result->outputs.size());
  check(*result);
}

TEST_F(CompactorTest, PartsAreJoinedAndRetriesDropped) {
  deal({.seed = base_seed(), .spans = 2000, .traces = 200, .blocks = 8, .rows_max = 1000});
  const Result<CompactionResult> result = run();
  ASSERT_TRUE(result.ok()) << result.error().what();
  EXPECT_EQ(check(*result), 0U);
  EXPECT_EQ(result->outputs.size(), 1U);
  EXPECT_GT(result->traces_joined, 50U);
  EXPECT_GT(result->duplicates, 50U);
}

TEST_F(CompactorTest, AGiantInSeveralBlocksStaysInPartsThatKnowOfEachOther) {
  deal({.seed = base_seed(), .spans = 300, .traces = 30, .blocks = 3, .rows_max = 50, .giant_spans = 900});
  const Result<CompactionResult> result = run();
  ASSERT_TRUE(result.ok()) << result.error().what();
  EXPECT_GE(check(*result), 1U);
  EXPECT_EQ(result->outputs.size(), 3U) << "a block has a trace once";
}

TEST_F(CompactorTest, AGiantInOneBlockPassesThrough) {
  deal({.seed = base_seed(), .spans = 300, .traces = 30, .blocks = 1, .rows_max = 50, .giant_spans = 900});
  const Result<CompactionResult> result = run();
  ASSERT_TRUE(result.ok()) << result.error().what();
  EXPECT_EQ(check(*result), 0U);
  EXPECT_EQ(result->outputs.size(), 1U);
}

TEST_F(CompactorTest, FullRowGroupsAreWrittenAsTheyAre) {
  // Two blocks of other slices, each of them full row groups.
  deal({.seed = base_seed(), .spans = 70'000, .traces = 2, .blocks = 2, .rows_max = block::kRowGroupRowsMax});
  const Result<CompactionResult> result = run();
  ASSERT_TRUE(result.ok()) << result.error().what();
  check(*result);
}

TEST_F(CompactorTest, OutputsAreCutWhereTheJobSays) {
  deal({.seed = base_seed(), .spans = 3000, .traces = 300, .blocks = 4, .rows_max = 100});
  job_.output_spans_max = 500;
  const Result<CompactionResult> result = run();
  ASSERT_TRUE(result.ok()) << result.error().what();
  check(*result);
  // One row group a slice: none of the slices fits beside another.
  EXPECT_GE(result->outputs.size(), 4U);
}

// A budget between nothing and enough: less is joined, outputs are more, or it is refused; never anything else.
TEST_F(CompactorTest, TooLittleMemoryMakesLessOfItOrIsRefused) {
  deal({.seed = base_seed(), .spans = 12'000, .traces = 1200, .blocks = 8, .slices = 1, .rows_max = 200});
  bool refused = false, apart = false, whole = false;
  for (const uint64_t mebibytes : {4, 24, 48, 100, 256}) {
    MemoryBudget budget(mebibytes << 20);
    Compactor compactor(budget, stop_);
    committed_.clear();
    const Result<CompactionResult> result = compactor.run(job_);
    EXPECT_EQ(budget.used(Share::Compaction), 0U);
    if (!result.ok()) {
      EXPECT_EQ(result.error().code(), Code::ResourceExhausted) << result.error().what();
      EXPECT_TRUE(committed_.empty());
      refused = true;
      continue;
    }
    const size_t left_apart = check(*result);
    apart |= left_apart > 0;
    whole |= left_apart == 0 && result->inputs.size() == 8;
  }
  EXPECT_TRUE(refused);
  EXPECT_TRUE(apart);
  EXPECT_TRUE(whole);
}

TEST_F(CompactorTest, ADamagedBlockIsNamedAndNothingIsWritten) {
  deal({.seed = base_seed(), .spans = 300, .traces = 30, .blocks = 3, .rows_max = 100});
  std::mt19937_64 random(base_seed());
  int noticed = 0;
  for (int i = 0; i < 150; ++i) {
    const size_t input = random() % 3;
    std::string& bytes = sources_[input]->bytes;
    const std::span<const block::RowGroupFacts> groups = job_.inputs[input].block->row_groups();
    const uint64_t end = groups.back().offset + groups.back().bytes;
    const uint64_t at = groups.front().offset + random() % (end - groups.front().offset);
    const auto bit = static_cast<char>(1 << random() % 8);
    bytes[at] ^= bit;
    committed_.clear();
    const Result<CompactionResult> result = run();
    bytes[at] ^= bit;
    if (result.ok()) {
      check(*result);  // a filter, say, which nobody reads here
      continue;
    }
    ++noticed;
    EXPECT_EQ(result.error().code(), Code::DataLoss) << result.error().what();
    EXPECT_EQ(damaged_, job_.inputs[input].id);
    EXPECT_TRUE(committed_.empty());
  }
  EXPECT_GT(noticed, 40);
}

TEST_F(CompactorTest, StoppedAnywhereItWritesNothing) {
  deal({.seed = base_seed(), .spans = 2000, .traces = 200, .blocks = 4, .rows_max = 50});
  uint64_t calls = 0;
  uint64_t stop_at = UINT64_MAX;
  job_.is_outside = [&](const TraceId& id) {
    if (calls++ == stop_at) stop_ = true;
    return outside_.contains(id);
  };
  ASSERT_TRUE(run().ok());
  const uint64_t all = calls;
  ASSERT_GT(all, 40U);
  uint64_t stopped = 0;
  for (stop_at = 0; stop_at < all; stop_at += 7) {
    calls = 0;
    stop_ = false;
    committed_.clear();
    const Result<CompactionResult> result = run();
    if (result.ok()) continue;  // there was nothing left to read
    ++stopped;
    EXPECT_EQ(result.error().code(), Code::Cancelled);
    EXPECT_TRUE(committed_.empty());
  }
  EXPECT_GT(stopped, 3U);
  stop_ = true;
  EXPECT_FALSE(run().ok());
}

TEST_F(CompactorTest, AnOutputThatCannotBeWrittenEndsIt) {
  deal({.seed = base_seed()});
  job_.new_output = []() -> Result<CompactionOutput> { return Error(Code::Unavailable, "the disk is full"); };
  const Result<CompactionResult> result = run();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::Unavailable);
  EXPECT_FALSE(damaged_);
}

}  // namespace
}  // namespace clew::store
