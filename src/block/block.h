// SPDX-License-Identifier: Apache-2.0
//
// block::Block reads a block. Opening reads its footer; tables, dictionaries, pages of the trace index and filters are
// read when they are first asked for and kept in a Cache of bounded size. A RowGroup decodes the pages that its user
// asks for and keeps them as long as it lives.
//
//   const std::shared_ptr<const Block> block = TRY(Block::open(source, cache));
//   RowGroup group = TRY(block->row_group(0));
//   const std::span<const uint32_t> templates = TRY(group.rows(kTemplate));
//
// Every byte that is read is checked against its checksum before it is believed: what is damaged is DataLoss, with the
// place. A block that needs a feature which this program does not have is FailedPrecondition.
// Threads: Block any; RowGroup and RowCopier belong to one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "block/byte_source.h"
#include "block/cache.h"
#include "block/page.h"
#include "block/schema.h"
#include "model/span_batch.h"

namespace clew::block {

// The distinct texts of a column, those of its plain pages aside.
class Dictionary {
 public:
  using Code = uint32_t;
  size_t size() const { return texts_.size(); }
  std::string_view operator[](Code code) const { return texts_[code]; }
  std::optional<Code> find(std::string_view text) const;
  uint64_t memory_bytes() const;

 private:
  friend class Block;
  TextValues texts_;
  std::vector<Code> slots_;  // open addressing
};

// What the footer knows of a column. For the fixed columns `column` has an empty key.
struct ColumnFacts {
  Column column;
  bool text = false;
  uint64_t value_count = 0;
  uint64_t plain_value_count = 0;  // in pages that do not use the dictionary
  uint32_t dictionary_size = 0;
  uint64_t dictionary_bytes = 0;
  uint64_t page_bytes = 0;  // all pages of it
};

// A range of numbers. Of Int: as int64; of Double: as the bits of doubles, NaN left out.
struct Zone {
  uint64_t min = 0;
  uint64_t max = 0;
};

// Where a block has a trace.
struct TracePlace {
  uint32_t row_group = 0;
  uint32_t first_row = 0;  // in the row group
  uint32_t row_count = 0;  // of the whole part; beyond the row group's end it goes on at the start of the next
  uint8_t flags = 0;
};

class RowGroup;

class Block : public std::enable_shared_from_this<Block> {
 public:
  // `cache` must outlive the block. Reads the footer with one suffix read where it is small.
  static Result<std::shared_ptr<const Block>> open(std::shared_ptr<const ByteSource> source, Cache& cache);
  ~Block();

  const BlockFacts& facts() const;
  std::span<const RowGroupFacts> row_groups() const;
  // Number of columns, fixed ones and gaps among them counted; ColumnIds are below it.
  ColumnId column_count() const;
  const ColumnFacts& column(ColumnId id) const;
  // The columns of a key, one for each type of value.
  std::vector<ColumnId> find_columns(Level level, std::string_view key) const;
  // Some span, event or link of it has attributes in the rare columns.
  bool has_rare(Level level) const;

  Result<std::shared_ptr<const Tables>> tables() const;
  // Empty for a column without one.
  Result<std::shared_ptr<const Dictionary>> dictionary(ColumnId id) const;

  // False: certainly not. Costs a look into a filter that stays in memory.
  bool may_hold(const model::TraceId& id) const;
  Result<std::optional<TracePlace>> find(const model::TraceId& id) const;
  // The traces with kIsElsewhere, ascending by id.
  Result<std::shared_ptr<const std::vector<model::TraceId>>> elsewhere() const;
  // All ids, ascending: calls visit for each run until it returns false. Reads the ids of all row groups, once for each
  // million traces, and holds at most two million.
  Result<void> for_each_trace_id(const std::function<bool(std::span<const model::TraceId>)>& visit) const;

  Result<RowGroup> row_group(uint32_t index) const;
  // The rows of the trace that begins at `first_row` of the row group, as a row group that has no others: rows are
  // counted from there. Of other rows only what lies before them in the pages is decoded, where it has to be.
  // DataLoss: no trace begins there.
  Result<RowGroup> rows_of_trace(uint32_t row_group, uint32_t first_row) const;

