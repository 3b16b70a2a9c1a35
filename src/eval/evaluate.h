// SPDX-License-Identifier: Apache-2.0
//
// The evaluator: which spans of which traces does a query choose? It knows neither heads nor blocks, only a ColumnView.
//
//   Evaluator evaluator = TRY(Evaluator::bind(query, view));
//   evaluator.run(traces, matches);            // for chunk after chunk of whole traces
//
// What each operator means is written in docs/reference/traceql.md. Between spansets:
//   a && b    the spans of both where a trace has spans of both, else none;    a || b    the spans of either;
//   a > b     spans of b whose parent is in a;    a >> b    … with an ancestor in a;
//   a < b     spans of b that are the parent of one in a;    a << b    … an ancestor;
//   a ~ b     spans of b with a sibling in a: another span with the same parent. Roots and orphans have no siblings.
//
// Work is linear in the spans of a chunk for each operator, and traces that one side of `&&` or of a relation has ruled
// out are not looked at again. Nothing is allocated per span; buffers are kept from chunk to chunk.
// Threads: an evaluator belongs to one thread.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/result.h"
#include "eval/column_view.h"
#include "eval/condition.h"
#include "eval/trace_facts.h"
#include "query/ast.h"

namespace clew::eval {

// Positions of the chosen spans, ascending; those of trace i end before ends[i].
struct Matches {
  std::vector<uint32_t> positions;
  std::vector<uint32_t> ends;

  std::span<const uint32_t> of(uint32_t trace) const {
    const uint32_t begin = trace == 0 ? 0 : ends[trace - 1];
    return std::span(positions).subspan(begin, ends[trace] - begin);
  }
};

class Evaluator {
 public:
  // `view` must outlive the evaluator, the query need not. InvalidArgument if a pattern does not compile.
  static Result<Evaluator> bind(const query::Query& query, ColumnView& view);

  // False: `pace` said stop, and `matches` means nothing.
  bool run(const Traces& traces, Matches& matches, const Pace* pace = nullptr);

  // The query asks for what the view did not hold when the evaluator was bound: no run() finds anything.
  bool finds_nothing() const { return nodes_.back().never; }

  // Memory that run() holds at most per row of a chunk, beside fixed_bytes().
  uint64_t bytes_per_row() const;
  // Memory for caches and patterns.
  uint64_t fixed_bytes() const;
  // A span of some chunk had more values in one field, or more pairs of values to compare, than the limits allow
  // (ValueColumn::kElementsMax, kPairsMax), and was taken not to match. The answer may lack it.
  bool gave_up() const { return gave_up_; }

 private:
  using Mask = std::vector<uint8_t>;  // by position: 1 chosen, 0 not
  using TraceList = std::vector<uint32_t>;
  struct Node {
    std::optional<Condition> condition;  // of a filter
    query::SpansetOp op{};
    uint32_t left = 0;
    uint32_t right = 0;
    bool never = false;  // finds nothing
  };

  explicit Evaluator(ColumnView& view) : view_(&view), facts_(std::make_unique<TraceFacts>(view)) {}

  Result<uint32_t> bind_node(const query::SpansetExpr& expression);
  void evaluate(uint32_t node, const TraceList& traces, Mask& out);
  void filter(Condition& condition, const TraceList& traces, Mask& out);
  void filter_all(Condition& condition, Mask& out);
  void filter_piece(Condition& condition, const Selection& piece, Mask& out);
  void join(const Node& node, const TraceList& traces, Mask& out);
  void relate(query::SpansetOp op, uint32_t trace, const Mask& left, const Mask& right, Mask& out);
  void traces_with_spans(const TraceList& traces, const Mask& mask, TraceList& out) const;
  void list_chosen(const Mask& mask, Matches& matches) const;
  bool go_on();

  Mask take_mask();
  TraceList take_list();

  ColumnView* view_;
  std::unique_ptr<TraceFacts> facts_;
  std::deque<Node> nodes_;  // children before parents
  uint32_t joins_deep_ = 0;
  bool needs_parents_ = false;
  bool needs_tree_ = false;

  Traces traces_;
  const Pace* pace_ = nullptr;
  size_t rows_since_pace_ = 0;
  bool stopped_ = false;
  bool gave_up_ = false;

  std::vector<Mask> free_masks_;
  std::vector<TraceList> free_lists_;
  std::vector<uint32_t> all_positions_;  // 0, 1, 2 …
  std::vector<uint32_t> piece_positions_;
  std::vector<uint32_t> piece_rows_;
  SelectionList kept_;
  std::vector<uint32_t> marks_;  // by position in a trace
};

}  // namespace clew::eval
