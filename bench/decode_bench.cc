// SPDX-License-Identifier: Apache-2.0
//
// What decoding one span costs on one core: OTLP protobuf and OTLP/JSON into a SpanBatch, on the recorded traffic of
// the OpenTelemetry demo shop (CLEW_TEST_DATA/otel-demo.otlp.zst). The file's messages hold some 140 spans each; larger
// requests are made by joining neighbours, which in protobuf is writing one behind the other.
//
//   CLEW_TEST_DATA=… clew_decode_bench
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "codec/compress.h"
#include "decode/otlp/encode.h"
#include "decode/otlp/traces_protobuf.h"
#include "model/span_batch.h"

namespace {

using clew::as_bytes;
using clew::Bytes;

constexpr size_t kFileBytesMax = size_t{1} << 28;

std::vector<std::string> recorded_messages() {
  const char* folder = std::getenv("CLEW_TEST_DATA");
  if (folder == nullptr) return {};
  std::ifstream file(std::string(folder) + "/otel-demo.otlp.zst", std::ios::binary);
  const std::string packed((std::istreambuf_iterator<char>(file)), {});
  clew::codec::Inflater inflater;
  const auto inflated = inflater.inflate(clew::codec::sniff(as_bytes(packed)), as_bytes(packed), kFileBytesMax);
  if (!inflated.ok()) return {};
  std::vector<std::string> messages;
  for (Bytes rest = *inflated; rest.size() > 4;) {
    const size_t size = __builtin_bswap32(clew::load<uint32_t>(rest.data()));
    if (size > rest.size() - 4) break;
    messages.emplace_back(clew::as_text(rest.subspan(4, size)));
    rest = rest.subspan(4 + size);
  }
  return messages;
}

// The recorded messages joined so that each holds about `spans` spans; 0: as recorded.
std::vector<std::string> requests_of(size_t spans) {
  static const std::vector<std::string> recorded = recorded_messages();
  if (spans == 0) return recorded;
  std::vector<std::string> joined;
  size_t count = spans;
  for (const std::string& message : recorded) {
    clew::model::SpanBatch batch;
    if (!clew::decode::otlp::decode_traces_protobuf(as_bytes(message), batch).ok()) continue;
    if (count >= spans) {
      joined.emplace_back();
      count = 0;
    }
    joined.back() += message;
    count += batch.span_count();
  }
  return joined;
}

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
  run(state, requests_of(static_cast<size_t>(state.range(0))), [](const std::string& body, auto& batch) {
    return clew::decode::otlp::decode_traces_protobuf(as_bytes(body), batch).ok();
  });
}

BENCHMARK(protobuf)->ArgName("spans")->Arg(0)->Arg(512)->Arg(8192)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
