// SPDX-License-Identifier: Apache-2.0
//
// What an answer says of a found trace, from whatever holds it: the root by a view, the services by counting, the shown
// spans from a batch.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "eval/column_view.h"
#include "eval/trace_facts.h"
#include "model/span_batch.h"
#include "scan/newest.h"
#include "scan/search.h"

namespace clew::scan {

// What the search knows of it before it is looked at again.
FoundTrace facts_of(const Found& found);

// Name and service of the earliest span without a parent. `rows` are all of the trace, as the view counts them.
void read_root(eval::ColumnView& view, std::span<const uint32_t> rows, const eval::Pace* pace, FoundTrace& trace);

class ServiceCounts {
 public:
  void add(model::StringId service, int32_t status_code);
  // Writes them into the trace, and clears.
  void move_to(const model::InternTable& strings, FoundTrace& trace);

 private:
  struct Count {
    uint32_t spans = 0;
    uint32_t errors = 0;
  };
  std::unordered_map<model::StringId, Count> counts_;
};

// Appends the `wanted` first of `rows` to the answer, in canonical order: by start, span id, half, then content.
void append_shown(const model::SpanBatch& from, std::vector<uint32_t> rows, size_t wanted, SearchAnswer& answer,
                  FoundTrace& trace);

}  // namespace clew::scan
