// SPDX-License-Identifier: Apache-2.0
//
// The tree that the parent ids of one trace's spans draw. A span is known here by its *position* in the list that was
// handed in.
//
//   ParentResolver resolver;                       // the parents alone: all that `>` or `<<` needs
//   resolver.resolve(links, parents);
//
//   TraceTree tree;                                // order, depth and nested-set numbers as well
//   tree.build(spans, rows);
//   for (uint32_t position : tree.preorder()) indent(tree.depth(position), rows[position]);
//
// What came may be no tree, so these rules make it one:
//   - a span whose parent is not among the rows is an orphan: it stands on top like a root, but is none;
//   - a span that is its own parent is an orphan; a cycle is cut at its earliest span, which becomes an orphan;
//   - the two halves of a shared id (Zipkin: client and server write one span id; {server, consumer} is one half, all
//     other kinds the other) are two spans: the parent of the server half is the client half, and a child of the id
//     attaches to the server half;
//   - of several spans with the same id and half, children attach to the earliest;
//   - earliest means the lower start; of equal starts the lower id, of equal ids the client half, then the position.
//     Siblings stand in this order. So the tree of a trace is the same wherever its spans lie, and in whatever order.
//
// All work is linear in the number of spans (of sorting a giant's starts, times a logarithm) and iterative. Scratch
// memory is kept from one trace to the next, but that of a giant: more than kGiantSpans. Threads: an object belongs to
// one thread.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "model/span_batch.h"

namespace clew::model {

// Instead of the position of a parent.
constexpr uint32_t kRoot = UINT32_MAX;        // has no parent id
constexpr uint32_t kOrphan = UINT32_MAX - 1;  // has a parent id, but no parent here
// Instead of the position of a child or sibling.
constexpr uint32_t kNoSpan = UINT32_MAX;

constexpr size_t kGiantSpans = 65'536;

constexpr bool is_top(uint32_t parent) { return parent >= kOrphan; }

// What the tree needs to know of a span.
struct SpanLink {
  uint64_t id;
  uint64_t parent_id;  // zero: none
  UnixNanos start;
  bool server_half;  // of a shared id
};

constexpr bool is_server_half(int32_t kind) {
  constexpr int32_t kServer = 2, kConsumer = 5;  // SpanKind of trace.proto
  return kind == kServer || kind == kConsumer;
}

inline SpanLink link_of(const SpanBatch& spans, uint32_t row) {
  return {spans.span_id[row].value, spans.parent_span_id[row].value, spans.start[row], is_server_half(spans.kind[row])};
}

// The order of siblings, and what earliest means. `a` and `b` are positions in `spans`.
inline bool is_earlier(std::span<const SpanLink> spans, uint32_t a, uint32_t b) {
  const auto key = [&](uint32_t i) { return std::tuple(spans[i].start, spans[i].id, spans[i].server_half, i); };
  return key(a) < key(b);
}

class ParentResolver {
 public:
  // Memory that resolve() may hold per span.
  static constexpr uint64_t kBytesPerSpan = 80;

  // parents[i] = position of the parent of spans[i], kRoot or kOrphan. `parents` is as long as `spans`.
  void resolve(std::span<const SpanLink> spans, std::span<uint32_t> parents);

  // All positions of the last resolve(), every parent before its children.
  std::span<const uint32_t> topdown() const { return topdown_; }

 private:
  struct Slot {
    uint64_t id;
    uint32_t server_half;  // earliest position of that half, or kNoSpan
    uint32_t other_half;
  };

  void size_table(size_t spans);
  Slot& slot_for(uint64_t id);
  void fill_table(std::span<const SpanLink> spans);
  void link(std::span<const SpanLink> spans, std::span<uint32_t> parents);
  void order(std::span<const SpanLink> spans, std::span<uint32_t> parents);
  void emit_path(std::span<const SpanLink> spans, std::span<uint32_t> parents, size_t cycle_at);

  std::vector<Slot> table_;  // open addressing, linear probing; a power of two
  size_t mask_ = 0;
  int shift_ = 0;
  bool shared_ids_ = false;
  std::vector<uint32_t> topdown_;
  size_t ordered_ = 0;  // positions that stand in topdown_ already
  std::vector<uint32_t> path_;
  std::vector<uint8_t> state_;
};

class TraceTree {
 public:
  // Memory that build() may hold per span.
  static constexpr uint64_t kBytesPerSpan = ParentResolver::kBytesPerSpan + 64 + sizeof(SpanLink);

  void build(std::span<const SpanLink> spans);
  void build(const SpanBatch& spans, std::span<const uint32_t> rows);

  uint32_t size() const { return static_cast<uint32_t>(parents_.size()); }
  // Positions, tops and siblings in their order, every span followed by what is below it.
  std::span<const uint32_t> preorder() const { return preorder_; }
  std::span<const uint32_t> parents() const { return parents_; }
  uint32_t parent(uint32_t position) const { return parents_[position]; }
  uint32_t first_child(uint32_t position) const { return nodes_[position].first_child; }
  // Of a top: the next top.
  uint32_t next_sibling(uint32_t position) const { return nodes_[position].next_sibling; }
  uint32_t child_count(uint32_t position) const { return nodes_[position].child_count; }
  // 0 for a top.
  uint32_t depth(uint32_t position) const { return nodes_[position].depth; }
  // Nested-set numbers: one count over the trace, from 1, up by one at entering and at leaving a span. A span lies
  // below another exactly when its numbers lie between the other's.
  uint32_t left(uint32_t position) const { return nodes_[position].left; }
  uint32_t right(uint32_t position) const { return nodes_[position].right; }
  // The parent's left number; -1 for a root, 0 for an orphan.
  int64_t left_of_parent(uint32_t position) const;

 private:
  struct Node {
    uint32_t first_child;
    uint32_t next_sibling;
    uint32_t child_count;
    uint32_t depth;
    uint32_t left;
    uint32_t right;
  };
  struct Timed {
    UnixNanos start;
    uint32_t position;
  };

  void sort_by_start(std::span<const SpanLink> spans);
  void order_equal_starts(std::span<const SpanLink> spans);
  void number();

  std::vector<SpanLink> links_;
  ParentResolver resolver_;
  std::vector<uint32_t> parents_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> preorder_;
  std::vector<Timed> by_start_;
  std::vector<Timed> sort_buffer_;
  uint32_t first_top_ = kNoSpan;
};

}  // namespace clew::model
