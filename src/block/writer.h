// SPDX-License-Identifier: Apache-2.0
//
// block::Writer writes a block, row group by row group, as docs/format/block.md has it. Its caller says which traces a
// row group holds and in which order; the writer chooses templates, columns, dictionaries and encodings from the spans.
//
//   Writer writer(sink, {});
//   for (…) TRY(writer.add_row_group(spans, traces));
//   const BlockFacts facts = TRY(writer.finish());
//
// Values are read where they lie: no row is copied. What grows with the block is kept in memory until finish():
// dictionaries (limits in schema.h), templates, and about 16 bytes a trace for its index; memory_bytes() tells.
//
// After an error the writer is spent and the sink's bytes are to be thrown away. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "block/byte_source.h"
#include "block/schema.h"
#include "model/span_batch.h"

namespace clew::block {

// A trace, or a segment of a giant one, as it is handed to the writer.
struct TraceInput {
  // Of the whole part that this block will hold; the same for every segment of a giant.
  model::TraceSummary summary;
  std::span<const uint32_t> rows;     // of the batch, in pre-order
  std::span<const uint32_t> parents;  // by row: position in the part (first_position counts), model::kRoot or kOrphan
  uint32_t first_position = 0;        // of rows[0] in the part
  uint8_t flags = 0;                  // kIsElsewhere
};

struct WriterOptions {
  int zstd_level = 1;
  // Off: every span's attributes are sorted by key before they make a shape, which loses their order. For measuring
  // what order costs; never on a product path.
  bool ordered_shapes = true;
  // Off: no filters over plain pages. For measuring.
  bool page_filters = true;
  // Lower than the format allows only in tests.
  uint32_t names_max = kNamesMax;
  uint32_t templates_max = kTemplatesMax;
  uint32_t shapes_max = kShapesMax;
  uint32_t attribute_columns_max = kAttributeColumnsMax;
  uint32_t dictionary_entries_max = kDictionaryEntriesMax;
  uint64_t dictionary_bytes_max = kDictionaryBytesMax;
};

class Writer {
 public:
  Writer(ByteSink& sink, const WriterOptions& options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // `traces` hold at most kRowGroupRowsMax rows. A segment of a giant has a row group of its own, and follows the
  // segment before it. Rows of the batch that share a number of its tables share it in the block.
  Result<void> add_row_group(const model::SpanBatch& spans, std::span<const TraceInput> traces);
  // Writes what belongs to the block as a whole. Nothing may follow.
  Result<BlockFacts> finish();

  uint64_t span_count() const;
  uint64_t bytes_written() const;
  uint64_t memory_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clew::block
