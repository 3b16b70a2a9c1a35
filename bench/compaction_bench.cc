// SPDX-License-Identifier: Apache-2.0
//
// What a compaction costs: nanoseconds of processor time and of the clock a span, bytes a span before and after, and
// memory above what the process had. Blocks are made as seals make them from spans of `clew load`'s profiles; of three
// traces in a hundred the later half lies in the next block, and some of it in both.
//
//   clew_compaction_bench folder [spans [blocks [demo|fat [apart|together]]]]
//
// apart: each block has its own time, as seals have that follow one another. together: all have the same, the worst
// case, since then all inputs are open at once. The blocks stay in the folder until the next run.
#include <fmt/format.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "app/load_source.h"
#include "base/memory_budget.h"
#include "block/block.h"
#include "block/row_order.h"
#include "block/writer.h"
#include "model/trace_summary.h"
#include "object/local_folder.h"
#include "platform/real_file_system.h"
#include "store/compactor.h"
#include "store/object_bytes.h"

namespace {

using namespace clew;  // NOLINT(google-build-using-namespace)
using model::SpanBatch;

constexpr uint64_t kBudgetBytes = uint64_t{4} << 30;

struct Setting {
  std::string folder;
  size_t spans = 2'000'000;
  size_t blocks = 8;
  app::Profile profile = app::Profile::Demo;
  bool together = false;
};

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// A field of /proc/self/status in bytes.
uint64_t memory_of(const char* field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::strtoull(line.c_str() + std::strlen(field) + 1, nullptr, 10) << 10;
  return 0;
}

void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::string name_of(const char* kind, size_t number) { return fmt::format("{}/{}", kind, number); }

template <class T>
T must(Result<T> result) {
  if (result.ok()) return std::move(*result);
  fmt::print(stderr, "{}\n", result.error().what());
  std::exit(1);
}
void must(Result<void> result) {
  if (result.ok()) return;
  fmt::print(stderr, "{}\n", result.error().what());
  std::exit(1);
}

// Writes one block; what of its traces comes later goes to `carry`.
void make_block(object::ObjectStore& objects, const Setting& setting, size_t number, UnixNanos& later, SpanBatch& carry,
                std::vector<model::TraceId>& split) {
  SpanBatch spans;
  spans.append(carry);
  carry = SpanBatch();
  const size_t carried = spans.span_count();
  {
    SpanBatch made = app::make_spans(setting.profile, 1000 + number, setting.spans / setting.blocks);
    for (size_t row = 0; row < made.span_count(); ++row) {
      made.start[row] += later;
      made.end[row] += later;
    }
    for (size_t i = 0; i < made.events.size(); ++i) made.events[i].time += later;
    spans.append(made);
    if (!setting.together) later += made.start.back() - made.start[0];
  }
  std::map<model::TraceId, std::vector<uint32_t>> traces;
  for (uint32_t row = 0; row < spans.span_count(); ++row) traces[spans.trace_id[row]].push_back(row);
  block::TraceLayout layout(spans);
  std::vector<model::TraceId> split_before;
  split_before.swap(split);
  for (auto& [id, rows] : traces) {
    if (id.high % 100 < 3 && rows.front() >= carried && rows.size() > 1) {
      const size_t half = rows.size() / 2;
      carry.append_rows(spans, std::span(rows).subspan(half));
      split.push_back(id);
      if (id.high % 5 != 0) rows.resize(half);  // else: retried, it lies in both
    }
    const uint8_t flags = std::ranges::binary_search(split_before, id) ? block::kIsElsewhere : 0;
    const UnixNanos arrived = spans.end[rows.back()];
    model::TraceSummary summary = model::first_summary(id, arrived);
    for (const uint32_t row : rows) model::add_span(summary, spans.start[row], spans.end[row], arrived);
    layout.add(summary, rows, flags);
  }
  const auto upload = must(objects.upload(name_of("in", number)));
  store::UploadSink sink(*upload);
  block::Writer writer(sink, {});
  must(layout.write(writer));
  must(writer.finish());
  must(upload->commit());
}

void make_blocks(const Setting& setting) {
  const auto objects = must(object::open_local_folder(platform::real_file_system(), setting.folder));
  SpanBatch carry;
  std::vector<model::TraceId> split;
  UnixNanos later = 0;
  for (size_t i = 0; i < setting.blocks; ++i) make_block(*objects, setting, i, later, carry, split);
}

void compact(const Setting& setting) {
  const auto objects = must(object::open_local_folder(platform::real_file_system(), setting.folder));
  MemoryBudget budget(kBudgetBytes);
  block::Cache cache(budget);
  store::CompactionJob job;
  for (size_t i = 0; i < setting.blocks; ++i) {
    const std::string name = name_of("in", i);
    const uint64_t bytes = must(objects->read_end(name, 1)).object_bytes;
    const auto source = std::make_shared<store::ObjectSource>(*objects, name, bytes);
    job.inputs.push_back({i, must(block::Block::open(source, cache))});
  }
  size_t next = 0;
  job.new_output = [&]() -> Result<store::CompactionOutput> {
    const size_t id = next++;
    return store::CompactionOutput{id, TRY(objects->upload(name_of("out", id)))};
  };
  job.is_outside = [](const model::TraceId&) { return false; };
  job.level = 1;

  const uint64_t before = memory_of("VmRSS");
  reset_peak();
  std::atomic<bool> stop = false;
  uint64_t reserved = 0;
  uint64_t cached = 0;
  std::thread watch([&] {
    while (!stop) {
      reserved = std::max(reserved, budget.used(Share::Compaction));
      cached = std::max(cached, budget.used(Share::Caches));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  const double clock = seconds(CLOCK_MONOTONIC);
  const std::atomic<bool> never = false;
  store::Compactor compactor(budget, never);
  const store::CompactionResult result = must(compactor.run(job));
  const double cpu_nanos = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e9;
  const double clock_nanos = (seconds(CLOCK_MONOTONIC) - clock) * 1e9;
  const uint64_t peak = memory_of("VmHWM") - before;
  stop = true;
  watch.join();
  const auto spans = static_cast<double>(result.spans_in);
  fmt::print("spans {} in, {} out, {} duplicates; traces joined {}, left apart {}; blocks {} in, {} out\n",
             result.spans_in, result.spans_out, result.duplicates, result.traces_joined, result.traces_left_apart,
             result.inputs.size(), result.outputs.size());
  fmt::print("a span: {:.0f} ns of processor, {:.0f} ns of the clock; {:.2f} bytes before, {:.2f} after\n",
             cpu_nanos / spans, clock_nanos / spans, static_cast<double>(result.bytes_in) / spans,
             static_cast<double>(result.bytes_out) / static_cast<double>(result.spans_out));
  fmt::print("memory: {} MiB above the rest at the peak, {} MiB reserved, {} MiB of caches\n", peak >> 20,
             reserved >> 20, cached >> 20);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: clew_compaction_bench folder [spans [blocks [demo|fat [apart|together]]]]\n");
    return 2;
  }
  Setting setting{.folder = argv[1]};
  if (argc > 2) setting.spans = std::strtoull(argv[2], nullptr, 10);
  if (argc > 3) setting.blocks = std::strtoull(argv[3], nullptr, 10);
  if (argc > 4 && std::string_view(argv[4]) == "fat") setting.profile = app::Profile::Fat;
  if (argc > 5) setting.together = std::string_view(argv[5]) == "together";
  // In another process, so that its memory is not in the figures.
  if (const pid_t child = fork(); child == 0) {
    make_blocks(setting);
    std::_Exit(0);
  } else {
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  compact(setting);
  return 0;
}
