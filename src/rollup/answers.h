// SPDX-License-Identifier: Apache-2.0
//
// What is asked of roll-ups: which services and operations there are, and the graph of who calls whom, with counts,
// errors and latencies over a range of time. Any number of roll-ups are read side by side as if they were merged.
//
//   const Answer<GraphEdge> edges = graph(snapshot.rollups, {.minutes = minutes_of(from, to)}).edges;
//
// Time is whole minutes: a range covers every minute that it touches, so the answer may count up to a minute more at
// each end. Quantiles err as histogram.h says. Counts are exact, unless `complete` is false.
// Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rollup/rollup.h"

namespace clew::rollup {

using Rollups = std::span<const std::shared_ptr<const Rollup>>;

struct Asked {
  Minutes minutes = {};
  size_t rows_max = SIZE_MAX;
  // Asked before each roll-up; true ends the reading.
  std::function<bool()> stop = {};
};

template <class Row>
struct Answer {
  std::vector<Row> rows;
  // False: a roll-up has met a limit, more rows than `rows_max` are there, or the reading was stopped.
  bool complete = true;
};

// Nanoseconds.
struct Latency {
  uint64_t p50 = 0;
  uint64_t p95 = 0;
  uint64_t p99 = 0;
  friend bool operator==(const Latency&, const Latency&) = default;
};

struct Service {
  std::string name;
  int64_t span_count = 0;
  int64_t error_count = 0;
};
// By name in byte order; spans without a service name are not listed.
Answer<Service> services(Rollups rollups, const Asked& asked);

struct Operation {
  std::string name;
  int32_t kind = 0;
  int64_t span_count = 0;
  int64_t error_count = 0;
  Latency latency;
};
// By name in byte order, then by kind.
Answer<Operation> operations(Rollups rollups, std::string_view service, const Asked& asked);

// A service with what it was asked: its spans of kind server and consumer. A peer that sends no spans with the calls to
// it.
struct GraphNode {
  std::string name;
  Peer kind = Peer::Service;
  int64_t calls = 0;
  int64_t failed = 0;
  Latency latency;
};
struct GraphEdge {
  std::string caller;
  std::string callee;
  Peer kind = Peer::Service;  // of the callee
  int64_t calls = 0;
  int64_t failed = 0;
  Latency latency;
};
struct Graph {
  Answer<GraphNode> nodes;
  Answer<GraphEdge> edges;
};
// Every service that has spans or calls, in order of (name, kind), and edges in order of (caller, callee, kind). An
// external peer with the name of a service that has spans is that service, of which this call's spans were lost.
Graph graph(Rollups rollups, const Asked& asked);

}  // namespace clew::rollup
