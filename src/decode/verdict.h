// SPDX-License-Identifier: Apache-2.0
//
// Verdict is what a decoder says about a request whose framing was sound: how many spans it kept, how many it refused
// and why. A span is refused only for what Clew cannot keep or find again: ids that are none, text that is no text,
// values nested without end. Everything else is data. Doors turn a Verdict into the partial success of their protocol
// and count it by reason.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace clew::decode {

enum class Reason : uint8_t {
  TraceId,
  SpanId,
  ParentSpanId,
  LinkId,
  Utf8,
  Nesting,
  Malformed,
  Resource,
  Scope,
};
constexpr size_t kReasonCount = 9;

// As a metric's label: "trace_id", "utf8".
std::string_view name_of(Reason reason);

struct Verdict {
  uint64_t accepted = 0;
  uint64_t rejected = 0;
  std::array<uint64_t, kReasonCount> rejected_by{};  // by Reason; adds up to `rejected`
  // Attributes that point into a string table which only profiles have (key_strindex, string_value_strindex): kept
  // with an empty key or value. A warning, not a refusal.
  uint64_t string_table_references = 0;
  // In words for the sender; empty if there is nothing to say. Bounded: one clause for each reason.
  std::string reason;

  void reject(Reason why) {
    ++rejected;
    ++rejected_by[static_cast<size_t>(why)];
  }
  // Writes `reason` from the counts.
  void explain();
};

}  // namespace clew::decode
