// SPDX-License-Identifier: Apache-2.0
//
// rollup::RedWriter counts the spans of one batch into a roll-up. What a span counts under is looked up by the numbers
// of the batch's tables; each distinct one is translated once. The batch may grow between two calls, so a head's spans
// can be counted as they come.
//
//   RedWriter red(rollup, head_spans);
//   red.add(rows_of_one_request, arrived);
//
// Threads: that of the roll-up; the batch must not change during a call.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/span_batch.h"
#include "rollup/rollup.h"

namespace clew::rollup {

class RedWriter {
 public:
  // Both must outlive the writer.
  RedWriter(Rollup& rollup, const model::SpanBatch& spans) : rollup_(&rollup), spans_(&spans) {}

  // Counts spans that arrived then.
  void add(std::span<const uint32_t> rows, UnixNanos arrived);
  // Those of rows [begin, end).
  void add(uint32_t begin, uint32_t end, UnixNanos arrived);
  uint64_t memory_bytes() const;

 private:
  struct Key {
    model::StringId service;
    model::StringId name;
    int32_t kind;
    int32_t status_code;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Slot {
    Key key;
    uint32_t series;  // number in the roll-up, kFree or kRefused
  };

  void add_row(uint32_t row, UnixNanos arrived);
  uint32_t series_of(const Key& key);
  void grow();

  Rollup* rollup_;
  const model::SpanBatch* spans_;
  std::vector<Slot> slots_;  // open addressing, linear probing
  size_t used_ = 0;
  int shift_ = 64;
};

}  // namespace clew::rollup
