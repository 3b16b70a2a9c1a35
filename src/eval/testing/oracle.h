// SPDX-License-Identifier: Apache-2.0
//
// The oracle: what docs/reference/traceql.md says, computed span by span and value by value on plain structs, with no
// thought of speed. It shares the query's tree with the evaluator and nothing else.
#pragma once

#include <set>
#include <span>

#include "eval/testing/plain_span.h"
#include "query/ast.h"

namespace clew::eval::testing {

// Indices of the spans of a trace that the query chooses. `trace` holds the whole trace in arrival order;
// `duration_nanos` is trace:duration.
std::set<size_t> choose(const query::Query& query, std::span<const PlainSpan> trace, uint64_t duration_nanos);

}  // namespace clew::eval::testing
