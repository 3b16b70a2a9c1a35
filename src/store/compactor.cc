// SPDX-License-Identifier: Apache-2.0
//
// A merge of runs. Traces are copied, from the columns of the inputs' row groups, into one batch until it makes a row
// group.
//
// The runs are gone through once for each lane (trace_join.h). Lanes above 0 hold little, and most row groups are
// passed over after a look at their trace columns.
#include "store/compactor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "block/writer.h"
#include "store/object_bytes.h"
#include "store/trace_join.h"
#include "store/trace_run.h"

namespace clew::store {
namespace {

// What an input or the row group that is written takes at most, if nothing else is known: the content of a row group
// and what is not used of it.
constexpr uint64_t kRowGroupMemoryBytes = block::kRowGroupBytesMax + block::kRowGroupBytesMax / 4;
// For a first guess: content of a span in memory.
constexpr uint64_t kSpanBytesGuess = 600;
// Dictionaries and the like of the output, when inputs are chosen; more only shortens the output.
constexpr uint64_t kWriterBytesGuess = 16 << 20;
constexpr uint64_t kWriterBytesPerSpanGuess = 64;
// The reservation moves in steps of this size.
constexpr uint64_t kReserveStepBytes = 1 << 20;
class Merge {
 public:
  Merge(const CompactionJob& job, std::span<const CompactionInput> inputs, MemoryBudget& budget,
        const std::atomic<bool>& stop)
      : job_(job),
        inputs_(inputs),
        stop_(stop),
        memory_(budget, Share::Compaction),
        join_(inputs, job, stop),
        joined_(out_) {
    available_ =
        budget.limit(Share::Compaction) - std::min(budget.limit(Share::Compaction), budget.used(Share::Compaction));
  }

  Result<CompactionResult> run() {
    TRY(named(join_.find()));
    TRY(reserve());
    TRY(write_lane(0));
    for (uint32_t lane = 1; lane < join_.lane_count(); ++lane) TRY(write_lane(lane));
    TRY(finish_output());
    return commit();
  }

  std::optional<ObjectId> damaged() const { return damaged_; }

 private:
  struct Written {
    CompactionOutput to;
    block::BlockFacts facts;
  };

  Result<void> write_lane(uint32_t lane) {
    runs_.clear();
    for (uint32_t i = 0; i < inputs_.size(); ++i) {
      runs_.push_back(std::make_unique<BlockRun>(
          inputs_[i].block, [this, i, lane](const block::TraceRows& part) { return join_.select(part, i, lane); },
          out_));
    }
    // Lanes have traces in common.
    TRY(finish_output());
    std::optional<uint64_t> slice;
    while (!all_done()) {
      if (slice != lowest_slice()) {
        slice = lowest_slice();
        if (lane == 0) TRY(join_slice(*slice));
      }
      TRY(load(*slice));
      // Reading may have shown that there is nothing in the slice.
      if (TraceRun* const first = first_run(nullptr); first != nullptr) TRY(take(*first));
    }
    return write_group();
  }

  // The runs of this lane, the joined traces among them.
  template <class Visit>
  void for_each_run(Visit visit) {
    if (!joined_.done()) visit(static_cast<TraceRun&>(joined_));
    for (const auto& run : runs_)
      if (!run->done()) visit(static_cast<TraceRun&>(*run));
  }

  bool all_done() {
    bool done = true;
    for_each_run([&](TraceRun&) { done = false; });
    return done;
  }

  // Nothing of the slice has been read, and nothing of the one before is left but what is gathered.
  Result<void> join_slice(uint64_t slice) {
    joined_.clear();
    if (!join_.has(slice)) return {};
    TRY(write_group());
    TRY(reserve());
    const uint64_t bytes = std::min(kJoinBytesMax, available_ / 4);
    // Parts and the joined traces, for a moment at once.
    if (!memory_.grow(2 * bytes)) {
      TRY(finish_output());
      TRY(reserve());
      if (!memory_.grow(2 * bytes)) return no_room();
    }
    TRY(named(join_.join(slice, bytes, joined_)));
    return reserve();
  }

  uint64_t lowest_slice() {
    uint64_t slice = UINT64_MAX;
    for_each_run([&](TraceRun& run) { slice = std::min(slice, run.slice()); });
    return slice;
  }

  // Every run that has a trace of the slice shows it afterwards.
  Result<void> load(uint64_t slice) {
    for (size_t i = 0; i < runs_.size(); ++i) {
      BlockRun& run = *runs_[i];
      while (!run.done() && !run.loaded() && run.slice() <= slice) {
        if (stop_.load(std::memory_order_relaxed)) return Error(Code::Cancelled, "the compaction was stopped");
        TRY(named(run, run.load()));
        TRY(reserve());
      }
    }
    return {};
  }

