// SPDX-License-Identifier: Apache-2.0
//
// BlockView reads a block for the evaluator: one row group at a time, or all row groups of one giant trace. Fields are
// bound once per block. What they mean is written in eval/batch_view.h; here they are read from columns:
//
//   BlockView view(block, tables);
//   Evaluator evaluator = TRY(Evaluator::bind(query, view));
//   view.move_to(group);            // rows are numbers in this row group from now on
//   evaluator.run(traces, matches);
//   if (view.error()) …             // what was read is worth nothing
//
// A page is read when a field asks for it. Of a giant's row groups few are held: those of the rows that were read last
// and of those before, so that the texts of two columns of the same rows live side by side. A column whose rows lie in
// more row groups than that overflows. Strings are codes where the block's tables have them (names of templates,
// resources, scopes), and texts where a column has them: one text may lie in several dictionaries.
// ColumnView has no errors: the first one is kept until the next move, and values are nil from then on.
//
// Threads: one. Lifetime: texts live until the next move; a giant's until rows of two other places have been read.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "block/block.h"
#include "eval/batch_view.h"
#include "eval/column_view.h"

namespace clew::scan {

// The values of one column in one row group, as far as they have been asked for.
struct PageValues {
  std::span<const uint32_t> first;  // by row (event, link): its first value; one more at the end
  std::span<const uint64_t> ints;
  std::span<const uint32_t> codes;
  const block::Dictionary* dictionary = nullptr;
  const block::TextValues* texts = nullptr;

  std::string_view text(uint32_t value) const {
    return texts != nullptr ? (*texts)[value] : (*dictionary)[codes[value]];
  }
};

class BlockView final : public eval::ColumnView {
 public:
  BlockView(std::shared_ptr<const block::Block> block, std::shared_ptr<const block::Tables> tables);

  // `group` must outlive its use here.
  void move_to(block::RowGroup& group);
  // The rows of a giant trace, counted through its row groups, which are `count` from `first` on.
  void move_to_giant(uint32_t first, uint32_t count);
  const std::optional<Error>& error() const { return error_; }

  eval::FieldId bind(const query::Attribute& attribute) override;
  eval::FieldId bind(query::Intrinsic intrinsic) override;
  eval::FieldFacts facts(eval::FieldId field) override;
  void read(eval::FieldId field, std::span<const uint32_t> rows, eval::ValueColumn& out) override;
  void read_links(std::span<const uint32_t> rows, std::span<model::SpanLink> out) override;
  void read_starts(std::span<const uint32_t> rows, std::span<model::SpanLink> out) override;
  bool knows_trees() const override { return true; }
  void read_tree(std::span<const uint32_t> rows, std::span<uint32_t> parents, std::span<uint32_t> preorder) override;
  std::optional<eval::StringCode> code(std::string_view text) const override {
    return tables_->batch.strings.find(text);
  }
  std::string_view text(eval::StringCode code) const override { return tables_->batch.strings.at(code); }

 private:
  // Where the key stands in a shape.
  enum class Place : uint8_t { Absent, Column, Several };
  struct ShapePlace {
    Place place = Place::Absent;
    uint8_t column = 0;  // in Field::columns
  };
  struct FieldColumn {
    block::ColumnId id;
    model::ValueType type;
    std::shared_ptr<const block::Dictionary> dictionary;
  };
  struct Field {
    std::optional<query::Intrinsic> intrinsic;
    query::Scope scope = query::Scope::Any;
    std::string key;
    std::vector<FieldColumn> columns;  // of the key at the scope's level
    std::vector<ShapePlace> shapes;    // by shape
    bool may_be_rare = false;
    bool may_be_text = false;
    eval::FieldId of_owner = 0;  // in owners_: a resource's or scope's attribute
    bool owner_may_have_it = false;
  };
  // Rows [first_row, first_row + row_count) are those of a row group.
  struct Segment {
    uint32_t first_row = 0;
    uint32_t row_count = 0;
    uint32_t index = 0;
    std::optional<block::RowGroup> loaded;
    block::RowGroup* group = nullptr;
    std::unordered_map<block::ColumnId, PageValues> pages;
  };
  // Row groups whose texts one column may have.
  static constexpr size_t kSegmentsPerRead = 2;
  // A run of the rows that are read which lie in one segment.
  struct Run {
    Segment& segment;
    std::span<const uint32_t> rows;
    size_t at;  // of the first in the column that is read
    uint32_t row(size_t i) const { return rows[i] - segment.first_row; }
  };

  template <class T>
  T checked(Result<T> result) {
    if (result.ok()) return std::move(*result);
    if (!error_) error_ = result.error();
    return T();
  }
  void find_columns(Field& field, block::Level level);
  template <class Visit>
  void for_each_run(std::span<const uint32_t> rows, Visit visit);
  void forget();
  bool hold(std::span<const uint32_t> rows);
  block::RowGroup* load(Segment& segment);
  template <class Visit>
  void sweep(std::span<const uint32_t> rows, Visit visit);
  const block::Dictionary* dictionary(block::ColumnId id);
  const PageValues* values(Segment& segment, block::ColumnId id, bool text, block::Level level);
  const PageValues* values(Segment& segment, const Field& field, const FieldColumn& column);
  block::Level level_of(const Field& field) const;

  void read_intrinsic(query::Intrinsic intrinsic, const Run& run, eval::ValueColumn& out);
  void read_name(const Run& run, eval::ValueColumn& out);
  void read_trace_id(const Run& run, eval::ValueColumn& out);
  void read_owned(const Field& field, const Run& run, eval::ValueColumn& out);
  void read_span(const Field& field, const Run& run, eval::ValueColumn& out);
  void read_children(const Field& field, const Run& run, eval::ValueColumn& out);
  eval::Value value_of(const FieldColumn& column, const PageValues& page, uint32_t at, eval::ValueColumn& out) const;
  void append_groups(const Field& field, Segment& segment, uint32_t owner, uint32_t shape, eval::ValueColumn& out);
  void append_rare(const Field& field, Segment& segment, uint32_t owner, uint32_t shape, eval::ValueColumn& out);

  const std::shared_ptr<const block::Block> block_;
  const std::shared_ptr<const block::Tables> tables_;
  eval::BatchView owners_;  // resources and scopes
  std::vector<Field> fields_;
  std::vector<uint32_t> rare_in_shape_;  // by shape: attributes in the rare columns
  std::unordered_map<block::ColumnId, std::shared_ptr<const block::Dictionary>> dictionaries_;
  std::deque<Segment> segments_;
  // Of a giant: those whose rows were read last, and before.
  std::vector<Segment*> held_;
  std::vector<Segment*> held_before_;
  // The row group that was swept last, if it is not held.
  std::optional<block::RowGroup> swept_;
  uint32_t swept_index_ = 0;
  std::optional<Error> error_;
  std::vector<uint32_t> owners_asked_;
  eval::ValueColumn owner_values_;
};

}  // namespace clew::scan
