// SPDX-License-Identifier: Apache-2.0
//
// RowAppender is SpanBatch::append_rows for who comes again and again with rows of one batch: what was translated once
// is remembered, so that a row costs no hashing of texts that came before. Compaction takes row groups apart with it.
//
// Memory: 4 bytes for each entry of the tables of `from`, which must not grow meanwhile. Both batches must outlive the
// appender; others may append to `to` as well. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "model/span_batch.h"

namespace clew::model {

class Appender;

class RowAppender {
 public:
  RowAppender(SpanBatch& to, const SpanBatch& from);
  ~RowAppender();
  void append(std::span<const uint32_t> rows);
  // Of an appender from this batch.
  static uint64_t memory_bytes(const SpanBatch& from);

 private:
  std::unique_ptr<Appender> appender_;
};

}  // namespace clew::model
