// SPDX-License-Identifier: Apache-2.0
//
// TraceView reads the spans of one trace for the evaluator from the parts in which they lie: a BlockView for each part
// in a block, a BatchView for each in a head. Rows are indices in TraceSkeleton::places, in that order, so that a query
// goes through each part from its begin to its end; the skeleton tells the tree.
//
// Each part has codes of its own. Here a string of a resource or scope is a code of this view, as others rely on (see
// ColumnView::read), every other string a text. Pages are held for few parts at a time, as in block_view.h.
//
// Threads: one. Lifetime: parts and skeleton must outlive the view; texts live until two more places have been read.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/batch_view.h"
#include "eval/column_view.h"
#include "model/intern_table.h"
#include "scan/block_view.h"
#include "scan/trace_parts.h"
#include "scan/trace_skeleton.h"

namespace clew::scan {

class TraceView final : public eval::ColumnView {
 public:
  // Reads the tables of blocks.
  static Result<std::unique_ptr<TraceView>> open(const PlacedParts& parts, const TraceSkeleton& skeleton);

  // What could not be read; what was read is worth nothing then.
  std::optional<Error> error() const;

  eval::FieldId bind(const query::Attribute& attribute) override;
  eval::FieldId bind(query::Intrinsic intrinsic) override;
  eval::FieldFacts facts(eval::FieldId field) override;
  void read(eval::FieldId field, std::span<const uint32_t> rows, eval::ValueColumn& out) override;
  void read_links(std::span<const uint32_t> rows, std::span<model::SpanLink> out) override;
  bool knows_trees() const override { return true; }
  void read_tree(std::span<const uint32_t> rows, std::span<uint32_t> parents, std::span<uint32_t> preorder) override;
  std::optional<eval::StringCode> code(std::string_view text) const override { return strings_.intern(text); }
  std::string_view text(eval::StringCode code) const override { return strings_.at(code); }

 private:
  struct Part {
    std::unique_ptr<BlockView> block;
    std::unique_ptr<eval::BatchView> head;
    uint32_t first_row_group = 0;
    uint32_t row_group_count = 0;
    uint32_t first_row = 0;  // of the first place, as the part's view counts

    eval::ColumnView& view() const { return block ? static_cast<eval::ColumnView&>(*block) : *head; }
  };
  struct Field {
    std::optional<query::Intrinsic> intrinsic;
    query::Scope scope = query::Scope::Any;
    std::string key;
    std::vector<eval::FieldId> ids;  // by part

    bool is_of_owner() const {
      return !intrinsic && (scope == query::Scope::Resource || scope == query::Scope::Instrumentation);
    }
  };

  TraceView(const PlacedParts& parts, const TraceSkeleton& skeleton) : placed_(parts), skeleton_(skeleton) {}

  Result<void> add_part(const PlacedParts::Part& placed);
  size_t part_of(uint32_t row) const;
  template <class Visit>
  void for_each_run(std::span<const uint32_t> rows, Visit visit);
  bool hold(std::span<const uint32_t> rows);
  eval::Value translate(const Part& part, const Field& field, eval::Value value, eval::ValueColumn& out);
  void take(const Part& part, const Field& field, size_t at, size_t count, eval::ValueColumn& out);

  const PlacedParts& placed_;
  const TraceSkeleton& skeleton_;
  std::vector<Part> parts_;
  std::vector<Field> fields_;
  // Of resources and scopes, and the query's own: a text that is asked for must have the code that a later read gives.
  mutable model::InternTable strings_;
  std::vector<size_t> held_;
  std::vector<size_t> held_before_;
  std::vector<uint32_t> rows_;
  eval::ValueColumn values_;
};

}  // namespace clew::scan
