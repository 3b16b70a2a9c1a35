// SPDX-License-Identifier: Apache-2.0
//
// TraceSkeleton is the tree of a trace without the contents of its spans: which places (trace_parts.h) hold it,
// duplicates left out, and how they stand in their tree (model/trace_tree.h). So a trace of a million spans in many
// parts is put in order within 60 MB, and read or searched from where it lies.
//
// Of two spans of one identity and start (model/identity.h), contents are compared by a hash of 64 bits; of equal ones
// the first place is kept.
#pragma once

#include <cstdint>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "eval/trace_facts.h"
#include "scan/trace_parts.h"

namespace clew::scan {

struct TraceSkeleton {
  // Memory per row while it is built, and afterwards.
  static constexpr uint64_t kBuildBytesPerRow = 56;
  static constexpr uint64_t kBytesPerSpan = 12;

  std::vector<uint32_t> places;    // ascending
  std::vector<uint32_t> parents;   // by index in `places`: that of the parent, model::kRoot or model::kOrphan
  std::vector<uint32_t> preorder;  // indices in `places`, in the pre-order of the tree

  // `memory`, of the query share, is grown by what the building takes and shrunk to what the skeleton does.
  // Unavailable: there is no room. Cancelled: `pace`, which may be null, said stop. DataLoss: a part is damaged.
  static Result<TraceSkeleton> build(PlacedParts& parts, Reservation& memory, const eval::Pace* pace);
};

}  // namespace clew::scan
