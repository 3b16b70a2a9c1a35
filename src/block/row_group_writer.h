// SPDX-License-Identifier: Apache-2.0
//
// Writes the pages and the directory of one row group into memory: gathers the attribute values of its rows by column
// in one pass, then encodes column by column.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "block/catalogue.h"
#include "block/layout.h"
#include "block/page.h"
#include "block/text_pages.h"
#include "block/writer.h"

namespace clew::block {

class RowGroupWriter {
 public:
  explicit RowGroupWriter(const WriterOptions& options);

  // The bytes of the row group, which lie in this object until the next call. Fills what `entry` says of the rows, the
  // lengths, and the place of the directory as if the row group began at 0.
  Result<Bytes> write(const model::SpanBatch& spans, std::span<const TraceInput> traces, RowGroupEntry& entry);

  Catalogue& catalogue() { return catalogue_; }
  TextPages& texts() { return texts_; }
  PageEncoder& encoder() { return encoder_; }
  // What the footer says of each column; places of dictionaries aside.
  std::vector<ColumnEntry>& columns() { return columns_; }
  uint64_t memory_bytes() const;

 private:
  // Values of attributes in rare columns.
  struct Rare {
    std::vector<uint32_t> keys;
    std::vector<uint32_t> types;
    TextValues values;
  };

  void start(const model::SpanBatch& spans, std::span<const TraceInput> traces);
  void choose_columns();
  void gather();
  void gather_list(Level level, const LocalShape& shape, uint32_t first_slot, bool all_rare);
  void add_rare(Level level, model::KeyType key, uint64_t slot);

  void write_traces(std::span<const TraceInput> traces);
  void write_rows();
  void write_starts();
  void write_parents(std::span<const TraceInput> traces);
  void write_events();
  void write_links();
  Result<void> write_texts();
  Result<void> write_rare();
  Result<void> write_attributes();

  // One page of numbers; nothing if all are 0.
  template <class Get>
  void narrow(ColumnId column, size_t count, Get get);
  template <class Get>
  void wide(ColumnId column, size_t count, Get get);
  Result<void> text(ColumnId column, const model::InternTable& table, std::span<const uint32_t> ids);
  template <class Get>
  Result<void> text(ColumnId column, size_t count, Get get);
  void numbers(ColumnId column, std::span<const uint64_t> values);
  void text_page(ColumnId column, size_t count, const TextPages::Made& made, size_t begin);
  void finish_page(ColumnId column, size_t count, size_t begin, uint8_t flags, Zone zone = {});

  PageEncoder encoder_;
  Catalogue catalogue_;
  TextPages texts_;
  std::vector<ColumnEntry> columns_;

  // Of the row group at hand.
  const model::SpanBatch* spans_ = nullptr;
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> events_;
  std::vector<uint32_t> links_;
  std::array<std::vector<uint32_t>, 3> local_shapes_;  // by row, event, link
  std::vector<uint32_t> templates_;
  std::vector<uint32_t> spilled_names_;
  std::vector<uint32_t> deltas_;  // kParentDelta
  std::vector<uint32_t> trace_begins_;
  std::vector<std::vector<uint64_t>> values_;  // by attribute column
  std::array<Rare, 3> rare_;
  std::vector<uint32_t> narrow_;
  std::vector<uint64_t> wide_;
  std::string bytes_;
  Directory directory_;
};

}  // namespace clew::block
