// SPDX-License-Identifier: Apache-2.0
//
// Traces are collected into a chunk until it holds a slice's worth of rows; a chunk is evaluated as a whole; a trace
// with matches goes into a heap of the limit + 1 newest, whose oldest says what is no longer worth looking at. The one
// more tells whether there is a next page. What an answer says about a trace is read only for those that are left in
// the end.
#include "scan/search.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "eval/batch_view.h"
#include "eval/evaluate.h"
#include "query/parse.h"
#include "scan/page_token.h"

namespace clew::scan {
namespace {

using model::OrderKey;

// Rows that are worked on under one hold of the head's lock: well below a millisecond.
constexpr size_t kSliceRows = 4096;
// Zones and traces that are passed over under one hold of the lock.
constexpr size_t kSkipsPerSlice = 16384;
// Lists of traces and the like: what a search holds whatever it asks and looks at.
constexpr uint64_t kFixedBytes = 1 << 20;
// Of a found trace while it is only a key and a few rows.
constexpr uint64_t kBytesPerFound = 128;
// Of a row beside what the evaluator says: the row number, twice while a list grows.
constexpr uint64_t kBytesPerListedRow = 12;

constexpr int32_t kStatusError = 2;  // StatusCode of trace.proto

struct Found {
  OrderKey key;
  uint32_t trace = 0;
  uint32_t matched_count = 0;
  std::vector<uint32_t> shown;  // rows

  // Makes std::*_heap put the oldest in front.
  friend bool operator<(const Found& a, const Found& b) { return a.key > b.key; }
};

void collect_attributes(const query::FieldExpr& expression, std::vector<query::Attribute>& out) {
  if (const auto* attribute = std::get_if<query::Attribute>(&expression.node)) {
    if (std::ranges::find(out, *attribute) == out.end()) out.push_back(*attribute);
  } else if (const auto* unary = std::get_if<query::Unary>(&expression.node)) {
    collect_attributes(*unary->operand, out);
  } else if (const auto* binary = std::get_if<query::Binary>(&expression.node)) {
    collect_attributes(*binary->left, out);
    collect_attributes(*binary->right, out);
  }
}

void collect_attributes(const query::SpansetExpr& expression, std::vector<query::Attribute>& out) {
  if (const auto* filter = std::get_if<query::Filter>(&expression.node)) {
    collect_attributes(*filter->condition, out);
  } else {
    const auto& join = std::get<query::Join>(expression.node);
    collect_attributes(*join.left, out);
    collect_attributes(*join.right, out);
  }
}

uint64_t fingerprint_of(const query::Query& query, const SearchOptions& options) {
  std::string text = query::to_string(query);
  append(text, options.from);
  append(text, options.to);
  return model::InternTable::hash(text);
}

Result<void> check(const SearchOptions& options) {
  if (options.limit < 1 || options.limit > kLimitMax) {
    return Error(Code::InvalidArgument, "the limit has to be from 1 to " + std::to_string(kLimitMax));
  }
  if (options.spans_per_trace > kSpansPerTraceMax) {
    return Error(Code::InvalidArgument, "the spans per trace have to be at most " + std::to_string(kSpansPerTraceMax));
  }
  if (options.from > options.to) return Error(Code::InvalidArgument, "the time range ends before it begins");
  return {};
}

class Search {
 public:
  Search(const store::HeadSnapshot& snapshot, const SearchOptions& options, MemoryBudget& budget)
      : snapshot_(snapshot),
        options_(options),
        memory_(budget, Share::Query),
        pace_([this] { return renew_slice(); }) {}

  Result<SearchAnswer> run(const query::Query& query);

 private:
  bool renew_slice();
  bool should_stop();
  void note(std::string reason);
  bool reserve_rows(uint64_t rows);
  void scan();
  bool skip_zone(uint32_t zone) const;
  void consider(uint32_t trace);
  void evaluate_chunk();
  void keep(uint32_t trace, const OrderKey& key, std::span<const uint32_t> positions);
  void finish(uint64_t fingerprint);
  void describe(const Found& found);
  void count_services(FoundTrace& trace);
  void read_root(FoundTrace& trace);

  const store::HeadSnapshot& snapshot_;
  const SearchOptions& options_;
  Reservation memory_;
  uint64_t bytes_per_row_ = 0;
  uint64_t reserved_rows_ = 0;
  eval::Pace pace_;
  std::optional<store::HeadSlice> slice_;
  bool stopped_ = false;
  std::optional<OrderKey> before_;  // where the page begins, exclusively

  std::optional<eval::BatchView> view_;
  std::optional<eval::Evaluator> evaluator_;
  std::optional<eval::TraceFacts> facts_;
  eval::ValueColumn column_;
  eval::Matches matches_;

  // The chunk: traces, their keys, their rows.
  std::vector<uint32_t> chunk_traces_;
  std::vector<OrderKey> chunk_keys_;
  std::vector<uint64_t> chunk_durations_;
  std::vector<uint32_t> chunk_ends_;
  std::vector<uint32_t> chunk_rows_;

