// SPDX-License-Identifier: Apache-2.0
//
// What a RowGroup holds: the pages that have been read, of the whole row group, or of the rows of one trace in it (a
// *part*). Of a part every column has only the values of these rows. Where they begin is known from what is counted
// before them: rows by template, events, links and their shapes, once for all columns.
//
// Only row_group*.cc include this. Threads: one.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "block/block.h"
#include "block/layout.h"
#include "block/opened.h"

namespace clew::block {

// A column's values, in the form that was asked for.
struct Values {
  bool read = false;
  bool coded = false;
  std::vector<uint32_t> narrow;
  std::vector<uint64_t> wide;
  TextValues texts;
  std::shared_ptr<const std::vector<uint32_t>> firsts;  // null: not asked for
  std::string filter;
};

// How often a template or shape stands in the rows of a part and in those before it.
struct Use {
  uint32_t kind = 0;
  uint64_t before = 0;
  uint64_t here = 0;
};

// What stands in a shape for an attribute in this column.
constexpr ColumnId in_shape(ColumnId id) { return id < kFirstAttribute ? kRareColumn : id; }

inline uint32_t count_in(std::span<const ColumnId> shape, ColumnId column) {
  return static_cast<uint32_t>(std::ranges::count(shape, column));
}

struct RowGroup::Pages {
  using Footer = Block::Footer;

  // Reads the directory.
  static Result<std::unique_ptr<Pages>> open(std::shared_ptr<const Block> block, uint32_t index);
  // From now on only the rows of the trace that begins at `row`; nothing has been read yet.
  Result<void> restrict_to_trace(uint32_t row);

  const std::shared_ptr<const Block> block;
  Footer& footer;
  const uint32_t index;
  const std::shared_ptr<const Directory> directory;
  const std::shared_ptr<const Tables> tables;
  // The rows at hand begin at first_row, with trace `first_trace`.
  bool is_part = false;
  uint32_t first_row = 0;
  uint32_t row_count = 0;
  uint32_t first_trace = 0;
  PageDecoder decoder;
  std::vector<std::unique_ptr<Values>> values;  // by column
  // Of all columns: many stand in the same rows, and share them.
  std::vector<std::shared_ptr<const std::vector<uint32_t>>> different_firsts;
  std::vector<TraceRows> traces;
  std::vector<uint32_t> trace_begins;  // row of each trace, and one more entry
  std::vector<uint64_t> ends;
  std::vector<uint64_t> parent_ids;
  std::vector<uint32_t> parents;
  // Of a part.
  std::vector<uint32_t> begins_before;  // row of each trace before it
  std::optional<uint64_t> events_before;
  std::optional<uint64_t> links_before;
  std::optional<std::vector<Use>> template_uses;
  std::optional<std::vector<Use>> event_shape_uses;
  std::optional<std::vector<Use>> link_shape_uses;

  Values& of(ColumnId id) {
    if (!values[id]) values[id] = std::make_unique<Values>();
    return *values[id];
  }
  Result<std::string> bytes(const Place& place, ColumnId id) {
    return footer.read(place, "column " + std::to_string(id) + " of row group " + std::to_string(index));
  }
  // A column's page and which of its values are those of the rows at hand; no page: so many zeros.
  struct Wanted {
    const PageEntry* entry;
    PageRange range;
    size_t count;
  };
  Result<Wanted> wanted(ColumnId id);
  // Values of the rows at hand.
  Result<uint64_t> count_of(Extent extent);
  Result<uint64_t> value_count(ColumnId id);
  Result<uint64_t> total_of(ColumnId id);

  // Of a part: values that lie before those of its rows.
  Result<uint64_t> count_before(ColumnId id);
  Result<uint64_t> children_before(Level level);
  Result<uint64_t> raw_parents_before();
  // The templates or shapes of its rows (events, links), and of those before them.
  Result<std::span<const Use>> uses(Level level);
  const std::vector<ColumnId>& shape_of(Level level, uint32_t kind) const {
    return tables->shapes[level == Level::Span ? tables->templates[kind].shape : kind];
  }
  // The first `count` values of the row group.
  template <class T>
  Result<std::vector<T>> first_of(ColumnId id, size_t count);

  Result<std::span<const uint32_t>> narrow(ColumnId id);
  Result<std::span<const uint64_t>> wide(ColumnId id);
  static Result<void> check_below(ColumnId id, std::span<const uint32_t> numbers, uint64_t limit);
  Result<void> check_narrow(ColumnId id, std::span<const uint32_t> numbers) const;
  Result<void> check_shapes(std::span<const uint32_t> shapes, Level level) const;
  Result<Values*> text(ColumnId id);
  Result<std::span<const uint32_t>> begins_of_traces();
  Result<void> restore_starts(std::vector<uint64_t>& starts);
  // Prefix sums of count(i), one more than `owners`, that end in `total`.
  template <class Count>
  Result<std::span<const uint32_t>> firsts(ColumnId id, size_t owners, uint64_t total, Count count);
  // Counts of `id` in the shapes that `shape_of` gives.
  template <class ShapeOf>
  Result<std::span<const uint32_t>> firsts_by_shape(ColumnId id, std::span<const uint32_t> owners, size_t kinds,
                                                    ShapeOf shape_of);

 private:
  Pages(std::shared_ptr<const Block> of, uint32_t number, std::shared_ptr<const Directory> pages,
        std::shared_ptr<const Tables> parts)
      : block(std::move(of)),
        footer(*block->footer_),
        index(number),
        directory(std::move(pages)),
        tables(std::move(parts)),
        row_count(footer.groups[number].row_count),
        values(footer.content.columns.size()) {}
};

}  // namespace clew::block
