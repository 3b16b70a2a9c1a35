// SPDX-License-Identifier: Apache-2.0
//
// What decoding one span costs on one core: OTLP protobuf and OTLP/JSON into a SpanBatch, on the recorded traffic of
// the OpenTelemetry demo shop (recorded_traffic.h).
//
//   CLEW_TEST_DATA=… clew_decode_bench
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "decode/otlp/testing/generate.h"
#include "decode/otlp/testing/json.h"
#include "decode/otlp/traces_json.h"
#include "decode/otlp/traces_protobuf.h"
#include "model/span_batch.h"
#include "recorded_traffic.h"

namespace {

using clew::as_bytes;

template <class Decode>
void run(benchmark::State& state, const std::vector<std::string>& requests, Decode decode) {
  if (requests.empty()) {
    state.SkipWithError("CLEW_TEST_DATA does not name the folder with otel-demo.otlp.zst");
    return;
  }
  size_t spans = 0;
  size_t bytes = 0;
  size_t memory = 0;
  for (auto _ : state) {
    spans = bytes = memory = 0;
    for (const std::string& request : requests) {
      clew::model::SpanBatch batch;
      if (!decode(request, batch)) {
        state.SkipWithError("a recorded request was refused");
        return;
      }
      spans += batch.span_count();
      bytes += request.size();
      memory += batch.memory_bytes();
    }
  }
  const auto iterations = static_cast<double>(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  state.counters["time/span"] = benchmark::Counter(static_cast<double>(spans) * iterations,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["spans"] = static_cast<double>(spans);
  state.counters["bytes/span"] = static_cast<double>(bytes) / static_cast<double>(spans);
  state.counters["memory/span"] = static_cast<double>(memory) / static_cast<double>(spans);
}

void protobuf(benchmark::State& state) {
  run(state, clew::bench::recorded_requests(static_cast<size_t>(state.range(0))),
      [](const std::string& body, auto& batch) {
        return clew::decode::otlp::decode_traces_protobuf(as_bytes(body), batch).ok();
      });
}

void json(benchmark::State& state) {
  namespace otlp = clew::decode::otlp;
  std::vector<std::string> requests = clew::bench::recorded_requests(static_cast<size_t>(state.range(0)));
  for (std::string& request : requests) {
    request = otlp::testing::to_json(otlp::testing::tidied(request), otlp::testing::JsonStyle::Strict);
    request.reserve(request.size() + otlp::kJsonPadding);
  }
  run(state, requests, [](const std::string& body, auto& batch) {
    return otlp::decode_traces_json(as_bytes(body), body.capacity() - body.size(), batch).ok();
  });
}

BENCHMARK(protobuf)->ArgName("spans")->Arg(0)->Arg(512)->Arg(8192)->Unit(benchmark::kMillisecond);
BENCHMARK(json)->ArgName("spans")->Arg(512)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