  // The loaded run with the first trace, `other_than` aside; null if there is none.
  TraceRun* first_run(const TraceRun* other_than) {
    TraceRun* first = nullptr;
    for_each_run([&](TraceRun& run) {
      if (&run == other_than || !run.loaded()) return;
      if (first == nullptr || run.current().order < first->current().order) first = &run;
    });
    return first;
  }

  Result<void> take(TraceRun& run) {
    const TraceView& trace = run.current();
    if (trace.is_segment()) return pass_giant(run);
    const bool too_many_rows = out_.span_count() + trace.rows.size() > block::kRowGroupRowsMax;
    if (too_many_rows || group_slice_ != trace.order.slice) TRY(write_group());
    // How much it is shows when it is there. If it is too much, it is taken once more, for the next row group.
    if (!TRY(append(run))) {
      TRY(write_group());
      TRY(append(run));
    }
    run.next();
    return {};
  }

  // False: the row group would become too large.
  Result<bool> append(TraceRun& run) {
    const TraceView& trace = run.current();
    const auto first = static_cast<uint32_t>(out_.span_count());
    TRY(named(run, run.append()));
    const auto end = static_cast<uint32_t>(out_.span_count());
    const uint64_t bytes = block::content_bytes(out_, rows(first, end));
    if (!group_.empty() && group_bytes_ + bytes > block::kRowGroupBytesMax) return false;
    group_slice_ = trace.order.slice;
    group_bytes_ += bytes;
    group_.push_back({trace.summary, {}, {}, trace.first_position, trace.flags});
    group_ends_.resize(group_.size());
    group_ends_.back() = end;
    group_parents_.resize(first);
    group_parents_.insert(group_parents_.end(), trace.parents.begin(), trace.parents.end());
    return true;
  }

  // Numbers of rows of out_.
  std::span<const uint32_t> rows(uint32_t first, uint32_t end) {
    while (identity_.size() < end) identity_.push_back(static_cast<uint32_t>(identity_.size()));
    return std::span(identity_).subspan(first, end - first);
  }

  // Writes what append() has gathered.
  Result<void> write_group() {
    if (group_.empty()) return {};
    uint32_t first = 0;
    for (size_t i = 0; i < group_.size(); ++i) {
      group_[i].rows = rows(first, group_ends_[i]);
      group_[i].parents = std::span(group_parents_).subspan(first, group_ends_[i] - first);
      first = group_ends_[i];
    }
    if (!in_giant_) TRY(ensure_output(first));
    TRY(writer_->add_row_group(out_, group_));
    spans_out_ += first;
    group_.clear();
    group_bytes_ = 0;
    out_ = model::SpanBatch();
    joined_.forget();
    for (const auto& run : runs_) run->forget();
    return reserve();
  }

  // The segments of a giant, each as it is read. Nothing else is in their row groups.
  Result<void> pass_giant(TraceRun& run) {
    TRY(write_group());
    const model::TraceId id = run.current().summary.id;
    uint64_t position = 0;
    TRY(ensure_output(run.current().summary.span_count));
    in_giant_ = true;
    while (true) {
      const TraceView& trace = run.current();
      if (trace.summary.id != id || trace.first_position != position)
        return named(run, Error(Code::DataLoss, "the segments of a trace do not follow one another"));
      position += trace.rows.size();
      TRY(append(run));
      TRY(write_group());
      const bool is_last = trace.is_last_segment();
      run.next();
      if (is_last) break;
      while (!run.done() && !run.loaded()) {
        TRY(named(run, run.load()));
        TRY(reserve());
      }
      if (run.done()) return named(run, Error(Code::DataLoss, "a trace ends before its last segment"));
    }
    in_giant_ = false;
    return {};
  }

  // An output that has room for `spans` more.
  Result<void> ensure_output(uint64_t spans) {
    const bool full =
        writer_ && writer_->span_count() > 0 &&
        (writer_->span_count() + spans > job_.output_spans_max || writer_->bytes_written() >= job_.output_bytes_max);
    if (full) TRY(finish_output());
    if (writer_) return {};
    output_ = TRY(job_.new_output());
    sink_ = std::make_unique<UploadSink>(*output_.upload);
    writer_ = std::make_unique<block::Writer>(*sink_, block::WriterOptions{.zstd_level = kCompactionZstdLevel});
    return {};
  }

  Result<void> finish_output() {
    if (!writer_) return {};
    const block::BlockFacts facts = TRY(writer_->finish());
    writer_.reset();
    sink_.reset();
    written_.push_back({std::move(output_), facts});
    return {};
  }

  Result<CompactionResult> commit() {
    CompactionResult result;
    for (const CompactionInput& input : inputs_) {
      result.inputs.push_back(input.id);
      result.spans_in += input.block->facts().span_count;
      result.bytes_in += input.block->facts().bytes;
    }
    result.spans_out = spans_out_;
    result.duplicates = join_.duplicates();
    result.traces_joined = join_.traces_joined();
    result.traces_left_apart = join_.traces_left_apart();
    // Inputs are removed for what was written: better to fail than to lose spans.
    if (result.spans_in != result.spans_out + result.duplicates)
      return Error(Code::Internal, fmt::format("{} spans went into the compaction, {} and {} duplicates came out",
                                               result.spans_in, result.spans_out, result.duplicates));
    for (Written& output : written_) {
      TRY(output.to.upload->commit());
      result.bytes_out += output.facts.bytes;
      result.outputs.push_back({output.to.id, job_.level, std::move(output.facts)});
    }
    return result;
  }