  // Bytes that this process has read of the block so far.
  uint64_t bytes_read() const;
  // Reads every byte and checks every checksum; the damage, one line each; empty if it is whole.
  std::vector<std::string> verify() const;

 private:
  friend class RowGroup;
  struct Footer;
  Block();
  // Where the trace with this number lies, if its id is `id`.
  Result<std::optional<TracePlace>> place_of(uint32_t trace, const model::TraceId& id) const;
  std::unique_ptr<Footer> footer_;
};

class RowGroup {
 public:
  RowGroup(RowGroup&&) noexcept;
  RowGroup& operator=(RowGroup&&) noexcept;
  ~RowGroup();

  // What is known without reading a page is of the whole row group, also where this is one trace of it: facts(), has(),
  // value_count(), zone(), may_hold_plain(), is_coded().
  const RowGroupFacts& facts() const;
  uint32_t row_count() const;
  Result<std::span<const TraceRows>> traces();

  // Has the column values here? A fixed column of numbers that are all 0 has none, and reads as zeros.
  bool has(ColumnId id) const;
  uint64_t value_count(ColumnId id) const;
  // Of a column of Int or Double; of kDuration as uint64.
  std::optional<Zone> zone(ColumnId id) const;
  // False: no plain value of the text column here has this hash (filter.h). Values in its dictionary are not asked.
  Result<bool> may_hold_plain(ColumnId id, uint64_t hash);

  // Fixed columns of numbers below 2^32, one value a row (event, link, trace): kTemplate, kResource, counts, shapes …
  Result<std::span<const uint32_t>> rows(FixedColumn column);
  // Columns of numbers: the dense values. kStart, kDuration, ids and all of the above; Bool, Int and Double attributes.
  Result<std::span<const uint64_t>> ints(ColumnId id);
  // Columns of text, the dense values: codes of the dictionary where coded(), plain texts where not.
  bool is_coded(ColumnId id) const;
  Result<std::span<const uint32_t>> codes(ColumnId id);
  Result<const TextValues*> texts(ColumnId id);

  // By row: the index of its first value in a span-level attribute column, rare ones included, or in kName; one more
  // entry at the end. A row has none where its entry equals the next.
  Result<std::span<const uint32_t>> first_values(ColumnId id);
  // By event or link.
  Result<std::span<const uint32_t>> first_child_values(ColumnId id);
  // By row: the index of its first event, link; one more entry at the end.
  Result<std::span<const uint32_t>> first_events();
  Result<std::span<const uint32_t>> first_links();

  // By row, from kStart and kDuration, and the two parent columns.
  Result<std::span<const uint64_t>> ends();
  Result<std::span<const uint64_t>> parent_ids();
  // By row: the parent's position in the part of the trace, model::kRoot or model::kOrphan.
  Result<std::span<const uint32_t>> parents();

  // What has been decoded so far.
  uint64_t memory_bytes() const;

 private:
  friend class Block;
  struct Pages;
  explicit RowGroup(std::unique_ptr<Pages> pages);
  std::unique_ptr<Pages> pages_;
};

// Copies rows of row groups of one block into a batch. What is translated once (strings, shapes, resources) is kept for
// the next row, so that a row costs no hashing of texts that lie in dictionaries.
class RowCopier {
 public:
  enum class Texts : uint8_t {
    Interned,
    // Where the block found a column's texts to be all different, they are not looked for in the batch's tables
    // (InternTable::add_unseen): for who only writes the batch into a block.
    AsTheyCome
  };

  // `out` is appended to by this copier alone, as long as the copier lives; other copiers may besides.
  RowCopier(std::shared_ptr<const Block> block, model::SpanBatch& out, Texts texts = Texts::Interned);
  ~RowCopier();
  // Rows in any order. Decodes only the columns that their templates name.
  Result<void> append(RowGroup& group, std::span<const uint32_t> rows);

  // The same in two steps, for who appends a row group piece by piece: decodes what `rows` of it need;
  Result<void> start(RowGroup& group, std::span<const uint32_t> rows);
  // appends some of those. The row group is still where it was.
  Result<void> append_started(std::span<const uint32_t> rows);
  // `out` was replaced by an empty one.
  void forget();
  uint64_t memory_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clew::block
