// SPDX-License-Identifier: Apache-2.0
//
// Parts are gathered input by input and row group by row group, so that each row group is decoded once however many
// traces want rows of it. What that takes is only known afterwards: if it was too much, half of the traces are given up
// and it begins anew.
#include "store/trace_join.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <tuple>

namespace clew::store {
namespace {

// Content of a span in memory, for a first guess.
constexpr uint64_t kSpanBytesGuess = 400;

}  // namespace

Result<void> TraceJoin::check_stop() const {
  if (stop_.load(std::memory_order_relaxed)) return Error(Code::Cancelled, "the compaction was stopped");
  return {};
}

// Inputs of the job for which there was no memory are outside like others.
bool TraceJoin::is_outside(const model::TraceId& id) const {
  if (job_.is_outside(id)) return true;
  const auto left_out = std::span(job_.inputs).subspan(inputs_.size());
  return std::ranges::any_of(left_out, [&](const CompactionInput& input) {
    if (!input.block->may_hold(id)) return false;
    const Result<std::optional<block::TracePlace>> place = input.block->find(id);
    return !place.ok() || place->has_value();
  });
}

uint32_t TraceJoin::find(const model::TraceId& id) const {
  const auto at = std::ranges::lower_bound(ids_, id);
  return at != ids_.end() && *at == id ? static_cast<uint32_t>(at - ids_.begin()) : kNone;
}

Result<void> TraceJoin::list() {
  for (reading_ = 0; reading_ < inputs_.size(); ++reading_) {
    const auto ids = TRY(inputs_[reading_].block->elsewhere());
    ids_.insert(ids_.end(), ids->begin(), ids->end());
  }
  std::ranges::sort(ids_);
  const auto rest = std::ranges::unique(ids_);
  ids_.erase(rest.begin(), rest.end());
  ids_.shrink_to_fit();
  traces_.resize(ids_.size());
  return {};
}

Result<void> TraceJoin::look_at(uint32_t input, uint32_t row_group) {
  TRY(check_stop());
  block::RowGroup group = TRY(inputs_[input].block->row_group(row_group));
  for (const block::TraceRows& rows : TRY(group.traces())) {
    const uint32_t number = find(rows.summary.id);
    if (number == kNone || rows.first_position != 0) continue;
    const model::TraceSummary& summary = rows.summary;
    Trace& trace = traces_[number];
    trace.inputs |= static_cast<uint8_t>(1u << input);
    trace.has_giant |= rows.row_count < summary.span_count;
    if (summary.has_sane_span) trace.sane_start = std::min(trace.sane_start, summary.start);
    trace.first_arrival = std::min(trace.first_arrival, summary.first_arrival);
    trace.first_slice = std::min(trace.first_slice, summary.start / block::kSliceNanos);
    parts_.push_back({
        .trace = number,
        .row_group = row_group,
        .first_row = rows.first_row,
        .row_count = summary.span_count,
        .input = static_cast<uint8_t>(input),
    });
  }
  return {};
}

Result<void> TraceJoin::find() {
  if (inputs_.size() < 2) return {};
  TRY(list());
  if (ids_.empty()) return {};
  for (reading_ = 0; reading_ < inputs_.size(); ++reading_) {
    const auto groups = static_cast<uint32_t>(inputs_[reading_].block->row_groups().size());
    for (uint32_t g = 0; g < groups; ++g) TRY(look_at(reading_, g));
  }
  std::erase_if(parts_, [&](const Part& part) { return std::popcount(traces_[part.trace].inputs) < 2; });
  for (const Trace& trace : traces_)
    if (std::popcount(trace.inputs) > 1) ++traces_left_apart_;
  // Giants stay apart, and so do traces that begin later than one of their parts lies: it was told by its arrival.
  std::erase_if(parts_, [&](const Part& part) {
    const Trace& trace = traces_[part.trace];
    return trace.has_giant || trace.first_slice != trace.slice();
  });
  std::ranges::sort(parts_, {}, [&](const Part& part) {
    return std::tuple(traces_[part.trace].slice(), part.input, part.row_group, part.first_row);
  });
  return {};
}

// The traces to join, the smallest first: none that has more rows than a row group takes.
std::vector<uint32_t> TraceJoin::candidates(std::span<const Part> parts, uint64_t bytes_max) const {
  std::map<uint32_t, uint64_t> rows;
  for (const Part& part : parts) rows[part.trace] += part.row_count;
  std::vector<uint32_t> order;
  for (const auto& [trace, count] : rows)
    if (count <= block::kRowGroupRowsMax) order.push_back(trace);
  std::ranges::sort(order, {}, [&](uint32_t trace) { return std::pair(rows[trace], trace); });
  uint64_t bytes = 0;
  size_t count = 0;
  while (count < order.size() && (bytes += rows[order[count]] * kSpanBytesGuess) <= bytes_max) ++count;
  order.resize(count);
  return order;
}

Result<void> TraceJoin::gather_group(uint32_t input, std::span<const Part> parts, block::RowCopier& copier,
                                     Gathered& into) {
  TRY(check_stop());
  block::RowGroup group = TRY(inputs_[input].block->row_group(parts.front().row_group));
  const std::span<const block::TraceRows> traces = TRY(group.traces());
  std::vector<uint32_t> rows;
  size_t at = 0;
  for (const Part& part : parts) {
    while (at < traces.size() && traces[at].first_row < part.first_row) ++at;
    if (at == traces.size() || traces[at].first_row != part.first_row)
      return Error(Code::DataLoss, "a row group says something else than before");
    into.traces.push_back(part.trace);
    into.summaries.push_back(traces[at].summary);
    into.first_rows.push_back(static_cast<uint32_t>(into.batch.span_count() + rows.size()));
    for (uint32_t i = 0; i < part.row_count; ++i) rows.push_back(part.first_row + i);
  }
  return copier.append(group, rows);
}

// False: it takes more than `bytes_max`.
Result<bool> TraceJoin::gather(std::span<const Part> parts, uint64_t bytes_max, std::vector<Gathered>& gathered) {
  uint64_t bytes = 0;
  auto begin = parts.begin();
  for (reading_ = 0; reading_ < inputs_.size(); ++reading_) {
    Gathered& into = gathered.emplace_back();
    block::RowCopier copier(inputs_[reading_].block, into.batch, block::RowCopier::Texts::AsTheyCome);
    std::vector<Part> group;
    while (begin != parts.end() && begin->input == reading_) {
      const auto end = std::find_if(begin, parts.end(), [&](const Part& part) {
        return part.input != reading_ || part.row_group != begin->row_group;
      });
      group.clear();
      std::copy_if(begin, end, std::back_inserter(group), [&](const Part& part) { return traces_[part.trace].joined; });
      if (!group.empty()) TRY(gather_group(reading_, group, copier, into));
      if (bytes + into.batch.memory_bytes() > bytes_max) return false;
      begin = end;
    }
    bytes += into.batch.memory_bytes();
  }
  return true;
}

Result<void> TraceJoin::merge(uint64_t bytes_max, std::vector<Gathered>& gathered, JoinedRun& joined) {
  struct Place {
    uint32_t input;
    uint32_t part;
  };
  std::map<uint32_t, std::vector<Place>> places;
  for (uint32_t input = 0; input < gathered.size(); ++input)
    for (uint32_t part = 0; part < gathered[input].traces.size(); ++part)
      places[gathered[input].traces[part]].push_back({input, part});

  model::TraceMerger merger;
  std::vector<uint32_t> rows;
  for (const auto& [trace, list] : places) {
    merger.start(joined.batch());
    std::optional<model::TraceSummary> summary;
    for (const auto& [input, part] : list) {
      const Gathered& from = gathered[input];
      rows.resize(from.summaries[part].span_count);
      std::iota(rows.begin(), rows.end(), from.first_rows[part]);
      merger.add(from.batch, rows);
      summary = summary ? model::merge(*summary, from.summaries[part]) : from.summaries[part];
    }
    // What became too large for a row group stays apart; so does all that comes when the memory is spent.
    const bool too_large = block::content_bytes(joined.batch(), merger.rows()) > block::kRowGroupBytesMax;
    if (too_large || joined.batch().memory_bytes() > bytes_max) {
      traces_[trace].joined = false;
      continue;
    }
    summary->span_count = static_cast<uint32_t>(merger.rows().size());
    const uint8_t flags = is_outside(ids_[trace]) ? block::kIsElsewhere : 0;
    joined.add(*summary, merger.rows(), flags);
    duplicates_ += merger.duplicates();
    ++traces_joined_;
    --traces_left_apart_;
  }
  joined.sort();
  return {};
}

bool TraceJoin::has(uint64_t slice) {
  const auto slice_at = [&](size_t part) { return traces_[parts_[part].trace].slice(); };
  while (next_part_ < parts_.size() && slice_at(next_part_) < slice) ++next_part_;
  return next_part_ < parts_.size() && slice_at(next_part_) == slice;
}

Result<void> TraceJoin::join(uint64_t slice, uint64_t bytes_max, JoinedRun& joined) {
  const size_t first = next_part_;
  while (next_part_ < parts_.size() && traces_[parts_[next_part_].trace].slice() == slice) ++next_part_;
  const std::span<const Part> parts = std::span(parts_).subspan(first, next_part_ - first);
  std::vector<uint32_t> chosen = candidates(parts, bytes_max);
  while (!chosen.empty()) {
    for (const Part& part : parts) traces_[part.trace].joined = false;
    for (const uint32_t trace : chosen) traces_[trace].joined = true;
    std::vector<Gathered> gathered;
    if (TRY(gather(parts, bytes_max, gathered))) return merge(bytes_max, gathered, joined);
    chosen.resize(chosen.size() / 2);
  }
  for (const Part& part : parts) traces_[part.trace].joined = false;
  return {};
}

uint32_t TraceJoin::lane_count() const {
  int lanes = 1;
  for (const Trace& trace : traces_)
    if (!trace.joined) lanes = std::max(lanes, std::popcount(trace.inputs));
  return static_cast<uint32_t>(lanes);
}

std::optional<uint8_t> TraceJoin::select(const block::TraceRows& part, uint32_t input, uint32_t lane) const {
  const uint32_t number = find(part.summary.id);
  const Trace trace = number == kNone ? Trace() : traces_[number];
  if (std::popcount(trace.inputs) > 1) {
    const auto before = static_cast<uint8_t>(trace.inputs & ((1u << input) - 1));
    if (trace.joined || static_cast<uint32_t>(std::popcount(before)) != lane) return {};
    return block::kIsElsewhere;
  }
  if (lane != 0) return {};
  const bool outside = (part.flags & block::kIsElsewhere) != 0 && is_outside(part.summary.id);
  return outside ? block::kIsElsewhere : 0;
}

uint64_t TraceJoin::memory_bytes() const {
  return ids_.capacity() * sizeof(model::TraceId) + traces_.capacity() * sizeof(Trace) +
         parts_.capacity() * sizeof(Part);
}

}  // namespace clew::store
