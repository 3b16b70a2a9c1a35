// SPDX-License-Identifier: Apache-2.0
//
// Why the answer is exact though scans stop early. Let T be the key of the oldest trace that is shown in the end. The
// scans pass over a row group, a zone of a head or a part only if its order times are below the bound of that moment
// (Newest::is_late), and bounds only rise, so below T. The order time of a shared trace is the least of its parts'. So
// when the whole trace belongs into the answer, none of its parts was passed over for its age, and all leaves that have
// spans in it have been seen; it may match by what was seen, since Leaves::may_match is monotone and a part passes
// every leaf that the whole passes there. Traces that wait are evaluated when they may match by what was seen already:
// what is seen later cannot take that back. What is late by the least order time seen is late as a whole.
//
// A page's upper end (`before`) is asked of whole traces only: a part may be newer than the whole.
//
// A time range takes more: a part outside of it is not seen, yet the whole trace may overlap the range and match by it.
// So when parts were passed over for the range, every shared trace that may have a part outside is looked up; it is
// evaluated unless all its parts lie on one side of the range.
#include "scan/shared_traces.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "eval/batch_view.h"
#include "scan/describe.h"
#include "scan/giant_trace.h"

namespace clew::scan {
namespace {

// Traces that wait before they are evaluated together: each row group is read once for all of them.
constexpr size_t kWaitingMax = 256;
// What a span that is shown takes while it is copied.
constexpr uint64_t kBytesPerShownSpan = 2048;
// Of a trace that was seen: its entry in the table.
constexpr uint64_t kBytesPerSight = 96;
// 128 KiB, of what a search reserves for lists; beyond some 100,000 shared traces more of them are looked up.
constexpr size_t kMarkWordsMax = 16'384;
// Traces that are looked up between two looks at the clock.
constexpr size_t kLookUpsPerPace = 256;

}  // namespace

SharedTraces::SharedTraces(const store::Snapshot& snapshot, const query::Query& query, const Leaves& leaves,
                           Newest& newest, MemoryBudget& budget)
    : snapshot_(snapshot),
      query_(query),
      leaves_(leaves),
      newest_(newest),
      budget_(budget),
      any_((snapshot.shared_in_blocks && !snapshot.shared_in_blocks->empty()) ||
           (snapshot.shared_in_heads && !snapshot.shared_in_heads->empty())),
      joiner_(snapshot),
      pace_([this] { return !newest_.should_stop(); }) {}

void SharedTraces::mark_all() {
  size_t count = 0;
  for (const auto& set : {snapshot_.shared_in_blocks, snapshot_.shared_in_heads}) count += set ? set->size() : 0;
  marks_.assign(std::bit_ceil(std::clamp<size_t>(count / 4, 1, kMarkWordsMax)), 0);
  for (const auto& set : {snapshot_.shared_in_blocks, snapshot_.shared_in_heads}) {
    if (!set) continue;
    for (const model::TraceId& id : *set) marks_[bit_of(id) / 64] |= uint64_t{1} << (bit_of(id) % 64);
  }
}

void SharedTraces::see(const model::TraceId& id, uint64_t leaves, UnixNanos order_time) {
  auto known = sights_.find(id);
  if (known == sights_.end()) {
    if (!newest_.memory().grow(kBytesPerSight)) {
      return newest_.note("more traces lie in pieces than the memory for queries allows to keep in mind");
    }
    known = sights_.emplace(id, Sight()).first;
  }
  Sight& sight = known->second;
  sight.leaves |= leaves;
  sight.order_time = std::min(sight.order_time, order_time);
  if (sight.waits_or_done || !leaves_.may_match(sight.leaves)) return;
  sight.waits_or_done = true;
  waiting_.push_back(id);
}

void SharedTraces::settle() {
  if (waiting_.size() >= kWaitingMax) settle_all();
}

void SharedTraces::finish(bool range_prunes) {
  settle_all();
  if (any_ && range_prunes) look_outside_range();
  settle_all();
}

void SharedTraces::look_outside_range() {
  size_t count = 0;
  for (const auto& set : {snapshot_.shared_in_blocks, snapshot_.shared_in_heads}) {
    if (!set) continue;
    for (const model::TraceId& id : *set) {
      if (++count % kLookUpsPerPace == 0 && newest_.should_stop()) return;
      const auto known = sights_.find(id);
      if (known != sights_.end() && known->second.waits_or_done) continue;
      uint64_t leaves = known == sights_.end() ? 0 : known->second.leaves;
      if (!may_lie_in_range(id, leaves) || !leaves_.may_match(leaves)) continue;
      see(id, leaves_.all(), UINT64_MAX);
      settle();
    }
  }
}

// By where its parts lie: could the whole trace overlap the time range? All leaves are added if one of its parts was
// passed over.
bool SharedTraces::may_lie_in_range(const model::TraceId& id, uint64_t& leaves) {
  const SearchOptions& options = newest_.options();
  UnixNanos start = UINT64_MAX;
  UnixNanos end = 0;
  Result<TraceParts> parts = TraceParts::find(snapshot_, id);
  if (!parts.ok()) {
    newest_.note(parts.error().what());
    return false;
  }
  for (const BlockPart& part : parts->blocks) {
    const block::RowGroupFacts& facts = snapshot_.blocks[part.block]->block().row_groups()[part.place.row_group];
    if (newest_.is_late(facts.newest_order_time)) return false;
    if (facts.start > options.to || facts.end < options.from) leaves = leaves_.all();
    start = std::min(start, facts.start);
    end = std::max(end, facts.end);
  }
  for (const HeadPart& part : parts->heads) {
    const model::TraceSummary summary = snapshot_.heads[part.head].slice().summary(part.trace);
    start = std::min(start, summary.start);
    end = std::max(end, summary.end);
  }
  return start <= options.to && end >= options.from;
}

void SharedTraces::evaluate(std::vector<model::TraceId> ids) {
  const auto order_time = [&](const model::TraceId& id) { return sights_.at(id).order_time; };
  std::ranges::sort(ids, [&](const model::TraceId& a, const model::TraceId& b) {
    return model::OrderKey{order_time(a), a} > model::OrderKey{order_time(b), b};
  });
  for (size_t at = 0; at < ids.size() && !newest_.should_stop();) {
    const auto rest = std::span(ids).subspan(at);
    if (newest_.is_late(model::OrderKey{order_time(rest[0]), rest[0]})) return;
    at += evaluate_some(rest);
  }
}

// How many it has dealt with: at least one.
size_t SharedTraces::evaluate_some(std::span<const model::TraceId> ids) {
  Result<TraceParts> parts = TraceParts::find(snapshot_, ids[0]);
  if (parts.ok() && parts->rows > newest_.options().join_rows_max) {
    evaluate_giant(ids[0], std::move(*parts));
    return 1;
  }
  Reservation memory(budget_, Share::Query);
  model::SpanBatch batch;
  std::vector<JoinedTrace> joined;
  Result<size_t> taken = joiner_.join(ids, newest_.options().join_rows_max, memory, batch, joined);
  if (!taken.ok() && ids.size() > 1) {  // it may be one of the others
    memory.reset();
    taken = joiner_.join(ids.first(1), newest_.options().join_rows_max, memory, batch, joined);
  }
  if (!taken.ok()) {
    const bool no_room = taken.error().code() == Code::Unavailable;
    newest_.note(no_room ? "the trace " + ids[0].hex() +
                               " lies in pieces, with more spans than the memory for queries "
                               "allows to look at"
                         : taken.error().what());
    return 1;
  }
  std::vector<uint32_t> rows;
  std::vector<uint32_t> ends;
  std::vector<uint64_t> durations;
  std::erase_if(joined, [&](const JoinedTrace& each) {
    return each.summary.span_count == 0 || !newest_.in_range(each.summary) ||
           !newest_.may_enter(model::order_key(each.summary));
  });
  if (joined.empty()) return *taken;
  for (const JoinedTrace& each : joined) {
    for (uint32_t i = 0; i < each.summary.span_count; ++i) rows.push_back(each.first_row + i);
    ends.push_back(static_cast<uint32_t>(rows.size()));
    durations.push_back(each.summary.end - each.summary.start);
  }
  eval::BatchView view(batch);
  Result<eval::Evaluator> evaluator = eval::Evaluator::bind(query_, view);
  if (!evaluator.ok() || !memory.grow(evaluator->fixed_bytes() + rows.size() * evaluator->bytes_per_row())) {
    newest_.note("the memory for queries is too small for traces that lie in pieces");
    return *taken;
  }
  eval::Matches matches;
  const eval::Traces traces{rows, ends, durations};
  if (evaluator->run(traces, matches, &pace_)) choose(traces, joined, batch, matches);
  if (evaluator->gave_up()) newest_.note(kTooManyValues);
  return *taken;
}

void SharedTraces::evaluate_giant(const model::TraceId& id, TraceParts parts) {
  const auto too_large = [&, rows = parts.rows] {
    newest_.note("the trace " + id.hex() + " has " + std::to_string(rows) +
                 " spans, more than the memory for queries allows to look at");
  };
  Reservation memory(budget_, Share::Query);
  const Result<std::unique_ptr<GiantTrace>> opened = GiantTrace::open(snapshot_, std::move(parts), memory, &pace_);
  if (!opened.ok()) {
    if (opened.error().code() == Code::Cancelled) return;  // that is noted
    return opened.error().code() == Code::Unavailable ? too_large() : newest_.note(opened.error().what());
  }
  GiantTrace& giant = **opened;
  Found found;
  found.key = model::order_key(giant.summary());
  if (!newest_.in_range(giant.summary()) || !newest_.may_enter(found.key)) return;
  Result<eval::Evaluator> evaluator = eval::Evaluator::bind(query_, giant.view());
  if (!evaluator.ok()) return newest_.note(evaluator.error().what());
  const uint64_t bytes = evaluator->fixed_bytes() * giant.part_count();
  if (!memory.grow(bytes + giant.rows().size() * evaluator->bytes_per_row())) return too_large();
  eval::Matches matches;
  const bool done = evaluator->run(giant.traces(), matches, &pace_);
  if (evaluator->gave_up()) newest_.note(kTooManyValues);
  if (done && !giant.view().error()) {
    ++newest_.traces_inspected;
    newest_.spans_inspected += giant.rows().size();
    if (matches.positions.empty()) return;
    if (newest_.visitor() != nullptr) return show_giant(giant, matches.positions);
    found.source = Source::Shared;
    found.summary = giant.summary();
    found.matched_count = static_cast<uint32_t>(matches.positions.size());
    found.shown = first_shown(giant.view(), giant.rows(), matches.positions, newest_.options().spans_per_trace);
  }
  if (giant.view().error()) return newest_.note(giant.view().error()->what());
  if (done) newest_.enter(std::move(found));
}

// Copies of the chosen spans, some at a time.
void SharedTraces::show_giant(GiantTrace& giant, std::span<const uint32_t> positions) {
  Reservation memory(budget_, Share::Query);
  if (!memory.grow(std::min(positions.size(), kSliceRows) * kBytesPerShownSpan)) {
    return newest_.note("the spans of a large trace take more than the memory for queries");
  }
  std::vector<uint32_t> rows;
  for (size_t at = 0; at < positions.size() && !newest_.should_stop(); at += kSliceRows) {
    rows.clear();
    for (size_t i = at; i < std::min(at + kSliceRows, positions.size()); ++i) {
      rows.push_back(giant.rows()[positions[i]]);
    }
    model::SpanBatch copies;
    const Result<void> copied = giant.copy(rows, copies);
    if (!copied.ok()) return newest_.note(copied.error().what());
    std::iota(rows.begin(), rows.end(), 0);
    newest_.visitor()->in_batch(copies, rows);
  }
}

Result<void> SharedTraces::describe_giant(const Found& found, TraceParts parts, SearchAnswer& answer,
                                          FoundTrace& trace) {
  Reservation memory(budget_, Share::Query);
  const std::unique_ptr<GiantTrace> giant = TRY(GiantTrace::open(snapshot_, std::move(parts), memory, nullptr));
  const uint64_t root_bytes = giant->rows().size() * eval::TraceFacts::kKnownParentBytesPerRow;
  if (!memory.grow(root_bytes + found.shown.size() * kBytesPerShownSpan))
    return Error(Code::Unavailable, "the trace " + found.key.id.hex() + " is too large to be described");
  TRY(giant->count_services(trace));
  read_root(giant->view(), giant->rows(), nullptr, trace);
  if (giant->view().error()) return *giant->view().error();
  std::vector<uint32_t> rows = found.shown;
  std::ranges::sort(rows);
  model::SpanBatch copies;
  TRY(giant->copy(rows, copies));
  std::iota(rows.begin(), rows.end(), 0);
  append_shown(copies, std::move(rows), newest_.options().spans_per_trace, answer, trace);
  return {};
}

void SharedTraces::choose(const eval::Traces& traces, std::span<const JoinedTrace> joined,
                          const model::SpanBatch& batch, const eval::Matches& matches) {
  newest_.traces_inspected += traces.count();
  newest_.spans_inspected += traces.rows.size();
  if (newest_.visitor() != nullptr) {
    std::vector<uint32_t> chosen;
    chosen.reserve(matches.positions.size());
    for (const uint32_t position : matches.positions) chosen.push_back(traces.rows[position]);
    return newest_.visitor()->in_batch(batch, chosen);
  }
  for (uint32_t i = 0; i < traces.count(); ++i) {
    const std::span<const uint32_t> positions = matches.of(i);
    if (positions.empty()) continue;
    Found found;
    found.key = model::order_key(joined[i].summary);
    found.source = Source::Shared;
    found.summary = joined[i].summary;
    found.matched_count = static_cast<uint32_t>(positions.size());
    // Rows counted from the trace's first: joined again, it is the same.
    std::vector<uint32_t> chosen;
    for (const uint32_t position : positions) chosen.push_back(traces.rows[position]);
    found.shown = first_by_key(chosen, newest_.options().spans_per_trace, [&](uint32_t row) {
      return ShownKey{batch.start[row], batch.span_id[row].value, model::is_server_half(batch.kind[row])};
    });
    for (uint32_t& row : found.shown) row -= joined[i].first_row;
    newest_.enter(std::move(found));
  }
}

void SharedTraces::describe(std::span<const Found* const> found,
                            const std::function<void(const Found&, FoundTrace)>& told, SearchAnswer& answer) {
  for (size_t at = 0; at < found.size();) {
    Result<TraceParts> parts = TraceParts::find(snapshot_, found[at]->key.id);
    if (parts.ok() && parts->rows > newest_.options().join_rows_max) {
      FoundTrace trace = facts_of(*found[at]);
      const Result<void> described = describe_giant(*found[at], std::move(*parts), answer, trace);
      if (described.ok()) {
        told(*found[at], std::move(trace));
      } else {
        newest_.note(described.error().what());
      }
      ++at;
      continue;
    }
    std::vector<model::TraceId> ids;
    for (const Found* each : found.subspan(at)) ids.push_back(each->key.id);
    Reservation memory(budget_, Share::Query);
    model::SpanBatch batch;
    std::vector<JoinedTrace> joined;
    const Result<size_t> taken = joiner_.join(ids, newest_.options().join_rows_max, memory, batch, joined);
    if (!taken.ok()) return newest_.note(taken.error().what());
    eval::BatchView view(batch);
    for (size_t i = 0; i < *taken; ++i) {
      const Found& each = *found[at + i];
      FoundTrace trace = facts_of(each);
      std::vector<uint32_t> rows;
      ServiceCounts services;
      for (uint32_t row = joined[i].first_row; row < joined[i].first_row + each.summary.span_count; ++row) {
        rows.push_back(row);
        services.add(batch.resources[batch.resource[row]].service_name, batch.status_code[row]);
      }
      services.move_to(batch.strings, trace);
      read_root(view, rows, nullptr, trace);
      std::vector<uint32_t> shown = each.shown;
      for (uint32_t& row : shown) row += joined[i].first_row;
      append_shown(batch, std::move(shown), newest_.options().spans_per_trace, answer, trace);
      told(each, std::move(trace));
    }
    at += *taken;
  }
}

}  // namespace clew::scan
