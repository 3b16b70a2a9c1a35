// SPDX-License-Identifier: Apache-2.0
#include "store/snapshot.h"

namespace clew::store {

uint64_t Snapshot::span_count() const {
  uint64_t count = 0;
  for (const auto& block : blocks) count += block->entry().facts.span_count;
  for (const HeadSnapshot& head : heads) count += head.row_count();
  return count;
}

}  // namespace clew::store
