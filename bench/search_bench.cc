// SPDX-License-Identifier: Apache-2.0
//
// What a search costs over a head of half a million spans of recorded traffic, one thread, limit 20. The counter
// per_span is the time divided by the spans of the whole head, also where the search stops early.
//
//   CLEW_TEST_DATA=… clew_search_bench
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/memory_budget.h"
#include "decode/otlp/traces_protobuf.h"
#include "model/span_batch.h"
#include "query/parse.h"
#include "recorded_traffic.h"
#include "scan/search.h"
#include "store/snapshot.h"

namespace {

using clew::as_bytes;
using clew::model::SpanBatch;

constexpr size_t kHeadSpans = 500'000;
constexpr size_t kRequestSpans = 512;
constexpr uint64_t kBudgetBytes = uint64_t{2} << 30;

// Other traces than before, as new traffic has.
void renew_ids(SpanBatch& batch, uint64_t salt) {
  for (size_t row = 0; row < batch.span_count(); ++row) {
    batch.trace_id[row].low ^= salt;
    batch.span_id[row].value ^= salt;
    if (!batch.parent_span_id[row].is_zero()) batch.parent_span_id[row].value ^= salt;
  }
}

std::shared_ptr<clew::store::Head> fill_head() {
  auto head = std::make_shared<clew::store::Head>();
  clew::UnixNanos received = 1'790'000'000 * clew::kNanosPerSecond;
  size_t spans = 0;
  for (uint64_t round = 1; spans < kHeadSpans; ++round) {
    const size_t before = spans;
    for (const std::string& request : clew::bench::recorded_requests(kRequestSpans)) {
      SpanBatch batch;
      if (!clew::decode::otlp::decode_traces_protobuf(as_bytes(request), batch).ok()) continue;
      renew_ids(batch, round * 0x9E3779B97F4A7C15u);
      spans += batch.span_count();
      head->append(batch, received += clew::kNanosPerMilli);
    }
    if (spans == before) break;
  }
  return head;
}

void search(benchmark::State& state, const std::string& text) {
  static const std::shared_ptr<clew::store::Head> head = fill_head();
  const clew::store::Snapshot snapshot(head->snapshot());
  if (snapshot.row_count() == 0) {
    state.SkipWithError("no recorded data: set CLEW_TEST_DATA");
    return;
  }
  clew::query::ParseResult query = clew::query::parse(text);
  if (!query.ok()) {
    state.SkipWithError(clew::query::to_string(query.error()).c_str());
    return;
  }
  clew::MemoryBudget budget(kBudgetBytes);
  size_t found = 0;
  for (auto _ : state) {
    auto answer = clew::scan::search(snapshot, query.query(), {}, budget);
    found = answer.ok() ? answer->traces.size() : 0;
  }
  state.counters["traces"] = static_cast<double>(found);
  state.counters["per_span"] = benchmark::Counter(
      snapshot.row_count(), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

struct Case {
  const char* name;
  const char* query;
};

constexpr Case kCases[] = {
    {"all", "{}"},
    {"attribute_absent_value", R"({ span.http.method = "NOWHERE" })"},
    {"attribute_none", R"({ span.http.method = "frontend" })"},  // a text that stands elsewhere
    {"attribute_few", R"({ span.rpc.grpc.status_code = 13 })"},
    {"attribute_many", R"({ span.http.method = "POST" })"},
    {"resource_absent_value", R"({ resource.service.name = "nowhere" })"},
    {"resource_none", R"({ resource.service.name = "POST" })"},
    {"unscoped_none", R"({ .http.method = "frontend" })"},
    {"name_none", R"({ name = "POST" })"},
    {"number", R"({ span.http.status_code > 599 })"},
    {"duration", R"({ duration > 10h })"},
    {"regex", R"({ span.http.url =~ ".*nowhere.*" })"},
    {"two_conditions", R"({ resource.service.name = "frontend" && duration > 10h })"},
    {"event_attribute", R"({ event.exception.type = "POST" })"},
    {"child_found", R"({ resource.service.name = "frontend" } > { kind = server })"},
    {"child_absent", R"({ kind = internal } > { kind = consumer })"},
    {"descendant_absent", R"({ kind = client } >> { nestedSetParent < 0 })"},
    {"descendant_one_side", R"({ kind = client } >> { duration > 10h })"},
    {"ancestor_absent", R"({ kind = server } << { kind = consumer })"},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Case& each : kCases) {
    benchmark::RegisterBenchmark(each.name, [query = std::string(each.query)](benchmark::State& state) {
      search(state, query);
    })->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
