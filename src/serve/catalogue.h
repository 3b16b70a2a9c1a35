// SPDX-License-Identifier: Apache-2.0
//
// Which services and operations there are, read from a snapshot of the head: services from its resources, operations
// from names and kinds of spans. The head is walked in slices, so that a long walk never holds up who writes, and what
// is kept is bounded by the number of answers, not by the head.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "serve/query_pool.h"
#include "store/snapshot.h"

namespace clew::serve {

// Services and operations in one answer; who gets as many has to expect that there are more.
constexpr size_t kServicesMax = 20'000;
constexpr size_t kOperationsMax = 20'000;
// Rows in a slice.
constexpr uint32_t kCatalogueSliceRows = 4096;

// Names in byte order; spans without a service name are not listed.
std::vector<std::string> services(const store::Snapshot& snapshot, const Stop& stop);

struct Operation {
  std::string name;
  int32_t kind = 0;
  friend auto operator<=>(const Operation&, const Operation&) = default;
};

// In byte order, then by kind.
std::vector<Operation> operations(const store::Snapshot& snapshot, std::string_view service, const Stop& stop);

}  // namespace clew::serve
