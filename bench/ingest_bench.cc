// SPDX-License-Identifier: Apache-2.0
//
// What a span costs on its way from decoded columns to the head, step by step on one core, on recorded traffic: the
// record for the journal, its reading at replay, and the append to a head that already holds a million spans.
//
//   CLEW_TEST_DATA=… clew_ingest_bench
#include <benchmark/benchmark.h>

#include <memory>

#include "decode/otlp/traces_protobuf.h"
#include "model/span_batch.h"
#include "recorded_traffic.h"
#include "store/head.h"
#include "store/request_record.h"

namespace {

using clew::as_bytes;
using clew::model::SpanBatch;

constexpr clew::UnixNanos kReceived = 1'790'000'000 * clew::kNanosPerSecond;
constexpr size_t kHeadSpans = 1'000'000;

const std::vector<SpanBatch>& batches(size_t spans) {
  static std::vector<SpanBatch> decoded;
  static size_t decoded_spans = 0;
  if (decoded_spans == spans) return decoded;
  decoded.clear();
  decoded_spans = spans;
  for (const std::string& request : clew::bench::recorded_requests(spans)) {
    SpanBatch& batch = decoded.emplace_back();
    if (!clew::decode::otlp::decode_traces_protobuf(as_bytes(request), batch).ok()) decoded.pop_back();
  }
  return decoded;
}

// Other traces than before, as new traffic has.
void renew_ids(SpanBatch& batch, uint64_t salt) {
  for (size_t row = 0; row < batch.span_count(); ++row) {
    batch.trace_id[row].high ^= salt * 0x9E3779B97F4A7C15u;
    batch.span_id[row].value ^= salt;
  }
}

void count(benchmark::State& state, size_t spans, size_t bytes) {
  state.SetItemsProcessed(static_cast<int64_t>(spans));
  state.counters["bytes/span"] = static_cast<double>(bytes) / static_cast<double>(spans);
}

void EncodeRecord(benchmark::State& state) {
  const auto& input = batches(static_cast<size_t>(state.range(0)));
  if (input.empty()) return state.SkipWithError("CLEW_TEST_DATA does not name the folder with otel-demo.otlp.zst");
  size_t spans = 0, bytes = 0;
  for (auto _ : state) {
    for (const SpanBatch& batch : input) {
      bytes += clew::store::encode_request("default", clew::store::Door::OtlpGrpc, kReceived, batch).size();
      spans += batch.span_count();
    }
  }
  count(state, spans, bytes);
}
BENCHMARK(EncodeRecord)->Arg(512)->Unit(benchmark::kMillisecond);

void DecodeRecord(benchmark::State& state) {
  const auto& input = batches(static_cast<size_t>(state.range(0)));
  std::vector<std::string> records;
  for (const SpanBatch& batch : input)
    records.push_back(clew::store::encode_request("default", clew::store::Door::OtlpGrpc, kReceived, batch));
  size_t spans = 0, bytes = 0;
  for (auto _ : state) {
    for (const std::string& record : records) {
      spans += clew::store::decode_request(as_bytes(record))->spans.span_count();
      bytes += record.size();
    }
  }
  if (spans > 0) count(state, spans, bytes);
}
BENCHMARK(DecodeRecord)->Arg(512)->Unit(benchmark::kMillisecond);

void AppendToHead(benchmark::State& state) {
  auto& input = const_cast<std::vector<SpanBatch>&>(batches(static_cast<size_t>(state.range(0))));
  if (input.empty()) return state.SkipWithError("CLEW_TEST_DATA does not name the folder with otel-demo.otlp.zst");
  auto head = std::make_shared<clew::store::Head>();
  uint64_t salt = 0;
  const auto append_all = [&] {
    size_t spans = 0;
    for (SpanBatch& batch : input) {
      head->append(batch, kReceived);
      spans += batch.span_count();
    }
    return spans;
  };
  while (head->snapshot().row_count() < kHeadSpans) {
    for (SpanBatch& batch : input) renew_ids(batch, ++salt);
    append_all();
  }
  size_t spans = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (SpanBatch& batch : input) renew_ids(batch, ++salt);
    state.ResumeTiming();
    spans += append_all();
  }
  count(state, spans, 0);
  state.counters["bytes/span"] =
      static_cast<double>(head->memory_bytes()) / static_cast<double>(head->snapshot().row_count());
}
BENCHMARK(AppendToHead)->Arg(512)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
