// SPDX-License-Identifier: Apache-2.0
//
// search() answers a TraceQL query over a snapshot: the newest traces that the query chooses spans of, exactly and in
// one order, in whatever order their spans arrived and wherever their parts lie.
//
//   SearchOptions options;
//   options.from = …, options.to = …;
//   SearchAnswer answer = TRY(scan::search(snapshot, query, options, budget));
//
// It goes through heads and blocks from the newest on (HeadScan, BlockScan) and ends when what is left is older than
// what it has found; traces that lie in pieces are put together (SharedTraces). Beside its answer it holds memory for
// some row groups, or for the largest single trace, from the budget's query share.
//
// Who shows an answer before it is whole gives SearchOptions::tell: it is called now and then with the traces that come
// next, as soon as nothing newer can come, and at the end search() returns the rest. All of it joined is the answer
// that search() gives without it.
//
// An answer may be partial: when it was cancelled, when its time was up, when a trace was larger than the query share
// allows, when part of a block is damaged. It then says so in `partial_reason`, and every trace in it is right in
// itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "base/result.h"
#include "model/span_batch.h"
#include "query/ast.h"
#include "store/snapshot.h"

namespace clew::scan {

constexpr uint32_t kLimitMax = 10'000;
constexpr uint32_t kSpansPerTraceMax = 100;
// Often enough for an eye, seldom enough to cost nothing.
constexpr uint64_t kTellNanos = 100 * kNanosPerMilli;
// Services that are named for one trace; what a person can still read.
constexpr uint32_t kServicesMax = 100;

struct SearchAnswer;

struct SearchOptions {
  // Traces that overlap [from, to] are looked at.
  UnixNanos from = 0;
  UnixNanos to = UINT64_MAX;
  uint32_t limit = 20;           // traces, 1 to kLimitMax
  uint32_t spans_per_trace = 3;  // chosen spans that are shown, 0 to kSpansPerTraceMax
  // next_page of an earlier answer to the same query with the same from and to; empty: from the newest on.
  std::string page;

  // A trace in pieces, or in a head, with more rows is searched where it lies instead of being joined in memory.
  uint64_t join_rows_max = 16'384;

  // The search ends early, with what it has, when the flag is set or the clock's monotonic time reaches the deadline.
  const std::atomic<bool>* cancelled = nullptr;
  const Clock* clock = nullptr;
  uint64_t deadline_nanos = UINT64_MAX;

  // Told the traces that follow those told before, perhaps none, and how far the search is: every kTellNanos by the
  // clock, without a clock between any two row groups. The answer is the search's own and goes with the call.
  std::function<void(const SearchAnswer& next)> tell = nullptr;
};

struct ServiceCount {
  std::string name;  // empty for spans without one
  uint32_t spans = 0;
  uint32_t errors = 0;
};

struct FoundTrace {
  model::TraceId id;
  // Of the earliest span without a parent; nothing while it has not arrived, no service if it names none.
  std::optional<std::string> root_name;
  std::optional<std::string> root_service;
  // The time that its sane spans cover (model::TraceSummary).
  UnixNanos start = 0;
  UnixNanos end = 0;
  uint32_t span_count = 0;
  uint32_t error_count = 0;
  std::vector<ServiceCount> services;  // by descending number of spans, then by name; at most kServicesMax
  uint32_t service_count = 0;          // all of them
  uint32_t matched_count = 0;          // spans that the query chose
  // Rows [first_span, first_span + shown_count) of SearchAnswer::spans are the first of them by start, span id and
  // half ({server, consumer} last).
  uint32_t first_span = 0;
  uint32_t shown_count = 0;

  uint64_t duration_nanos() const { return end - start; }
};

struct SearchAnswer {
  std::vector<FoundTrace> traces;  // newest first: descending model::OrderKey
  model::SpanBatch spans;          // the shown spans of all traces, complete
  // Attributes that the query speaks of, each once, in the order of the text: what is worth showing of a span.
  std::vector<query::Attribute> mentioned;
  std::string next_page;       // empty: these were all
  std::string partial_reason;  // empty: nothing is missing
  uint64_t traces_found = 0;   // so far, at most the limit; those that are told are among them
  uint64_t traces_inspected = 0;
  uint64_t spans_inspected = 0;  // of traces that were evaluated
  uint64_t row_groups = 0;       // of blocks that were looked at
  uint64_t bytes_read = 0;       // of blocks, by this search and others that ran meanwhile

  bool complete() const { return partial_reason.empty(); }
};

// InvalidArgument: options out of range, or a page of another query. Unavailable: the query share of the budget is
// spent; try again.
Result<SearchAnswer> search(const store::Snapshot& snapshot, const query::Query& query, const SearchOptions& options,
                            MemoryBudget& budget);

// Shown every span that a query chooses, each once, some rows at a time, in no order.
struct MatchVisitor {
  // Of a row group. Rows beyond its last are those of the row groups behind it, counted on: of a giant trace.
  std::function<void(uint32_t block, uint32_t row_group, std::span<const uint32_t> rows)> in_block;
  // Of a head, whose lock is held meanwhile, or of traces that were joined.
  std::function<void(const model::SpanBatch& spans, std::span<const uint32_t> rows)> in_batch;
};

// A search without a limit that keeps nothing; the answer tells what was looked at and whether that is all.
Result<SearchAnswer> visit_matches(const store::Snapshot& snapshot, const query::Query& query,
                                   const SearchOptions& options, const MatchVisitor& visitor, MemoryBudget& budget);

}  // namespace clew::scan
