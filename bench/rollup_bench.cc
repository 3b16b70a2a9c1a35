// SPDX-License-Identifier: Apache-2.0
//
// What roll-ups cost on one core: counting a span (RED) and a trace's calls into one, on the recorded traffic of the
// OpenTelemetry demo shop as a seal sees it (one large batch, trace by trace), writing, reading and asking; and how
// many bytes a minute of it takes.
//
//   CLEW_TEST_DATA=… clew_rollup_bench
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "decode/otlp/traces_protobuf.h"
#include "model/span_batch.h"
#include "model/trace_tree.h"
#include "recorded_traffic.h"
#include "rollup/answers.h"
#include "rollup/edges.h"
#include "rollup/red_writer.h"
#include "rollup/rollup.h"

namespace {

using namespace clew;
using namespace clew::rollup;

// A head's worth of copies of the recording: each with ids of its own, a minute after the one before.
constexpr int kCopies = 12;

struct Sealed {
  model::SpanBatch spans;
  std::vector<std::vector<uint32_t>> traces;
  UnixNanos arrived = 0;
};

const Sealed& sealed() {
  static const Sealed result = [] {
    Sealed sealed;
    std::unordered_map<model::TraceId, size_t> places;
    for (int copy = 0; copy < kCopies; ++copy) {
      for (const std::string& request : bench::recorded_requests(512)) {
        model::SpanBatch batch;
        if (!decode::otlp::decode_traces_protobuf(as_bytes(request), batch).ok()) continue;
        for (size_t row = 0; row < batch.span_count(); ++row) {
          batch.trace_id[row].low ^= static_cast<uint64_t>(copy) * 0x9E3779B97F4A7C15u;
          batch.start[row] += static_cast<uint64_t>(copy) * 60 * kNanosPerSecond;
          batch.end[row] += static_cast<uint64_t>(copy) * 60 * kNanosPerSecond;
          sealed.arrived = std::max(sealed.arrived, batch.end[row]);
          const auto [place, fresh] = places.emplace(batch.trace_id[row], sealed.traces.size());
          if (fresh) sealed.traces.emplace_back();
          sealed.traces[place->second].push_back(static_cast<uint32_t>(sealed.spans.span_count() + row));
        }
        sealed.spans.append(batch);
      }
    }
    return sealed;
  }();
  return result;
}

bool absent(benchmark::State& state) {
  if (!sealed().traces.empty()) return false;
  state.SkipWithError("CLEW_TEST_DATA does not name the folder with otel-demo.otlp.zst");
  return true;
}

void per_span(benchmark::State& state) {
  const auto spans = static_cast<double>(sealed().spans.span_count());
  state.counters["time/span"] = benchmark::Counter(spans * static_cast<double>(state.iterations()),
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["spans"] = spans;
}

void add_red(Rollup& rollup) {
  RedWriter red(rollup, sealed().spans);
  for (const auto& trace : sealed().traces) red.add(trace, sealed().arrived);
}

void add_edges(Rollup& rollup) {
  EdgeFinder finder(sealed().spans);
  model::TraceTree tree;
  for (const auto& trace : sealed().traces) {
    tree.build(sealed().spans, trace);
    finder.add_to(rollup, {trace, tree.parents(), tree.preorder(), sealed().arrived}, Sign::Add);
  }
}

Rollup whole() {
  Rollup rollup;
  add_red(rollup);
  add_edges(rollup);
  return rollup;
}

void Red(benchmark::State& state) {
  if (absent(state)) return;
  for (auto _ : state) {
    Rollup rollup;
    add_red(rollup);
    benchmark::DoNotOptimize(rollup.cell_count());
  }
  per_span(state);
}
BENCHMARK(Red)->Unit(benchmark::kMillisecond);

// As spans come to a head.
void RedInOrderOfArrival(benchmark::State& state) {
  if (absent(state)) return;
  for (auto _ : state) {
    Rollup rollup;
    RedWriter red(rollup, sealed().spans);
    red.add(0, static_cast<uint32_t>(sealed().spans.span_count()), sealed().arrived);
    benchmark::DoNotOptimize(rollup.cell_count());
  }
  per_span(state);
}
BENCHMARK(RedInOrderOfArrival)->Unit(benchmark::kMillisecond);

// What a seal has to do anyway before edges can be read.
void TreesAlone(benchmark::State& state) {
  if (absent(state)) return;
  model::TraceTree tree;
  for (auto _ : state) {
    for (const auto& trace : sealed().traces) tree.build(sealed().spans, trace);
    benchmark::DoNotOptimize(tree.size());
  }
  per_span(state);
}
BENCHMARK(TreesAlone)->Unit(benchmark::kMillisecond);

void TreesAndEdges(benchmark::State& state) {
  if (absent(state)) return;
  for (auto _ : state) {
    Rollup rollup;
    add_edges(rollup);
    benchmark::DoNotOptimize(rollup.cell_count());
  }
  per_span(state);
}
BENCHMARK(TreesAndEdges)->Unit(benchmark::kMillisecond);

void Encode(benchmark::State& state) {
  if (absent(state)) return;
  const Rollup rollup = whole();
  size_t bytes = 0;
  for (auto _ : state) bytes = rollup.encode().size();
  const Minutes minutes = rollup.minutes().value_or(Minutes{0, 0});
  uint64_t cells = 0;
  for (const CellSort sort : {CellSort::Red, CellSort::Edges})
    rollup.visit(sort, {}, Detail::Counts, [&](const CellView&) { ++cells; });
  state.counters["cells"] = static_cast<double>(cells);
  state.counters["bytes"] = static_cast<double>(bytes);
  state.counters["bytes/cell"] = static_cast<double>(bytes) / static_cast<double>(cells);
  state.counters["bytes/minute"] = static_cast<double>(bytes) / static_cast<double>(minutes.last - minutes.first + 1);
  state.counters["bytes/span"] = static_cast<double>(bytes) / static_cast<double>(sealed().spans.span_count());
  state.counters["memory/cell"] = static_cast<double>(rollup.memory_bytes()) / static_cast<double>(cells);
}
BENCHMARK(Encode)->Unit(benchmark::kMillisecond);

void Decode(benchmark::State& state) {
  if (absent(state)) return;
  const std::string object = whole().encode();
  for (auto _ : state) {
    const Result<Rollup> rollup = Rollup::decode(as_bytes(object));
    benchmark::DoNotOptimize(rollup->cell_count());
    state.counters["memory"] = static_cast<double>(rollup->memory_bytes());
  }
}
BENCHMARK(Decode)->Unit(benchmark::kMicrosecond);

template <class Ask>
void ask(benchmark::State& state, Ask ask) {
  if (absent(state)) return;
  const std::string object = whole().encode();
  std::vector<std::shared_ptr<const Rollup>> rollups;
  for (int64_t i = 0; i < state.range(0); ++i)
    rollups.push_back(std::make_shared<const Rollup>(MUST(Rollup::decode(as_bytes(object)))));  // its own bytes
  for (auto _ : state) ask(Rollups(rollups));
}

void Services(benchmark::State& state) {
  ask(state, [](Rollups rollups) { benchmark::DoNotOptimize(services(rollups, {}).rows.size()); });
}
void Operations(benchmark::State& state) {
  ask(state, [](Rollups rollups) { benchmark::DoNotOptimize(operations(rollups, "frontend", {}).rows.size()); });
}
void GraphOfAll(benchmark::State& state) {
  ask(state, [](Rollups rollups) { benchmark::DoNotOptimize(graph(rollups, {}).edges.rows.size()); });
}
BENCHMARK(Services)->ArgName("rollups")->Arg(1)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(Operations)->ArgName("rollups")->Arg(1)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(GraphOfAll)->ArgName("rollups")->Arg(1)->Arg(100)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
