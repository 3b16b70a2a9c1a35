// SPDX-License-Identifier: Apache-2.0
//
// store::SealJob writes the frozen head of a tenant into blocks and a roll-up and makes them count, in one step of the
// manifest. It is made for one seal.
//
// Each trace is looked up in the blocks that count. Where one has it, the spans that lie there already are left out,
// and the new part is marked (kIsElsewhere). A trace that had a span just now is likely to get more: it is carried over
// into a small head, instead of becoming a trace in two parts, kSealsMax times at most.
//
// The roll-up counts what is new: each span written, and the edges of each trace as it now is less those that it had.
//
// Memory, from Share::Seal: 8 bytes a span and 120 a trace of what goes into one block, 4 bytes a text of the head for
// carrying over, the writer's tables, and the parts that lie in blocks, kKnownRowsMax at a time. Where that is too
// much, blocks become smaller, and nothing is carried over. Threads: one. After an error nothing was written, and the
// frozen head is as it was.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/memory_budget.h"
#include "block/row_order.h"
#include "model/identity.h"
#include "rollup/edges.h"
#include "rollup/red_writer.h"
#include "rollup/rollup.h"
#include "store/stored_blocks.h"
#include "store/tenant.h"

namespace clew::store {

// Times that a trace is carried over.
constexpr uint32_t kCarriesMax = 2;
// Of the frozen head's rows, the part at the end whose traces may be carried over: however fast spans come, most of a
// head goes into a block.
constexpr uint32_t kCarryRowsDivisor = 4;
// Rows of blocks that are held at once to find duplicates; one trace may exceed it.
constexpr uint64_t kKnownRowsMax = 200'000;

struct SealReport {
  uint64_t spans = 0;  // written
  uint64_t bytes = 0;
  uint64_t blocks = 0;
  uint64_t duplicates = 0;     // left out
  uint64_t shared_traces = 0;  // of which blocks had parts
  uint64_t carried_traces = 0;
  // Blocks in which something could not be read; they were passed over.
  std::vector<ObjectId> damaged;
};

class SealJob {
 public:
  // All must outlive the job. The tenant has a frozen head. Traces with a span that came at `carry_from` or later are
  // carried over.
  SealJob(Tenant& tenant, const Shelves& shelves, MemoryBudget& budget, std::optional<UnixNanos> carry_from,
          uint64_t now_nanos);

  Result<SealReport> run();

 private:
  // A part of a trace in a block.
  struct Part {
    uint32_t trace;
    uint32_t block;  // in state_->blocks
    block::TracePlace place;
    uint32_t first_row = 0;  // in known_
    UnixNanos first_arrival = 0;
  };

  Result<void> seal_all(const HeadSlice& head, uint32_t trace_count);
  Result<uint32_t> find_parts(const HeadSlice& head, uint32_t first, uint32_t end);
  Result<void> load_parts();
  Result<void> load_from(const TenantBlock& block, std::span<Part> parts);
  Result<void> pass_over(const TenantBlock& block, const Error& error);
  Result<void> take_trace(const HeadSlice& head, uint32_t trace, std::span<const Part> parts);
  bool may_have_duplicates();
  void leave_out_known(std::span<const Part> parts);
  bool is_active(const HeadSlice& head, uint32_t last_row) const;
  bool carry(const HeadSlice& head, const model::TraceId& id, uint32_t carries);
  Result<void> lay_out(const model::TraceSummary& summary, uint8_t flags);
  void count(const HeadSlice& head, const model::TraceSummary& summary, std::span<const Part> parts);
  void count_edges(rollup::EdgeFinder& finder, const model::SpanBatch& spans, std::span<const uint32_t> rows,
                   UnixNanos first_arrival, rollup::Sign sign);
  Result<void> write_block();
  Result<void> finish();
  void throw_away();

  Tenant& tenant_;
  const Shelves& shelves_;
  const std::optional<UnixNanos> carry_from_;
  const std::shared_ptr<const TenantState> state_;
  const model::SpanBatch& spans_;  // of the frozen head
  const uint32_t frozen_rows_;     // those behind came from the carried head
  // Carried over by the seal before. By id here, since no head's lock may be asked for while another's is held.
  std::unordered_map<model::TraceId, const CarriedTrace*> carried_;
  journal::Lsn sealed_to_ = 0;  // by the seals before
  Reservation memory_;
  // To the head of what is carried over, and its memory.
  std::optional<TraceCopier> carrier_;
  Reservation carrier_memory_;

  // What blocks have of the traces at hand.
  std::vector<Part> parts_;  // by trace
  model::SpanBatch known_;

  // The trace at hand.
  std::vector<uint32_t> rows_;
  std::vector<std::pair<journal::Lsn, uint32_t>> came_;  // rows_ by when they came
  std::vector<uint64_t> span_ids_;
  std::vector<uint32_t> known_rows_;
  model::SpanBatch joined_;  // its parts, joined: those in blocks first
  model::TraceMerger merger_;
  size_t known_count_ = 0;  // spans of those in blocks

  std::unique_ptr<block::TraceLayout> layout_;
  uint64_t laid_spans_ = 0;
  rollup::Rollup rollup_;
  rollup::RedWriter red_;
  rollup::EdgeFinder edges_;
  std::optional<rollup::EdgeFinder> joined_edges_;
  model::ParentResolver resolver_;
  std::vector<model::SpanLink> links_;
  std::vector<uint32_t> parents_;

  Change change_;
  std::vector<std::string> written_;  // names of objects
  SealReport report_;
};

}  // namespace clew::store
