// SPDX-License-Identifier: Apache-2.0
#include "scan/giant_trace.h"

#include <numeric>

namespace clew::scan {

Result<std::unique_ptr<GiantTrace>> GiantTrace::open(const store::Snapshot& snapshot, TraceParts parts,
                                                     Reservation& memory, const eval::Pace* pace) {
  std::unique_ptr<GiantTrace> giant(new GiantTrace(snapshot, std::move(parts)));
  giant->skeleton_ = TRY(TraceSkeleton::build(giant->parts_, memory, pace));
  const auto count = static_cast<uint32_t>(giant->skeleton_.places.size());
  if (!memory.grow(count * sizeof(uint32_t))) return Error(Code::Unavailable, "the memory for queries is spent");
  giant->rows_.resize(count);
  std::iota(giant->rows_.begin(), giant->rows_.end(), 0);
  giant->summary_ = TRY(giant->parts_.summary());
  giant->summary_.span_count = count;
  giant->end_ = count;
  giant->duration_ = giant->summary_.end - giant->summary_.start;
  giant->view_ = TRY(TraceView::open(giant->parts_, giant->skeleton_));
  return giant;
}

Result<void> GiantTrace::count_services(FoundTrace& trace) {
  model::InternTable names;
  ServiceCounts services;
  TRY(parts_.for_each_run(skeleton_.places, [&](const PlacedParts::Run& run) -> Result<bool> {
    if (run.head != nullptr) {
      const model::SpanBatch& spans = *run.head;
      for (const uint32_t row : run.rows) {
        const model::StringId service = spans.resources[spans.resource[row]].service_name;
        services.add(names.intern(spans.strings.at(service)), spans.status_code[row]);
      }
      return true;
    }
    const auto tables = TRY(parts_.block_of(parts_.parts()[run.part]).block().tables());
    const std::span<const uint32_t> templates = TRY(run.group->rows(block::kTemplate));
    const std::span<const uint32_t> resources = TRY(run.group->rows(block::kResource));
    for (const uint32_t row : run.rows) {
      const model::StringId service = tables->batch.resources[resources[row]].service_name;
      services.add(names.intern(tables->batch.strings.at(service)), tables->templates[templates[row]].status_code);
    }
    return true;
  }));
  services.move_to(names, trace);
  return {};
}

Result<void> GiantTrace::copy(std::span<const uint32_t> rows, model::SpanBatch& out) {
  std::vector<uint32_t> places;
  places.reserve(rows.size());
  for (const uint32_t row : rows) places.push_back(skeleton_.places[row]);
  return parts_.for_each_run(places, [&](const PlacedParts::Run& run) -> Result<bool> {
    if (run.head != nullptr) {
      out.append_rows(*run.head, run.rows);
    } else {
      block::RowCopier copier(parts_.block_of(parts_.parts()[run.part]).shared_block(), out);
      TRY(copier.append(*run.group, run.rows));
    }
    return true;
  });
}

}  // namespace clew::scan
