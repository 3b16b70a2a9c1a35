// SPDX-License-Identifier: Apache-2.0
//
// The rows of the carried head are first copied behind those of the frozen one, where no reader sees them. So all that
// is to be sealed lies in one batch, from which the block is written as it is.
//
// Traces are taken in runs. For a run, the parts that blocks have are found first and then read block by block and row
// group by row group, each once.
#include "store/seal_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "base/log.h"
#include "block/writer.h"
#include "store/object_bytes.h"

namespace clew::store {
namespace {

// What TraceLayout and the index in Writer hold.
constexpr uint64_t kBytesPerRow = 8;
constexpr uint64_t kBytesPerTrace = 120 + 26;
// A block is not cut for want of memory before it has this many spans.
constexpr uint64_t kBlockSpansMin = 20'000;
// What is joined is forgotten when it has so many rows, together with what was translated of it.
constexpr size_t kJoinedRowsMax = 65'536;

}  // namespace

SealJob::SealJob(Tenant& tenant, const Shelves& shelves, MemoryBudget& budget, std::optional<UnixNanos> carry_from,
                 uint64_t now_nanos)
    : tenant_(tenant),
      shelves_(shelves),
      carry_from_(carry_from),
      state_(tenant.state()),
      spans_(tenant.frozen().head->everything().slice().spans()),
      frozen_rows_(tenant.frozen().head->snapshot().row_count()),
      memory_(budget, Share::Seal),
      carrier_memory_(budget, Share::Seal),
      red_(rollup_, spans_),
      edges_(spans_) {
  change_.seals.emplace();
  change_.seals->head.began_nanos = now_nanos;
}

Result<SealReport> SealJob::run() {
  tenant_.join_carried();
  sealed_to_ = tenant_.manifest().seal.sealed_to;
  for (const CarriedTrace& trace : tenant_.carried()) carried_.emplace(trace.carried.trace, &trace);
  {
    const HeadSnapshot everything = tenant_.frozen().head->everything();
    const HeadSlice head = everything.slice();
    Result<void> sealed = seal_all(head, everything.trace_count());
    carrier_.reset();
    if (sealed.ok()) sealed = finish();
    if (!sealed.ok()) {
      throw_away();
      return sealed.error();
    }
  }
  const Delta delta = change_.delta;
  const Result<void> committed = tenant_.commit(std::move(change_));
  if (committed.ok()) return std::move(report_);
  change_.delta = delta;
  const Code code = committed.error().code();
  if (code == Code::InvalidArgument || code == Code::ResourceExhausted) throw_away();
  return committed.error();
}

Result<void> SealJob::seal_all(const HeadSlice& head, uint32_t trace_count) {
  for (uint32_t first = 0; first < trace_count;) {
    const uint32_t end = TRY(find_parts(head, first, trace_count));
    TRY(load_parts());
    size_t part = 0;
    for (; first < end; ++first) {
      const size_t first_part = part;
      while (part < parts_.size() && parts_[part].trace == first) ++part;
      TRY(take_trace(head, first, std::span(parts_).subspan(first_part, part - first_part)));
    }
  }
  return write_block();
}

// Where the blocks have the traces from `first` on; returns the end of the run.
Result<uint32_t> SealJob::find_parts(const HeadSlice& head, uint32_t first, uint32_t end) {
  parts_.clear();
  uint64_t known_rows = 0;
  for (uint32_t trace = first; trace < end; ++trace) {
    if (known_rows > kKnownRowsMax) return trace;
    const model::TraceId& id = head.trace_id(trace);
    for (uint32_t i = 0; i < state_->blocks.size(); ++i) {
      const block::Block& block = state_->blocks[i].stored->block();
      if (!block.may_hold(id)) continue;
      const Result<std::optional<block::TracePlace>> place = block.find(id);
      if (!place.ok()) {
        TRY(pass_over(state_->blocks[i], place.error()));
      } else if (*place) {
        parts_.push_back({.trace = trace, .block = i, .place = **place});
        known_rows += (*place)->row_count;
      }
    }
  }
  return end;
}

// What is damaged is passed over and reported: it must not hold up what is whole.
Result<void> SealJob::pass_over(const TenantBlock& block, const Error& error) {
  if (error.code() != Code::DataLoss) return error;
  const ObjectId id = block.stored->entry().id;
  if (std::ranges::count(report_.damaged, id) == 0) report_.damaged.push_back(id);
  return {};
}

Result<void> SealJob::load_parts() {
  known_ = model::SpanBatch();
  std::ranges::sort(
      parts_, {}, [](const Part& part) { return std::tuple(part.block, part.place.row_group, part.place.first_row); });
  for (size_t begin = 0; begin < parts_.size();) {
    size_t end = begin;
    while (end < parts_.size() && parts_[end].block == parts_[begin].block) ++end;
    const TenantBlock& block = state_->blocks[parts_[begin].block];
    const std::span<Part> parts = std::span(parts_).subspan(begin, end - begin);
    const Result<void> loaded = load_from(block, parts);
    if (!loaded.ok()) {
      TRY(pass_over(block, loaded.error()));
      for (Part& part : parts) part.place.row_count = 0;
    }
    begin = end;
  }
  std::ranges::sort(parts_, {}, [](const Part& part) { return std::tuple(part.trace, part.block); });
  return {};
}

Result<void> SealJob::load_from(const TenantBlock& block, std::span<Part> parts) {
  const std::shared_ptr<const block::Block>& source = block.stored->shared_block();
  block::RowCopier copier(source, known_);
  std::optional<block::RowGroup> group;
  uint32_t group_index = UINT32_MAX;
  const auto open = [&](uint32_t index) -> Result<void> {
    if (index == group_index) return {};
    group.emplace(TRY(source->row_group(index)));
    group_index = index;
    return {};
  };
  for (Part& part : parts) {
    part.first_row = static_cast<uint32_t>(known_.span_count());
    uint32_t from = part.place.first_row;
    uint32_t left = part.place.row_count;
    // A giant goes on in the row groups behind.
    for (uint32_t index = part.place.row_group; left > 0; ++index) {
      TRY(open(index));
      if (index == part.place.row_group) {
        for (const block::TraceRows& trace : TRY(group->traces()))
          if (trace.first_row == from) part.first_arrival = trace.summary.first_arrival;
      }
      rows_.clear();
      for (; left > 0 && from < group->row_count(); --left) rows_.push_back(from++);
      TRY(copier.append(*group, rows_));
      from = 0;
    }
  }
  return {};
}

Result<void> SealJob::take_trace(const HeadSlice& head, uint32_t trace, std::span<const Part> parts) {
  rows_.clear();
  head.append_rows(trace, rows_);
  const model::TraceId id = head.trace_id(trace);
  const auto known = carried_.find(id);
  const CarriedTrace* const carried = known == carried_.end() ? nullptr : known->second;
  model::TraceSummary summary = head.summary(trace);
  uint32_t last_row = 0;
  for (const uint32_t row : rows_)
    if (row < frozen_rows_) last_row = row;
  if (!parts.empty() || carried != nullptr) {
    if (!parts.empty() || may_have_duplicates()) leave_out_known(parts);
    if (rows_.empty()) return {};
    came_.clear();
    for (const uint32_t row : rows_) came_.emplace_back(head.origin(row).lsn, row);
    std::ranges::sort(came_);
    std::ranges::transform(came_, rows_.begin(), [](const auto& came) { return came.second; });
    summary = model::first_summary(id, head.arrival(rows_.front()));
    for (const uint32_t row : rows_) add_span(summary, spans_.start[row], spans_.end[row], head.arrival(row));
  }
  const uint32_t carries = carried == nullptr ? 0 : carried->carries;
  if (carries < kCarriesMax && is_active(head, last_row) && carry(head, id, carries + 1)) return {};
  if (!parts.empty()) ++report_.shared_traces;
  TRY(lay_out(summary, parts.empty() ? 0 : block::kIsElsewhere));
  count(head, summary, parts);
  return {};
}

// A span that was carried may have come again since.
bool SealJob::may_have_duplicates() {
  span_ids_.clear();
  for (const uint32_t row : rows_) span_ids_.push_back(spans_.span_id[row].value);
  std::ranges::sort(span_ids_);
  return std::ranges::adjacent_find(span_ids_) != span_ids_.end();
}

// Leaves in rows_ what neither the blocks nor earlier rows have.
void SealJob::leave_out_known(std::span<const Part> parts) {
  if (joined_.span_count() > kJoinedRowsMax) {
    joined_edges_.reset();
    joined_ = model::SpanBatch();
  }
  merger_.start(joined_);
  for (const Part& part : parts) {
    known_rows_.clear();
    for (uint32_t i = 0; i < part.place.row_count; ++i) known_rows_.push_back(part.first_row + i);
    merger_.add(known_, known_rows_);
  }
  // Of the last trace of a run, which may be a giant, nothing is asked any more.
  if (!parts.empty() && &parts.back() == &parts_.back()) known_ = model::SpanBatch();
  known_count_ = merger_.rows().size();
  size_t kept = 0;
  for (const uint32_t row : rows_) {
    const size_t before = merger_.rows().size();
    merger_.add(spans_, std::span(&row, 1));
    if (merger_.rows().size() > before) rows_[kept++] = row;
  }
  report_.duplicates += rows_.size() - kept;
  rows_.resize(kept);
}

bool SealJob::is_active(const HeadSlice& head, uint32_t last_row) const {
  return carry_from_ && last_row >= frozen_rows_ - frozen_rows_ / kCarryRowsDivisor && last_row < frozen_rows_ &&
         head.arrival(last_row) >= *carry_from_;
}

// False if there are too many already, or too little memory.
bool SealJob::carry(const HeadSlice& head, const model::TraceId& id, uint32_t carries) {
  Leftover& leftover = *change_.seals;
  if (leftover.traces.size() == kCarriedMax) return false;
  if (!carrier_) {
    if (!carrier_memory_.grow(TraceCopier::memory_bytes(head))) return false;
    leftover.head.head = std::make_shared<Head>();
    carrier_.emplace(*leftover.head.head, head);
  }
  carrier_->copy(rows_);
  const journal::Lsn first = head.origin(rows_.front()).lsn;
  const journal::Lsn last = head.origin(rows_.back()).lsn;
  leftover.traces.push_back({.carried = {.trace = id, .first_lsn = first}, .carries = carries});
  Generation& carried = leftover.head;
  if (carried.first_lsn == 0 || first < carried.first_lsn) carried.first_lsn = first;
  carried.last_lsn = std::max(carried.last_lsn, last);
  ++report_.carried_traces;
  return true;
}

Result<void> SealJob::lay_out(const model::TraceSummary& summary, uint8_t flags) {
  const uint64_t bytes = rows_.size() * kBytesPerRow + kBytesPerTrace;
  const bool full = laid_spans_ + rows_.size() > block::kBlockSpansMax;
  if (full || (!memory_.grow(bytes) && laid_spans_ >= kBlockSpansMin)) TRY(write_block());
  if (layout_ == nullptr) layout_ = std::make_unique<block::TraceLayout>(spans_);
  layout_->add(summary, rows_, flags);
  laid_spans_ += rows_.size();
  return {};
}

void SealJob::count(const HeadSlice& head, const model::TraceSummary& summary, std::span<const Part> parts) {
  for (size_t begin = 0; begin < rows_.size();) {
    const UnixNanos arrived = head.arrival(rows_[begin]);
    size_t end = begin;
    while (end < rows_.size() && head.arrival(rows_[end]) == arrived) ++end;
    red_.add(std::span(rows_).subspan(begin, end - begin), arrived);
    begin = end;
  }
  if (parts.empty()) {
    const model::TraceTree& tree = layout_->tree();
    return edges_.add_to(rollup_, {rows_, tree.parents(), tree.preorder(), summary.first_arrival}, rollup::Sign::Add);
  }
  if (!joined_edges_) joined_edges_.emplace(joined_);
  UnixNanos known_arrival = UINT64_MAX;
  for (const Part& part : parts) known_arrival = std::min(known_arrival, part.first_arrival);
  const std::span<const uint32_t> all = merger_.rows();
  count_edges(*joined_edges_, joined_, all, std::min(known_arrival, summary.first_arrival), rollup::Sign::Add);
  count_edges(*joined_edges_, joined_, all.first(known_count_), known_arrival, rollup::Sign::Remove);
}

void SealJob::count_edges(rollup::EdgeFinder& finder, const model::SpanBatch& spans, std::span<const uint32_t> rows,
                          UnixNanos first_arrival, rollup::Sign sign) {
  if (rows.empty()) return;
  links_.clear();
  for (const uint32_t row : rows) links_.push_back(model::link_of(spans, row));
  parents_.resize(rows.size());
  resolver_.resolve(links_, parents_);
  finder.add_to(rollup_, {rows, parents_, resolver_.topdown(), first_arrival}, sign);
  if (rows.size() > model::kGiantSpans) links_ = {};
}

Result<void> SealJob::write_block() {
  if (layout_ == nullptr) return {};
  BlockEntry entry{.id = tenant_.new_id(), .level = 0, .facts = {}};
  const std::string name = block_name(tenant_.name(), entry.id);
  const std::unique_ptr<object::Upload> upload = TRY(shelves_.objects.upload(name));
  UploadSink sink(*upload);
  block::Writer writer(sink, {});
  TRY(layout_->write(writer));
  entry.facts = TRY(writer.finish());
  TRY(upload->commit());
  written_.push_back(name);
  layout_.reset();
  laid_spans_ = 0;
  memory_.reset();
  report_.spans += entry.facts.span_count;
  report_.bytes += entry.facts.bytes;
  ++report_.blocks;
  change_.blocks.push_back(TRY(open_block(shelves_, tenant_.name(), entry)));
  change_.delta.added_blocks.push_back(std::move(entry));
  return {};
}

Result<void> SealJob::finish() {
  if (rollup_.minutes() || rollup_.overflowed()) {
    const RollupEntry entry{.id = tenant_.new_id()};
    written_.push_back(rollup_name(tenant_.name(), entry.id));
    TenantRollup put = TRY(put_rollup(shelves_, tenant_.name(), entry, rollup_));
    report_.bytes += put.entry.bytes;
    change_.delta.added_rollups.push_back(put.entry);
    change_.rollups.push_back(std::move(put));
  }
  SealState seal;
  seal.sealed_to = std::max(tenant_.frozen().last_lsn, sealed_to_);
  for (const CarriedTrace& trace : change_.seals->traces) seal.carried.push_back(trace.carried);
  change_.delta.seal = std::move(seal);
  return {};
}

// Best effort: what stays is an orphan.
void SealJob::throw_away() {
  change_.blocks.clear();
  for (const std::string& name : written_) {
    if (const Result<void> removed = shelves_.objects.remove(name); !removed.ok())
      log(LogLevel::Debug, "store: " + removed.error().what());
  }
}

}  // namespace clew::store
