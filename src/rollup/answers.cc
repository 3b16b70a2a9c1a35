// SPDX-License-Identifier: Apache-2.0
//
// Sums are kept by the names of what is counted. Each roll-up has its own numbers for these, so a table from its
// numbers to sums is made before its cells are visited; a cell then costs no look at a name.
#include "rollup/answers.h"

#include <map>
#include <set>
#include <tuple>

namespace clew::rollup {
namespace {

constexpr int32_t kStatusError = 2;            // StatusCode of trace.proto
constexpr int32_t kServer = 2, kConsumer = 5;  // SpanKind

struct Sum {
  int64_t count = 0;
  int64_t failed = 0;
  Histogram durations;

  Latency latency() const { return {durations.quantile(0.5), durations.quantile(0.95), durations.quantile(0.99)}; }
};

// Adds the cells of one roll-up to sums: `sum_of(id)` is the sum of a series or edge, or null; `failed(id, cell)` how
// many of a cell's spans or calls failed.
template <class SumOf, class Failed>
void add_cells(const Rollup& rollup, CellSort sort, const Asked& asked, Detail detail, SumOf sum_of, Failed failed) {
  std::vector<Sum*> sums(sort == CellSort::Red ? rollup.series_count() : rollup.edge_count());
  bool any = false;
  for (uint32_t id = 0; id < sums.size(); ++id) {
    sums[id] = sum_of(id);
    any |= sums[id] != nullptr;
  }
  if (!any) return;
  rollup.visit(sort, asked.minutes, detail, [&](const CellView& cell) {
    Sum* sum = sums[cell.id];
    if (sum == nullptr) return;
    sum->count = wrapping_add(sum->count, cell.count);
    sum->failed = wrapping_add(sum->failed, failed(cell));
    sum->durations.merge(cell.durations);
  });
}

// As above, for series: a span has failed when its status is error.
template <class SumOf>
void add_series(const Rollup& rollup, const Asked& asked, Detail detail, SumOf sum_of) {
  add_cells(
      rollup, CellSort::Red, asked, detail, [&](uint32_t id) { return sum_of(rollup.series(id)); },
      [&](const CellView& cell) { return rollup.series(cell.id).status_code == kStatusError ? cell.count : 0; });
}

// Calls read(rollup) for each; false if it was stopped or some roll-up lacks what `overflowed` asks for.
template <class Overflowed, class Read>
bool read_all(Rollups rollups, const Asked& asked, Overflowed overflowed, Read read) {
  bool complete = true;
  for (const std::shared_ptr<const Rollup>& rollup : rollups) {
    if (asked.stop && asked.stop()) return false;
    complete &= !overflowed(*rollup);
    read(*rollup);
  }
  return complete;
}

// Rows of what was counted, made by make(key, sum).
template <class Row, class Sums, class Make>
Answer<Row> answer(const Sums& sums, bool complete, const Asked& asked, Make make) {
  Answer<Row> answer{.rows = {}, .complete = complete};
  for (const auto& [key, sum] : sums) {
    if (sum.count <= 0) continue;
    if (answer.rows.size() == asked.rows_max) {
      answer.complete = false;
      break;
    }
    answer.rows.push_back(make(key, sum));
  }
  return answer;
}

bool lacks_spans(const Rollup& rollup) { return rollup.red_overflowed(); }

using NodeKey = std::pair<std::string, Peer>;
using EdgeKey = std::tuple<std::string, std::string, Peer>;

}  // namespace

Answer<Service> services(Rollups rollups, const Asked& asked) {
  std::map<std::string, Sum, std::less<>> sums;
  const bool complete = read_all(rollups, asked, lacks_spans, [&](const Rollup& rollup) {
    add_series(rollup, asked, Detail::Counts, [&](const Series& series) {
      return series.service.empty() ? nullptr : &sums[std::string(series.service)];
    });
  });
  return answer<Service>(sums, complete, asked,
                         [](const std::string& name, const Sum& sum) { return Service{name, sum.count, sum.failed}; });
}

Answer<Operation> operations(Rollups rollups, std::string_view service, const Asked& asked) {
  std::map<std::pair<std::string, int32_t>, Sum> sums;
  const bool complete = read_all(rollups, asked, lacks_spans, [&](const Rollup& rollup) {
    add_series(rollup, asked, Detail::Histograms, [&](const Series& series) {
      return series.service != service ? nullptr : &sums[{std::string(series.name), series.kind}];
    });
  });
  return answer<Operation>(sums, complete, asked, [](const auto& key, const Sum& sum) {
    return Operation{key.first, key.second, sum.count, sum.failed, sum.latency()};
  });
}

Graph graph(Rollups rollups, const Asked& asked) {
  std::set<std::string, std::less<>> with_spans;
  std::map<std::string, Sum, std::less<>> requests;
  std::map<EdgeKey, Sum> edges;
  const bool spans_complete = read_all(rollups, asked, lacks_spans, [&](const Rollup& rollup) {
    // Who has spans at all, and the sums of those that were asked for.
    std::map<std::string, Sum, std::less<>> all;
    add_series(rollup, asked, Detail::Counts, [&](const Series& series) { return &all[std::string(series.service)]; });
    for (const auto& [name, sum] : all)
      if (sum.count > 0) with_spans.insert(name);
    add_series(rollup, asked, Detail::Histograms, [&](const Series& series) -> Sum* {
      if (series.kind != kServer && series.kind != kConsumer) return nullptr;
      return &requests[std::string(series.service)];
    });
  });
  const auto lacks_calls = [](const Rollup& rollup) { return rollup.edges_overflowed(); };
  const bool calls_complete = read_all(rollups, asked, lacks_calls, [&](const Rollup& rollup) {
    add_cells(
        rollup, CellSort::Edges, asked, Detail::Histograms,
        [&](uint32_t id) {
          const Edge edge = rollup.edge(id);
          const bool known = edge.peer == Peer::External && with_spans.contains(edge.callee);
          return &edges[{std::string(edge.caller), std::string(edge.callee), known ? Peer::Service : edge.peer}];
        },
        [](const CellView& cell) { return cell.failed; });
  });
  Graph graph;
  graph.edges = answer<GraphEdge>(edges, calls_complete, asked, [](const EdgeKey& key, const Sum& sum) {
    return GraphEdge{std::get<0>(key), std::get<1>(key), std::get<2>(key), sum.count, sum.failed, sum.latency()};
  });
  std::map<NodeKey, Sum> nodes;
  for (const std::string& name : with_spans) nodes[{name, Peer::Service}];
  for (const auto& [key, sum] : edges) {
    if (sum.count <= 0) continue;
    const auto& [caller, callee, kind] = key;
    nodes[{caller, Peer::Service}];
    Sum& node = nodes[{callee, kind}];
    if (kind == Peer::Service) continue;
    node.count = wrapping_add(node.count, sum.count);
    node.failed = wrapping_add(node.failed, sum.failed);
    node.durations.merge(sum.durations);
  }
  for (auto& [name, sum] : requests)
    if (const auto node = nodes.find({name, Peer::Service}); node != nodes.end()) node->second = std::move(sum);
  graph.nodes.complete = spans_complete && calls_complete && nodes.size() <= asked.rows_max;
  for (const auto& [key, sum] : nodes) {
    if (graph.nodes.rows.size() == asked.rows_max) break;
    graph.nodes.rows.push_back({key.first, key.second, sum.count, sum.failed, sum.latency()});
  }
  return graph;
}

}  // namespace clew::rollup