  uint64_t held_bytes() const {
    uint64_t bytes = join_.memory_bytes() + joined_.memory_bytes() + out_.memory_bytes();
    for (const auto& run : runs_) bytes += run->memory_bytes();
    if (writer_) bytes += writer_->memory_bytes();
    return (bytes / kReserveStepBytes + 1) * kReserveStepBytes;
  }

  bool try_reserve() {
    const uint64_t bytes = held_bytes();
    memory_.shrink_to(bytes);
    return bytes <= memory_.bytes() || memory_.grow(bytes - memory_.bytes());
  }

  // Reserves what is held now. When that fails, the output is ended early, which gives back its tables.
  Result<void> reserve() {
    if (try_reserve()) return {};
    if (writer_ && writer_->span_count() > 0 && !in_giant_) {
      TRY(finish_output());
      if (try_reserve()) return {};
    }
    return no_room();
  }

  static Error no_room() {
    return {Code::ResourceExhausted, "the memory for compaction does not hold what these blocks need"};
  }

  // Of what `join_` reads; of what a run does.
  Result<void> named(Result<void> result) { return named_input(join_.reading(), std::move(result)); }
  Result<void> named(const TraceRun& run, Result<void> result) {
    if (result.ok()) return result;
    const auto at = std::ranges::find(runs_, &run, [](const auto& r) { return static_cast<const TraceRun*>(r.get()); });
    return named_input(static_cast<size_t>(at - runs_.begin()), std::move(result));
  }
  Result<void> named_input(size_t input, Result<void> result) {
    if (result.ok() || input >= inputs_.size()) return result;
    if (result.error().code() == Code::DataLoss) damaged_ = inputs_[input].id;
    return result.error().with(fmt::format("block {:016x}", inputs_[input].id));
  }

  const CompactionJob& job_;
  const std::span<const CompactionInput> inputs_;
  const std::atomic<bool>& stop_;
  uint64_t available_ = 0;
  Reservation memory_;
  TraceJoin join_;
  model::SpanBatch out_;  // the row group that is gathered: traces lie in it one behind the other
  JoinedRun joined_;
  std::vector<std::unique_ptr<BlockRun>> runs_;
  std::optional<ObjectId> damaged_;

  // The traces of out_ that are to be written.
  std::vector<block::TraceInput> group_;
  std::vector<uint32_t> group_ends_;  // by trace: the row behind its last
  std::vector<uint32_t> group_parents_;
  std::vector<uint32_t> identity_;  // 0, 1, 2 …
  uint64_t group_slice_ = 0;
  uint64_t group_bytes_ = 0;

  CompactionOutput output_;
  std::unique_ptr<UploadSink> sink_;
  std::unique_ptr<block::Writer> writer_;
  bool in_giant_ = false;  // its segments go to one output
  std::vector<Written> written_;
  uint64_t spans_out_ = 0;
};

}  // namespace

// Inputs are taken as if all of them were open at once.
size_t Compactor::inputs_that_fit(const CompactionJob& job) const {
  const auto row_group = [](uint64_t rows) { return std::min(kRowGroupMemoryBytes, rows * kSpanBytesGuess); };
  uint64_t bytes = 0;
  uint64_t spans = 0;
  size_t count = 0;
  for (const CompactionInput& input : job.inputs) {
    uint64_t rows = 0;
    for (const block::RowGroupFacts& group : input.block->row_groups())
      rows = std::max<uint64_t>(rows, group.row_count);
    bytes += row_group(rows);
    spans += input.block->facts().span_count;
    const uint64_t writer_bytes = std::min(kWriterBytesGuess, spans * kWriterBytesPerSpanGuess);
    if (bytes + row_group(spans) + writer_bytes > budget_.limit(Share::Compaction)) break;
    ++count;
  }
  return std::max<size_t>(count, std::min<size_t>(job.inputs.size(), 2));
}

Result<CompactionResult> Compactor::run(const CompactionJob& job) {
  CHECK(!job.inputs.empty() && job.inputs.size() <= kCompactionInputsMax);
  damaged_.reset();
  for (size_t count = inputs_that_fit(job);; count /= 2) {
    Merge merge(job, std::span(job.inputs).first(count), budget_, stop_);
    Result<CompactionResult> result = merge.run();
    damaged_ = merge.damaged();
    if (result.ok() || result.error().code() != Code::ResourceExhausted || count <= 2) return result;
  }
}

}  // namespace clew::store
