// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <array>

namespace clew {
namespace {

// Indexed by the code's value. HTTP statuses follow the OTLP specification's table for senders: 429, 502, 503 and 504
// are the only ones that an OTLP client repeats, and exactly the retryable rows use them.
constexpr std::array<CodeInfo, 17> kCodes = {{
    {"OK", 200, 0, false},
    {"CANCELLED", 503, 1, true},
    {"UNKNOWN", 500, 1, false},
    {"INVALID_ARGUMENT", 400, 2, false},
    {"DEADLINE_EXCEEDED", 504, 1, true},
    {"NOT_FOUND", 404, 3, false},
    {"ALREADY_EXISTS", 409, 1, false},
    {"PERMISSION_DENIED", 403, 4, false},
    {"RESOURCE_EXHAUSTED", 413, 1, false},
    {"FAILED_PRECONDITION", 412, 1, false},
    {"ABORTED", 503, 1, true},
    {"OUT_OF_RANGE", 400, 2, false},
    {"UNIMPLEMENTED", 404, 1, false},
    {"INTERNAL", 500, 1, false},
    {"UNAVAILABLE", 503, 1, true},
    {"DATA_LOSS", 500, 1, false},
    {"UNAUTHENTICATED", 401, 4, false},
}};

}  // namespace

const CodeInfo& info(Code code) {
  const auto index = static_cast<size_t>(code);
  return kCodes[index < kCodes.size() ? index : static_cast<size_t>(Code::Unknown)];
}

}  // namespace clew
