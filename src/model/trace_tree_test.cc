// SPDX-License-Identifier: Apache-2.0
//
// Proves that trace_tree.h keeps its rules: named cases for each rule, then random spans with lost parents, cycles,
// self-parents and shared ids, where every answer must equal that of a quadratic version written straight from them.
#include "model/trace_tree.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <set>

#include "model/testing/naive_tree.h"

namespace clew::model {
namespace {

constexpr int32_t kInternal = 1;
constexpr int32_t kServer = 2;
constexpr int32_t kClient = 3;

struct Span {
  uint64_t id;
  uint64_t parent;
  uint64_t start = 0;
  int32_t kind = kInternal;
};

SpanBatch batch_of(const std::vector<Span>& spans) {
  SpanBatch batch;
  batch.resources.push_back({});
  batch.scopes.push_back({});
  for (const Span& span : spans) {
    SpanRow row;
    row.trace_id = {1, 1};
    row.span_id = {span.id};
    row.parent_span_id = {span.parent};
    row.start = span.start;
    row.kind = span.kind;
    batch.add_span(row);
  }
  return batch;
}

std::vector<uint32_t> all_rows(const std::vector<Span>& spans) {
  std::vector<uint32_t> rows(spans.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TraceTree tree_of(const std::vector<Span>& spans) {
  TraceTree tree;
  tree.build(batch_of(spans), all_rows(spans));
  return tree;
}

std::vector<uint32_t> parents_of(const std::vector<Span>& spans) {
  const TraceTree tree = tree_of(spans);
  return {tree.parents().begin(), tree.parents().end()};
}

using Positions = std::vector<uint32_t>;

TEST(TraceTree, ChildBeforeItsParentAndRootAndOrphan) {
  EXPECT_EQ(parents_of({{2, 1}, {1, 0}, {3, 99}}), (Positions{1, kRoot, kOrphan}));
}

TEST(TraceTree, SelfParentIsAnOrphan) { EXPECT_EQ(parents_of({{1, 1}, {2, 1}}), (Positions{kOrphan, 0})); }

TEST(TraceTree, CycleIsCutAtItsEarliestSpan) {
  EXPECT_EQ(parents_of({{1, 3, 30}, {2, 1, 10}, {3, 2, 20}, {4, 3, 5}}), (Positions{2, kOrphan, 1, 2}));
}

TEST(TraceTree, SharedIdOfClientAndServer) {
  // The server half arrived first; the child belongs to it, and it belongs to the client half.
  EXPECT_EQ(parents_of({{7, 1, 12, kServer}, {8, 7, 13}, {7, 1, 11, kClient}, {1, 0, 10}}),
            (Positions{2, 0, 3, kRoot}));
}

TEST(TraceTree, SharedIdWithoutParent) {
  EXPECT_EQ(parents_of({{7, 0, 11, kClient}, {7, 0, 12, kServer}}), (Positions{kRoot, 0}));
}

TEST(TraceTree, ChildrenOfEqualSpansGoToTheEarliest) {
  EXPECT_EQ(parents_of({{7, 0, 12}, {7, 0, 11}, {8, 7, 20}}), (Positions{kRoot, kRoot, 1}));
}

TEST(TraceTree, OrderDepthAndNumbers) {
  const TraceTree tree = tree_of({{4, 1, 30}, {1, 0, 10}, {2, 1, 20}, {3, 2, 25}, {5, 99, 40}});
  EXPECT_EQ(Positions(tree.preorder().begin(), tree.preorder().end()), (Positions{1, 2, 3, 0, 4}));
  EXPECT_EQ(tree.depth(3), 2u);
  EXPECT_EQ(tree.child_count(1), 2u);
  EXPECT_EQ(tree.left(1), 1u);
  EXPECT_EQ(tree.right(1), 8u);
  EXPECT_EQ(tree.left_of_parent(1), -1);
  EXPECT_EQ(tree.left_of_parent(3), tree.left(2));
  EXPECT_EQ(tree.left_of_parent(4), 0);
}

TEST(TraceTree, AChainOfAMillionSpansNeedsNoStack) {
  std::vector<Span> spans;
  for (uint64_t i = 1; i <= 1'000'000; ++i) spans.push_back({i, i - 1, i % 1000});
  std::shuffle(spans.begin(), spans.end(), std::mt19937_64(1));
  const TraceTree tree = tree_of(spans);
  EXPECT_EQ(tree.preorder().size(), spans.size());
  EXPECT_EQ(tree.depth(tree.preorder().back()), 999'999u);
}

std::vector<SpanLink> links_of(const std::vector<Span>& spans) {
  std::vector<SpanLink> links;
  for (const Span& span : spans) links.push_back({span.id, span.parent, span.start, is_server_half(span.kind)});
  return links;
}

std::vector<Span> random_spans(std::mt19937_64& random) {
  const uint64_t count = 1 + random() % (random() % 20 == 0 ? 1200 : 14);
  const uint64_t ids = 1 + random() % (count * 2);
  std::vector<Span> spans;
  for (uint64_t i = 0; i < count; ++i) {
    Span span{1 + random() % ids, random() % (ids + 1), random() % 20, random() % 3 == 0 ? kServer : kClient};
    if (random() % 2 == 0) span = {i + 1, random() % (i + 1), span.start, span.kind};  // grows a tree
    spans.push_back(span);
  }
  if (random() % 2 == 0) std::shuffle(spans.begin(), spans.end(), random);
  return spans;
}

TEST(TraceTree, EqualsTheNaiveVersionOnRandomSpans) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  TraceTree tree;
  for (int round = 0; round < 3000; ++round) {
    const std::vector<Span> spans = random_spans(random);
    const std::vector<SpanLink> links = links_of(spans);
    const testing::NaiveTree naive(links);
    tree.build(batch_of(spans), all_rows(spans));
    ASSERT_EQ(Positions(tree.parents().begin(), tree.parents().end()), naive.parents) << "round " << round;
    ASSERT_EQ(Positions(tree.preorder().begin(), tree.preorder().end()), naive.preorder);
    for (uint32_t i = 0; i < spans.size(); ++i) {
      const testing::NaiveTree::Place place{tree.depth(i), tree.left(i), tree.right(i)};
      ASSERT_EQ(place, naive.places.at(i));
      const auto children = naive.children.find(i);
      ASSERT_EQ(tree.child_count(i), children == naive.children.end() ? 0 : children->second.size());
    }
  }
}

TEST(ParentResolver, TopdownHoldsEverySpanOnceAndParentsFirst) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  ParentResolver resolver;
  for (int round = 0; round < 2000; ++round) {
    const std::vector<Span> spans = random_spans(random);
    Positions parents(spans.size());
    resolver.resolve(links_of(spans), parents);
    std::set<uint32_t> seen;
    for (const uint32_t position : resolver.topdown()) {
      ASSERT_TRUE(is_top(parents[position]) || seen.contains(parents[position]));
      ASSERT_TRUE(seen.insert(position).second);
    }
    ASSERT_EQ(seen.size(), spans.size());
  }
}

}  // namespace
}  // namespace clew::model
