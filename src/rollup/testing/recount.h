// SPDX-License-Identifier: Apache-2.0
//
// What spans amount to, counted one by one from the rules of rollup.h and edges.h as they read, at whatever cost, and
// without their code: what roll-ups are checked against. Random traces to do it with.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/span_batch.h"
#include "rollup/rollup.h"

namespace clew::rollup::testing {

struct PlainSpan {
  model::TraceId trace_id = {};
  uint64_t id = 0;
  uint64_t parent_id = 0;
  UnixNanos start = 0;
  UnixNanos end = 0;
  std::string service = {};
  std::string name = {};
  int32_t kind = 0;
  int32_t status_code = 0;
  std::vector<std::pair<std::string, std::string>> attributes = {};  // those that are text
  UnixNanos arrived = 0;
};

// The spans of those rows; `arrived` is left zero.
std::vector<PlainSpan> plain_spans(const model::SpanBatch& spans, std::span<const uint32_t> rows);
// Appends the span and what else it needs.
void append(model::SpanBatch& batch, const PlainSpan& span);
model::SpanBatch batch_of(std::span<const PlainSpan> spans);

// Counts by the number of the bucket; zero durations under INT32_MIN.
struct Counted {
  int64_t failed = 0;
  int64_t sum_nanos = 0;
  std::map<int32_t, int64_t> buckets;
  friend bool operator==(const Counted&, const Counted&) = default;
};
using RedKey = std::tuple<uint64_t, std::string, std::string, int32_t, int32_t>;
using EdgeKey = std::tuple<uint64_t, std::string, std::string, int>;
struct Recount {
  std::map<RedKey, Counted> red;
  std::map<EdgeKey, Counted> edges;
  friend bool operator==(const Recount&, const Recount&) = default;
};
// For a message: the first cells that differ, at most ten.
std::string difference(const Recount& got, const Recount& wanted);

// All traces of `spans`, each of them whole.
Recount recount(std::span<const PlainSpan> spans);
// What the roll-ups say together. Cells that are all zero are left out.
Recount content(std::span<const Rollup* const> rollups);
inline Recount content(const Rollup& rollup) {
  const Rollup* one = &rollup;
  return content({&one, 1});
}

// A trace of a few services with clients, servers, databases, queues, lost parents, shared ids, errors and broken
// clocks. All arrive at `arrived`.
std::vector<PlainSpan> random_trace(std::mt19937_64& random, UnixNanos arrived);

// Adds the edges of a whole trace, and RED of spans, by the code that is under test.
void add_trace_edges(Rollup& rollup, std::span<const PlainSpan> trace, Sign sign);
void add_red(Rollup& rollup, std::span<const PlainSpan> spans);

}  // namespace clew::rollup::testing
