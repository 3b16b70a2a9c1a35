// SPDX-License-Identifier: Apache-2.0
#include "serve/catalogue.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace clew::serve {

std::vector<std::string> services(const store::Snapshot& snapshot, const Stop& stop) {
  std::unordered_set<model::StringId> found;
  std::vector<std::string> names;
  for (size_t begin = 0; !stop.now() && names.size() < kServicesMax;) {
    const store::HeadSlice slice = snapshot.heads.back().slice();
    const model::SpanBatch& spans = slice.spans();
    const size_t end = std::min<size_t>(begin + kCatalogueSliceRows, spans.resources.size());
    if (begin >= end) break;
    for (; begin < end && names.size() < kServicesMax; ++begin) {
      const model::StringId name = spans.resources[begin].service_name;
      if (name != 0 && found.insert(name).second) names.emplace_back(spans.strings.at(name));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<Operation> operations(const store::Snapshot& snapshot, std::string_view service, const Stop& stop) {
  // Name and kind in one number; a kind that is no SpanKind counts as unspecified.
  constexpr uint32_t kKindBits = 3;
  constexpr int32_t kKindMax = 5;
  std::unordered_set<uint64_t> found;
  std::vector<Operation> operations;
  std::optional<model::StringId> wanted;
  for (uint32_t begin = 0;
       begin < snapshot.heads.back().row_count() && !stop.now() && operations.size() < kOperationsMax;) {
    const store::HeadSlice slice = snapshot.heads.back().slice();
    const model::SpanBatch& spans = slice.spans();
    if (!wanted) wanted = spans.strings.find(service);
    if (!wanted) break;
    const uint32_t end = std::min(begin + kCatalogueSliceRows, snapshot.heads.back().row_count());
    for (; begin < end; ++begin) {
      if (spans.resources[spans.resource[begin]].service_name != *wanted) continue;
      const int32_t kind = spans.kind[begin] < 0 || spans.kind[begin] > kKindMax ? 0 : spans.kind[begin];
      const uint64_t key = uint64_t{spans.name[begin]} << kKindBits | static_cast<uint64_t>(kind);
      if (found.insert(key).second) operations.push_back({std::string(spans.strings.at(spans.name[begin])), kind});
      if (operations.size() >= kOperationsMax) break;
    }
  }
  std::sort(operations.begin(), operations.end());
  return operations;
}

}  // namespace clew::serve
