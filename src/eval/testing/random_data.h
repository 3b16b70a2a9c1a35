// SPDX-License-Identifier: Apache-2.0
//
// Random traces and random queries from one small world of keys and values, so that they often meet. The same random
// numbers give the same data.
#pragma once

#include <random>
#include <vector>

#include "eval/testing/plain_span.h"
#include "query/ast.h"

namespace clew::eval::testing {

using Random = std::mt19937_64;

// CLEW_SEED of the environment, or another number each time. To be told when a test fails.
uint64_t seed_of_run();

// Spans of one trace in arrival order: trees with lost parents, cycles, shared ids, and every kind of value.
std::vector<PlainSpan> random_trace(Random& random, model::TraceId id);

// A query that the parser would let through.
query::Query random_query(Random& random);

}  // namespace clew::eval::testing
