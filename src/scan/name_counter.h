// SPDX-License-Identifier: Apache-2.0
//
// NameCounter counts the spans that have an attribute, by scope, name and type. Spans with the same lists of attributes
// (shapes, resources, scopes) are counted together, so that a span costs a look at a few numbers; only where a list
// holds rare attributes, or the events of a span have several shapes, a span is counted alone.
//
// Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "model/intern_table.h"
#include "scan/attributes.h"
#include "scan/block_rows.h"

namespace clew::scan {

class NameCounter {
 public:
  NameCounter(const AttributeOptions& options, MemoryBudget& budget);

  // DataLoss: what was read is damaged; what was counted before stays.
  Result<void> add(const BlockRows& rows);
  void add(const model::SpanBatch& spans, std::span<const uint32_t> rows);

  // Names were left out, for their number or the memory.
  bool is_full() const { return full_; }
  // Fills the names and counts of spans.
  void move_to(AttributeNames& names);

 private:
  // The name's number and type of each attribute of a list, ascending, each once.
  using List = std::vector<std::pair<uint32_t, model::ValueType>>;
  struct Count {
    uint64_t spans = 0;
    std::array<uint64_t, model::kValueTypeCount> of_type{};
  };

  bool counts(query::Scope scope) const { return options_.scope == query::Scope::Any || options_.scope == scope; }
  void append(std::string_view key, model::ValueType type);
  void append(const model::SpanBatch& batch, model::ShapeId shape);
  // Without rare ones.
  void append_columns(const BlockRows& rows, uint32_t shape);
  // Counts list_ for that many spans, and clears it.
  void count(query::Scope scope, uint64_t spans);

  Result<void> add_attributes(const BlockRows& rows, block::Level level);
  Result<void> add_owners(const BlockRows& rows);
  void add_children(const model::SpanBatch& spans, std::span<const uint32_t> rows, query::Scope scope);

  const AttributeOptions& options_;
  Reservation memory_;
  bool full_ = false;
  model::InternTable names_;
  std::array<std::vector<Count>, 6> counts_;  // by query::Scope, then by the name's number
  AttributeNames totals_;
  List list_;
  Tally shapes_;
  Tally owners_;
};

}  // namespace clew::scan
