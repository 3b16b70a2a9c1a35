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

// Joins the parts of one trace and leaves duplicates out. Memory: about 24 bytes a span, kept from trace to trace.
class TraceMerger {
 public:
  // The batch that receives the spans; must outlive the merger's use.
  void start(SpanBatch& into);
  // Appends those spans of `part` that are not there yet. Rows of one trace only.
  void add(const SpanBatch& part, std::span<const uint32_t> rows);
  // Rows of `into` that hold the trace, in the order in which they came.
  std::span<const uint32_t> rows() const { return rows_; }
  uint64_t duplicates() const { return duplicates_; }  // left out since start()
  // Spans that share their identity with another of other content, since start().
  uint64_t conflicts() const { return conflicts_; }

 private:
  struct Slot {
    uint64_t id;
    uint32_t row;
    uint32_t server_half;
  };
  void grow();
  void insert(uint32_t row);

  SpanBatch* into_ = nullptr;
  std::vector<Slot> slots_;  // open addressing by span id and half; several rows may share both
  size_t used_ = 0;
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> fresh_;
  uint64_t duplicates_ = 0;
  uint64_t conflicts_ = 0;
};

}  // namespace clew::model
