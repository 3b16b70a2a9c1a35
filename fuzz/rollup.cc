// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either a roll-up or refused. What is taken is sound: every cell can be visited, belongs to a series or
// edge that is there and lies within the minutes that the roll-up names; and it comes back from its own bytes as it
// was. Checksums would stop nearly every mutation at the door, so they are not looked at.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "rollup/rollup.h"

namespace {

using namespace clew;
using namespace clew::rollup;

int64_t visit_all(const Rollup& rollup, CellSort sort) {
  const uint32_t ids = sort == CellSort::Red ? rollup.series_count() : rollup.edge_count();
  const Minutes minutes = rollup.minutes().value_or(Minutes{1, 0});
  uint64_t count = 0;
  rollup.visit(sort, {}, Detail::Histograms, [&](const CellView& cell) {
    CHECK(cell.id < ids);
    CHECK(minutes.contains(cell.minute));
    count += static_cast<uint64_t>(cell.count);
  });
  uint64_t counted = 0;
  rollup.visit(sort, {}, Detail::Counts, [&](const CellView& cell) { counted += static_cast<uint64_t>(cell.count); });
  CHECK(count == counted);
  return static_cast<int64_t>(count);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Rollup> decoded = Rollup::decode_unchecked_for_test(Bytes(data, size));
  if (!decoded.ok()) return 0;
  const int64_t spans = visit_all(*decoded, CellSort::Red);
  const int64_t calls = visit_all(*decoded, CellSort::Edges);
  const std::string object = decoded->encode();
  const Rollup again = MUST(Rollup::decode(as_bytes(object)));  // its own bytes
  CHECK(visit_all(again, CellSort::Red) == spans);
  CHECK(visit_all(again, CellSort::Edges) == calls);
  CHECK(again.encode() == object);
  return 0;
}
