// SPDX-License-Identifier: Apache-2.0
//
// When are two spans one? A retried request, a request that was forwarded twice, a part of a trace that came late and
// holds what was there: the same span arrives again. Its identity is (trace id, span id, half); half is {server,
// consumer} against all other kinds, since Zipkin's clients and servers share an id (is_server_half). Its content is
// all of the span, its resource and scope with their schema URLs: door and time of arrival are no part of it.
//
//   equal identity, equal content      a duplicate: one of them is kept
//   equal identity, other content      both are kept
//
// Content compares by texts, never by the numbers of a batch's tables, so rows of different batches can be compared.
// The order of attributes counts; doubles compare by their bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/span_batch.h"
#include "model/trace_tree.h"

namespace clew::model {

bool same_content(const SpanBatch& a, uint32_t row_a, const SpanBatch& b, uint32_t row_b);

// Equal for spans of equal content, in whatever batch they lie.
uint64_t content_hash(const SpanBatch& spans, uint32_t row);

// Joins the parts of one trace and leaves duplicates out, also those within a part. Memory is kept from trace to trace.
class TraceMerger {
 public:
  // Memory that the merger may hold per span, the batch aside.
  static constexpr uint64_t kBytesPerSpan = 96;

  // The batch that receives the spans, which are appended: one that has only ever been appended to. Must outlive the
  // merger's use.
  void start(SpanBatch& into);
  // Appends those spans of `part` that are not there yet, in their order. Rows of one trace only; `part` is another
  // batch than the one that receives.
  void add(const SpanBatch& part, std::span<const uint32_t> rows);
  // Rows of `into` that hold the trace, in the order in which they came.
  std::span<const uint32_t> rows() const { return rows_; }
  uint64_t duplicates() const { return duplicates_; }  // left out since start()
  // Spans since start() that were kept although one of the same identity was there.
  uint64_t conflicts() const { return conflicts_; }

 private:
  // Open addressing with linear probing; kNoSpan is a free slot. Keys may repeat.
  class Table {
   public:
    void clear();
    // The row of the first slot from `probe` on that has the key, or a free one that is given the key.
    uint32_t& at(uint64_t key, size_t& probe);
    // A free slot was filled.
    void took_one();

   private:
    struct Slot {
      uint64_t key = 0;
      uint32_t row = kNoSpan;
    };
    std::vector<Slot> slots_;
    size_t used_ = 0;
  };

  bool is_same(const SpanBatch& part, uint32_t row, uint32_t known) const;
  bool is_new(const SpanBatch& part, uint32_t row);

  SpanBatch* into_ = nullptr;
  Table firsts_[2];  // of each half: the first row of each span id
  Table others_;     // by content: rows that differ from the first of their identity
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> fresh_;  // rows of the part that will be appended
  uint32_t first_fresh_ = 0;     // the row that the first of them gets
  uint64_t duplicates_ = 0;
  uint64_t conflicts_ = 0;
};

}  // namespace clew::model
