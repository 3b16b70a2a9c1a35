// SPDX-License-Identifier: Apache-2.0
//
// What a search costs over recorded traffic that was sealed into blocks, with the last spans in a head; one thread,
// limit 20, everything in memory. The counter per_span is the time divided by all spans, also where the search stops
// early.
//
//   CLEW_TEST_DATA=… [CLEW_BENCH_SPANS=2000000] [CLEW_BENCH_HEAD_SPANS=100000] clew_search_bench
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/memory_budget.h"
#include "query/parse.h"
#include "renewed_traffic.h"
#include "scan/search.h"
#include "scan/testing/scattered_snapshot.h"
#include "scan/trace_reader.h"

namespace {

constexpr size_t kBlockSpans = 1'000'000;
constexpr size_t kRequestSpans = 512;
constexpr uint64_t kBudgetBytes = uint64_t{4} << 30;

size_t number_from(const char* variable, size_t usual) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

const clew::scan::testing::ScatteredSnapshot& world() {
  static const auto made = [] {
    const size_t spans = number_from("CLEW_BENCH_SPANS", 2'000'000);
    const size_t head_spans = number_from("CLEW_BENCH_HEAD_SPANS", 100'000);
    auto world = std::make_unique<clew::scan::testing::ScatteredSnapshot>();
    auto head = std::make_shared<clew::store::Head>();
    size_t given = 0;
    size_t in_head = 0;
    const auto seal = [&] {
      world->add_block(*head);
      head = std::make_shared<clew::store::Head>();
      in_head = 0;
    };
    clew::bench::for_each_renewed_request(spans, kRequestSpans, [&](const auto& request, clew::UnixNanos received) {
      head->append(request, received);
      in_head += request.span_count();
      given += request.span_count();
      const bool for_blocks = given + head_spans < spans;
      if (in_head >= kBlockSpans && for_blocks) seal();
      if (!for_blocks && in_head > head_spans && given - request.span_count() + head_spans < spans) seal();
    });
    world->add_head(*head);
    return world;
  }();
  return *made;
}

void search(benchmark::State& state, const std::string& text) {
  const clew::store::Snapshot& snapshot = world().snapshot();
  if (snapshot.span_count() == 0) {
    state.SkipWithError("no recorded data: set CLEW_TEST_DATA");
    return;
  }
  clew::query::ParseResult query = clew::query::parse(text);
  if (!query.ok()) {
    state.SkipWithError(clew::query::to_string(query.error()).c_str());
    return;
  }
  clew::MemoryBudget budget(kBudgetBytes);
  clew::scan::SearchAnswer found;
  for (auto _ : state) {
    auto answer = clew::scan::search(snapshot, query.query(), {}, budget);
    if (answer.ok()) found = std::move(*answer);
  }
  if (!found.complete()) state.SkipWithError(found.partial_reason.c_str());
  state.counters["traces"] = static_cast<double>(found.traces.size());
  state.counters["evaluated"] = static_cast<double>(found.spans_inspected);
  state.counters["MB_read"] = static_cast<double>(found.bytes_read) / 1e6;
  state.counters["per_span"] =
      benchmark::Counter(static_cast<double>(snapshot.span_count()),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// Traces of all ages, one after the other.
void read_trace(benchmark::State& state) {
  const clew::store::Snapshot& snapshot = world().snapshot();
  clew::MemoryBudget budget(kBudgetBytes);
  std::vector<clew::model::TraceId> ids;
  for (const auto& block : snapshot.blocks) {
    const auto visit = [&](std::span<const clew::model::TraceId> some) {
      for (size_t i = 0; i < some.size(); i += 997) ids.push_back(some[i]);
      return true;
    };
    if (!block->block().for_each_trace_id(visit).ok()) return state.SkipWithError("a block is damaged");
  }
  if (ids.empty()) return state.SkipWithError("no blocks");
  size_t next = 0;
  size_t spans = 0;
  for (auto _ : state) {
    const auto trace = clew::scan::read_trace(snapshot, ids[next++ % ids.size()], budget);
    if (trace.ok() && *trace) spans += (*trace)->spans.span_count();
  }
  state.counters["spans"] = static_cast<double>(spans) / static_cast<double>(next);
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
    {"id_one", R"({ span.app.order.id = "no such order" })"},
    {"regex_name_and_status", R"({ name =~ ".*[Cc]heckout.*" && status = error })"},
    {"descendant_services",
     R"({ resource.service.name = "frontend" } >> { resource.service.name = "product-catalog" })"},
    {"descendant_services_none",
     R"({ resource.service.name = "product-catalog" } >> { resource.service.name = "frontend" })"},
    {"error_child", R"({ status = error } > { status = error })"},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Case& each : kCases) {
    benchmark::RegisterBenchmark(each.name, [query = std::string(each.query)](benchmark::State& state) {
      search(state, query);
    })->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("read_trace", read_trace)->Unit(benchmark::kMicrosecond);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
