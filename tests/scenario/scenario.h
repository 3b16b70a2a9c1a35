// SPDX-License-Identifier: Apache-2.0
//
// Reading scenario files: given spans, when a query, expect traces. The form is described in README.md beside this
// file. A scenario is not outside input: what is wrong with one is told with its line, and that is all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "eval/testing/plain_span.h"
#include "scan/search.h"

namespace clew::scenario {

// All times of a scenario count from here: 2026-01-01 00:00 UTC.
constexpr UnixNanos kOrigin = 1'767'225'600 * kNanosPerSecond;

struct Request {
  UnixNanos received = 0;
  std::vector<eval::testing::PlainSpan> spans;
};

// What is said of a trace; what is not said is not checked.
struct ExpectedTrace {
  model::TraceId id;
  std::optional<std::vector<model::SpanId>> matched;  // the shown spans, in order
  std::optional<uint32_t> of;                         // how many matched; as many as are shown if it is not said
  std::optional<std::string> root;                    // "" for no root
  std::optional<std::string> service;                 // of the root
  std::optional<uint32_t> spans;
  std::optional<uint32_t> errors;
  std::optional<uint64_t> duration_nanos;
  std::optional<std::string> services;  // "cart:2,pay:1"
};

struct Step {
  int line = 0;
  std::string query;
  scan::SearchOptions options;
  bool is_next_page = false;  // of the step before

  std::vector<ExpectedTrace> traces;
  bool more = false;                 // there is a next page
  std::optional<std::string> error;  // part of its message
};

struct Scenario {
  std::vector<Request> requests;
  std::vector<Step> steps;
};

Result<Scenario> read_scenario(std::string_view text);

}  // namespace clew::scenario
