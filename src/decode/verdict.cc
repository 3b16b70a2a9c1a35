// SPDX-License-Identifier: Apache-2.0
#include "decode/verdict.h"

#include <fmt/format.h>

#include <iterator>

namespace clew::decode {
namespace {

struct ReasonText {
  std::string_view name;
  std::string_view clause;  // continues "3 spans rejected: 2 …"
};

constexpr std::array<ReasonText, kReasonCount> kReasons = {{
    {"trace_id", "with a trace_id of wrong length or zero"},
    {"span_id", "with a span_id of wrong length or zero"},
    {"parent_span_id", "with a parent_span_id of wrong length"},
    {"link_id", "with a link whose trace_id or span_id has a wrong length"},
    {"utf8", "with a string that is not valid UTF-8"},
    {"nesting", "with an attribute value nested too deeply"},
    {"malformed", "with a field of the wrong type"},
    {"resource", "under a resource that is not valid"},
    {"scope", "under a scope that is not valid"},
}};

}  // namespace

std::string_view name_of(Reason reason) { return kReasons[static_cast<size_t>(reason)].name; }

void Verdict::explain() {
  reason.clear();
  auto out = std::back_inserter(reason);
  if (rejected > 0) {
    fmt::format_to(out, "{} {} rejected", rejected, rejected == 1 ? "span" : "spans");
    std::string_view before = ": ";
    for (size_t i = 0; i < kReasonCount; ++i) {
      if (rejected_by[i] == 0) continue;
      fmt::format_to(out, "{}{} {}", before, rejected_by[i], kReasons[i].clause);
      before = ", ";
    }
  }
  if (string_table_references > 0) {
    fmt::format_to(out, "{}{} {} to a string table, which traces do not have, read as empty", rejected > 0 ? "; " : "",
                   string_table_references, string_table_references == 1 ? "reference" : "references");
  }
}

}  // namespace clew::decode
