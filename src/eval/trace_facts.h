// SPDX-License-Identifier: Apache-2.0
//
// TraceFacts knows, for a chunk of whole traces, what it takes more than one span to know: parents, nested-set numbers,
// the root. Each is worked out for a trace when it is first asked for. Where the view knows the tree, nothing is looked
// up: all facts are one pass over it.
//
// A position here counts through the chunk's rows. Parents are positions within their trace.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "eval/column_view.h"

namespace clew::eval {

// A chunk of whole traces.
struct Traces {
  std::span<const uint32_t> rows;       // each trace's rows in arrival order, trace after trace
  std::span<const uint32_t> ends;       // trace i has the positions from ends[i - 1] (0 for the first) to ends[i]
  std::span<const uint64_t> durations;  // trace:duration in nanoseconds, by trace

  uint32_t begin(uint32_t trace) const { return trace == 0 ? 0 : ends[trace - 1]; }
  uint32_t end(uint32_t trace) const { return ends[trace]; }
  uint32_t count() const { return static_cast<uint32_t>(ends.size()); }
};

// Called between two pieces of work of at most kPieceRows rows, so that a large trace neither holds a lock for long nor
// outlives its deadline. False: stop.
using Pace = std::function<bool()>;
constexpr size_t kPieceRows = 4096;

class TraceFacts {
 public:
  // Memory per row of a chunk: for parents alone, and for the other facts.
  static constexpr uint64_t kParentBytesPerRow = model::ParentResolver::kBytesPerSpan + sizeof(model::SpanLink) + 8;
  static constexpr uint64_t kTreeBytesPerRow = model::TraceTree::kBytesPerSpan + sizeof(model::SpanLink) + 32;
  // The same where the view knows the trees.
  static constexpr uint64_t kKnownParentBytesPerRow = 8;
  static constexpr uint64_t kKnownTreeBytesPerRow = 32;
  static uint64_t parent_bytes_per_row(const ColumnView& view) {
    return view.knows_trees() ? kKnownParentBytesPerRow : kParentBytesPerRow;
  }
  static uint64_t tree_bytes_per_row(const ColumnView& view) {
    return view.knows_trees() ? kKnownTreeBytesPerRow : kTreeBytesPerRow;
  }

  explicit TraceFacts(ColumnView& view);

  // Goes over to another chunk, which must stay as it is until the next one.
  void start(const Traces& traces, const Pace* pace);

  // By position in the trace: the parent's position in the trace, kRoot or kOrphan.
  std::span<const uint32_t> parents(uint32_t trace);
  // After parents(trace): positions in the trace, parents before children; in pre-order where the view knows the tree.
  std::span<const uint32_t> topdown(uint32_t trace) const;

  // out[i] = an intrinsic that is_of_trace(), for the span at positions[i]. Positions ascend.
  void read(query::Intrinsic intrinsic, std::span<const uint32_t> positions, ValueColumn& out);

  // NestedSetParent as far as it tells tops from others: -1 for a root, 0 for an orphan, 1 for all others.
  void read_top_or_not(std::span<const uint32_t> positions, ValueColumn& out);

  // Pace said stop: answers since then mean nothing.
  bool stopped() const { return stopped_; }

 private:
  struct Numbers {
    uint32_t left;
    uint32_t right;
    int64_t left_of_parent;
    uint32_t child_count;
  };
  // A value that outlives the column it was read into.
  struct Kept {
    Value value;
    std::string text;  // of a Text
  };
  struct Root {
    bool known = false;
    Kept name;
    Kept service;
  };
  enum class Parents : uint8_t { Unknown, Resolved, Known };

  std::span<const model::SpanLink> gather_links(uint32_t trace);
  void build_tree(uint32_t trace);
  void number_known(uint32_t trace);
  uint32_t earliest_root(uint32_t trace);
  Kept keep(Value value) const;
  const Root& root(uint32_t trace);
  uint32_t trace_at(uint32_t position) const;
  Kept service_of(uint32_t row);

  ColumnView& view_;
  FieldId name_;
  FieldId service_;
  Traces traces_;
  const Pace* pace_ = nullptr;
  bool stopped_ = false;

  std::vector<model::SpanLink> links_;  // of links_trace_
  uint32_t links_trace_ = UINT32_MAX;
  model::ParentResolver resolver_;
  model::TraceTree tree_;
  ValueColumn scratch_;
  std::vector<Parents> has_parents_;  // by trace
  std::vector<uint8_t> has_numbers_;  // by trace
  std::vector<uint32_t> parents_;     // by position
  std::vector<uint32_t> topdown_;     // by position
  std::vector<Numbers> numbers_;      // by position
  std::vector<Root> roots_;           // by trace
  std::vector<uint32_t> open_;
};

}  // namespace clew::eval
