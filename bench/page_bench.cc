// SPDX-License-Identifier: Apache-2.0
//
// What writing and reading a page costs on one core, a value at a time and in bytes a value: for made-up columns, one
// or more for each encoding, and for the columns of the recorded traffic of the OpenTelemetry demo shop in the order of
// a block (recorded_columns.h).
//
//   CLEW_TEST_DATA=… clew_page_bench
#include <benchmark/benchmark.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "block/page.h"
#include "recorded_columns.h"

namespace {

using namespace clew;
using bench::IntColumn;
using bench::TextColumn;
using block::PageDecoder;
using block::PageEncoder;
using block::TextValues;

constexpr size_t kRows = 32'768;

using Random = std::mt19937_64;

void report(benchmark::State& state, const std::string& page, size_t values) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(values));
  state.counters["time/value"] =
      benchmark::Counter(static_cast<double>(values) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes/value"] = static_cast<double>(page.size()) / static_cast<double>(values);
  state.SetLabel(std::string(block::name_of(static_cast<block::Encoding>(page[0]))));
}

template <class T>
void encode_ints(benchmark::State& state, const std::vector<T>& values) {
  PageEncoder encoder;
  std::string page;
  for (auto _ : state) {
    page.clear();
    encoder.ints(std::span<const T>(values), page);
    benchmark::DoNotOptimize(page.data());
  }
  report(state, page, values.size());
}

template <class T>
void decode_ints(benchmark::State& state, const std::vector<T>& values) {
  std::string page;
  PageEncoder().ints(std::span<const T>(values), page);
  PageDecoder decoder;
  std::vector<T> out(values.size());
  for (auto _ : state) {
    if (!decoder.ints(as_bytes(page), std::span<T>(out)).ok()) return state.SkipWithError("not read");
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  if (out != values) return state.SkipWithError("read wrongly");
  report(state, page, values.size());
}

void encode_texts(benchmark::State& state, const TextValues& values) {
  PageEncoder encoder;
  std::string page;
  for (auto _ : state) {
    page.clear();
    encoder.texts(values, page);
    benchmark::DoNotOptimize(page.data());
  }
  report(state, page, values.size());
}

void decode_texts(benchmark::State& state, const TextValues& values) {
  std::string page;
  PageEncoder().texts(values, page);
  PageDecoder decoder;
  TextValues out;
  for (auto _ : state) {
    if (!decoder.texts(as_bytes(page), values.size(), out).ok()) return state.SkipWithError("not read");
    benchmark::DoNotOptimize(out.bytes.data());
  }
  if (out.bytes != values.bytes) return state.SkipWithError("read wrongly");
  report(state, page, values.size());
}

template <class T>
std::vector<T> made(const std::function<T(Random&, size_t)>& value) {
  Random random(1);
  std::vector<T> values(kRows);
  for (size_t i = 0; i < kRows; i++) values[i] = value(random, i);
  return values;
}

template <class T>
void register_ints(const std::string& name, std::vector<T> values) {
  benchmark::RegisterBenchmark((name + "/encode").c_str(), [values](auto& state) { encode_ints(state, values); });
  benchmark::RegisterBenchmark((name + "/decode").c_str(), [values](auto& state) { decode_ints(state, values); });
}

void register_texts(const std::string& name, TextValues values) {
  benchmark::RegisterBenchmark((name + "/encode").c_str(), [values](auto& state) { encode_texts(state, values); });
  benchmark::RegisterBenchmark((name + "/decode").c_str(), [values](auto& state) { decode_texts(state, values); });
}

std::string hex(uint64_t value, size_t digits) {
  std::string text(digits, '0');
  for (size_t i = 0; i < digits; i++) text[i] = "0123456789abcdef"[value >> (4 * i) & 15];
  return text;
}

void register_made_up() {
  register_ints<uint64_t>("constant", made<uint64_t>([](Random&, size_t) { return 7; }));
  register_ints<uint64_t>("span ids", made<uint64_t>([](Random& random, size_t) { return random(); }));
  register_ints<uint64_t>("20 random bits", made<uint64_t>([](Random& random, size_t) { return random() >> 44; }));
  register_ints<uint64_t>("37 random bits", made<uint64_t>([](Random& random, size_t) { return random() >> 27; }));
  register_ints<uint32_t>("codes of 3 bits", made<uint32_t>([](Random& random, size_t) { return random() >> 61; }));
  register_ints<uint32_t>("codes of 9 bits", made<uint32_t>([](Random& random, size_t) { return random() >> 55; }));
  register_ints<uint32_t>("codes of 14 bits", made<uint32_t>([](Random& random, size_t) { return random() >> 50; }));
  register_ints<uint64_t>("rising", made<uint64_t>([](Random& random, size_t i) {
                            return 1'700'000'000'000'000'000 + i * 100'000 + random() % 100'000;
                          }));
  register_ints<uint64_t>("durations", made<uint64_t>([](Random& random, size_t) {
                            return (uint64_t{1} << (10 + random() % 16)) + random() % 4096;
                          }));
  register_ints<uint32_t>("runs of 50", made<uint32_t>([](Random&, size_t i) { return (i / 50) * 7919 % 1000; }));
  register_ints<uint32_t>("repeating codes", made<uint32_t>([](Random& random, size_t i) {
                            return i % 9 == 8 ? random() % 4 : i % 9 * 9;
                          }));
  register_ints<uint64_t>("few wide values", made<uint64_t>([](Random& random, size_t) {
                            return (random() % 100 + 1) * 0x9E3779B97F4A7C15u;
                          }));
  const auto texts = [](const std::function<std::string(Random&, size_t)>& text) {
    Random random(1);
    TextValues values;
    for (size_t i = 0; i < kRows; i++) values.push_back(text(random, i));
    return values;
  };
  register_texts("uuids", texts([](Random& random, size_t) {
                   return hex(random(), 8) + "-" + hex(random(), 4) + "-" + hex(random(), 4) + "-" + hex(random(), 4) +
                          "-" + hex(random(), 12);
                 }));
  register_texts("hex", texts([](Random& random, size_t) { return hex(random(), 16); }));
  register_texts("decimals", texts([](Random& random, size_t) { return std::to_string(random() % 10'000'000); }));
  register_texts("urls", texts([](Random& random, size_t) {
                   return "http://frontend-proxy:8080/api/products/" + hex(random(), 10) +
                          "?currencyCode=USD&n=" + std::to_string(random() % 100'000);
                 }));
  register_texts("messages", texts([](Random& random, size_t) {
                   return random() % 20 == 0 ? "deadline exceeded after " + std::to_string(random() % 50) + " ms" : "";
                 }));
}

}  // namespace

int main(int argc, char** argv) {
  register_made_up();
  const bench::RecordedColumns recorded = bench::recorded_columns(kRows);
  for (const IntColumn& column : recorded.ints) {
    if (column.is_code)
      register_ints("recorded " + column.name, std::vector<uint32_t>(column.values.begin(), column.values.end()));
    else
      register_ints("recorded " + column.name, column.values);
  }
  for (const TextColumn& column : recorded.texts) register_texts("recorded " + column.name, column.values);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