  std::vector<Found> newest_;  // a heap with the oldest in front
  SearchAnswer answer_;
};

bool Search::should_stop() {
  if (stopped_) return true;
  if (options_.cancelled != nullptr && options_.cancelled->load(std::memory_order_relaxed)) {
    stopped_ = true;
    note("the search was cancelled");
  } else if (options_.clock != nullptr && options_.clock->monotonic_nanos() >= options_.deadline_nanos) {
    stopped_ = true;
    note("the time for the search was up");
  }
  return stopped_;
}

// Lets a waiting writer go first. The old lock has to be gone before a new one is asked for.
bool Search::renew_slice() {
  slice_.reset();
  slice_.emplace(snapshot_.slice());
  return !should_stop();
}

void Search::note(std::string reason) {
  if (answer_.partial_reason.empty()) answer_.partial_reason = std::move(reason);
}

bool Search::reserve_rows(uint64_t rows) {
  if (rows <= reserved_rows_) return true;
  if (!memory_.grow((rows - reserved_rows_) * bytes_per_row_)) return false;
  reserved_rows_ = rows;
  return true;
}

Result<SearchAnswer> Search::run(const query::Query& query) {
  const uint64_t fingerprint = fingerprint_of(query, options_);
  if (!options_.page.empty()) before_ = TRY(read_page_token(options_.page, fingerprint));
  collect_attributes(*query.spans, answer_.mentioned);

  slice_.emplace(snapshot_.slice());
  view_.emplace(slice_->spans());
  evaluator_.emplace(TRY(eval::Evaluator::bind(query, *view_)));
  facts_.emplace(*view_);
  bytes_per_row_ = std::max(evaluator_->bytes_per_row(), eval::TraceFacts::kParentBytesPerRow) + kBytesPerListedRow;
  const uint64_t found_bytes = (options_.limit + 1) * (kBytesPerFound + options_.spans_per_trace * sizeof(uint32_t)) +
                               kFixedBytes + evaluator_->fixed_bytes();
  if (!memory_.grow(found_bytes) || !reserve_rows(2 * kSliceRows)) {
    return Error(Code::Unavailable, "the memory for queries is spent; try again");
  }
  if (!evaluator_->finds_nothing()) scan();
  finish(fingerprint);
  slice_.reset();
  return std::move(answer_);
}

// True if no trace of the zone can be newer than what was found.
bool Search::skip_zone(uint32_t zone) const {
  return newest_.size() > options_.limit && slice_->newest_in_zone(zone) < newest_.front().key.time;
}

void Search::scan() {
  size_t skips = 0;
  const uint32_t count = snapshot_.trace_count();
  const uint32_t zones = (count + store::kZoneTraces - 1) / store::kZoneTraces;
  for (uint32_t zone = zones; zone-- > 0;) {
    if (skips >= kSkipsPerSlice) {
      skips = 0;
      if (!renew_slice()) return;
    }
    ++skips;
    if (skip_zone(zone)) continue;
    const uint32_t begin = zone * store::kZoneTraces;
    for (uint32_t trace = std::min(count, begin + store::kZoneTraces); trace-- > begin;) {
      ++skips;
      consider(trace);
      if (stopped_) return;
    }
  }
  evaluate_chunk();
}

void Search::consider(uint32_t trace) {
  const store::TraceSummary summary = slice_->summary(trace);
  if (summary.start > options_.to || summary.end < options_.from) return;
  const OrderKey key{summary.order_time, summary.id};
  if (before_ && key >= *before_) return;
  if (newest_.size() > options_.limit && key < newest_.front().key) return;

  if (summary.span_count > kSliceRows) {  // goes alone
    evaluate_chunk();
    if (stopped_) return;
    if (!reserve_rows(summary.span_count)) {
      note("the trace " + summary.id.hex() + " has " + std::to_string(summary.span_count) +
           " spans, more than the memory for queries allows to look at");
      return;
    }
  }
  chunk_traces_.push_back(trace);
  chunk_keys_.push_back(key);
  chunk_durations_.push_back(summary.end - summary.start);
  slice_->append_rows(trace, chunk_rows_);
  chunk_ends_.push_back(static_cast<uint32_t>(chunk_rows_.size()));
  if (chunk_rows_.size() >= kSliceRows) evaluate_chunk();
}

void Search::evaluate_chunk() {
  if (chunk_traces_.empty()) return;
  const eval::Traces traces{chunk_rows_, chunk_ends_, chunk_durations_};
  if (evaluator_->run(traces, matches_, &pace_)) {
    answer_.traces_inspected += traces.count();
    answer_.spans_inspected += chunk_rows_.size();
    for (uint32_t i = 0; i < traces.count(); ++i) {
      const std::span<const uint32_t> positions = matches_.of(i);
      if (!positions.empty()) keep(chunk_traces_[i], chunk_keys_[i], positions);
    }
  }
  if (evaluator_->gave_up()) note("a span has more values in one field than a search compares");
  chunk_traces_.clear();
  chunk_keys_.clear();
  chunk_durations_.clear();
  chunk_ends_.clear();
  chunk_rows_.clear();
  renew_slice();
}

void Search::keep(uint32_t trace, const OrderKey& key, std::span<const uint32_t> positions) {
  if (newest_.size() > options_.limit) {
    if (key < newest_.front().key) return;
    std::pop_heap(newest_.begin(), newest_.end());
    newest_.pop_back();
  }
  Found found{key, trace, static_cast<uint32_t>(positions.size()), {}};
  found.shown.resize(std::min<size_t>(options_.spans_per_trace, positions.size()));
  const model::SpanBatch& spans = slice_->spans();
  std::vector<uint32_t> rows;
  rows.reserve(positions.size());
  for (const uint32_t position : positions) rows.push_back(chunk_rows_[position]);
  std::ranges::partial_sort_copy(rows, found.shown, [&](uint32_t a, uint32_t b) {
    return std::tie(spans.start[a], a) < std::tie(spans.start[b], b);
  });
  newest_.push_back(std::move(found));
  std::push_heap(newest_.begin(), newest_.end());
}

void Search::finish(uint64_t fingerprint) {
  std::sort_heap(newest_.begin(), newest_.end());
  if (newest_.size() > options_.limit) {
    newest_.pop_back();
    // What a search that stopped has not seen may be newer than what it shows, so there is no place to go on from.
    if (!stopped_) answer_.next_page = write_page_token(fingerprint, newest_.back().key);
  }
  for (const Found& found : newest_) describe(found);
}

// Runs also when the search has stopped: what was found is told in full.
void Search::describe(const Found& found) {
  slice_.reset();
  slice_.emplace(snapshot_.slice());
  const store::TraceSummary summary = slice_->summary(found.trace);
  FoundTrace trace;
  trace.id = summary.id;
  trace.start = summary.start;
  trace.end = summary.end;
  trace.span_count = summary.span_count;
  trace.matched_count = found.matched_count;
  trace.first_span = static_cast<uint32_t>(answer_.spans.span_count());
  const uint64_t before = answer_.spans.memory_bytes();
  answer_.spans.append_rows(slice_->spans(), found.shown);
  if (memory_.grow(answer_.spans.memory_bytes() - before)) {
    trace.shown_count = static_cast<uint32_t>(found.shown.size());
  } else {
    note("the spans to show take more than the memory for queries");
  }

  chunk_rows_.clear();
  slice_->append_rows(found.trace, chunk_rows_);
  count_services(trace);
  read_root(trace);
  answer_.traces.push_back(std::move(trace));
}

void Search::count_services(FoundTrace& trace) {
  struct Count {
    uint32_t spans = 0;
    uint32_t errors = 0;
  };
  std::unordered_map<model::StringId, Count> counts;
  for (size_t i = 0; i < chunk_rows_.size(); ++i) {
    if (i % kSliceRows == kSliceRows - 1) {
      slice_.reset();
      slice_.emplace(snapshot_.slice());
    }
    const model::SpanBatch& spans = slice_->spans();
    const uint32_t row = chunk_rows_[i];
    const uint32_t error = spans.status_code[row] == kStatusError ? 1 : 0;
    Count& count = counts[spans.resources[spans.resource[row]].service_name];
    ++count.spans;
    count.errors += error;
    trace.error_count += error;
  }
  for (const auto& [name, count] : counts) {
    trace.services.push_back({std::string(slice_->spans().strings.at(name)), count.spans, count.errors});
  }
  std::ranges::sort(trace.services, [](const ServiceCount& a, const ServiceCount& b) {
    return std::tie(b.spans, a.name) < std::tie(a.spans, b.name);
  });
  trace.service_count = static_cast<uint32_t>(trace.services.size());
  if (trace.services.size() > kServicesMax) trace.services.resize(kServicesMax);
}

void Search::read_root(FoundTrace& trace) {
  const auto end = static_cast<uint32_t>(chunk_rows_.size());
  const uint64_t duration = trace.duration_nanos();
  const uint32_t first = 0;
  facts_->start({chunk_rows_, std::span(&end, 1), std::span(&duration, 1)}, &pace_);
  const auto read = [&](query::Intrinsic intrinsic) -> std::optional<std::string> {
    facts_->read(intrinsic, std::span(&first, 1), column_);
    if (column_.kinds[0] != eval::ValueKind::String) return std::nullopt;
    return std::string(view_->text(static_cast<eval::StringCode>(column_.bits[0])));
  };
  trace.root_name = read(query::Intrinsic::TraceRootName);
  trace.root_service = read(query::Intrinsic::TraceRootService);
}

}  // namespace

Result<SearchAnswer> search(const store::Snapshot& snapshot, const query::Query& query, const SearchOptions& options,
                            MemoryBudget& budget) {
  TRY(check(options));
  Search search(snapshot.heads.back(), options, budget);
  return search.run(query);
}

}  // namespace clew::scan
