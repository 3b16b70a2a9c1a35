// SPDX-License-Identifier: Apache-2.0
//
// Runs every scenario file of this folder three times: against the head of a store that has just acknowledged the
// spans; after the store was closed and opened again, so that its head comes from the journal; and with the spans
// thrown into two blocks and two heads, some of them twice. README.md has the form.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <ostream>

#include "base/metrics.h"
#include "platform/real_file_system.h"
#include "platform/system_clock.h"
#include "query/parse.h"
#include "scan/search.h"
#include "scan/testing/scattered_snapshot.h"
#include "scenario.h"
#include "store/store.h"

namespace clew::scenario {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBudgetBytes = 256 << 20;
constexpr std::string_view kTenant = "default";

enum class Source { Head, Restart, Scattered };

struct Case {
  fs::path file;
  Source source;
};

// How GoogleTest names a case in a failure.
void PrintTo(const Case& each, std::ostream* out) { *out << each.file.filename().string(); }

// A folder that goes with its owner.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "clew-scenario-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<store::Store> open_store(const std::string& folder, MemoryBudget& budget, Metrics& metrics) {
  store::Options options;
  options.journal_segment_bytes = 1 << 20;
  options.free_space_floor_bytes = 0;
  auto opened =
      store::Store::open(platform::real_file_system(), folder, options, platform::system_clock(), budget, metrics);
  EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().what());
  return opened.ok() ? std::move(*opened) : nullptr;
}

void submit(store::Store& store, const Request& request) {
  std::promise<void> done;
  store::Submission submission;
  submission.tenant = kTenant;
  submission.received = request.received;
  submission.spans = eval::testing::batch_of(request.spans);
  submission.done = [&](const Result<void>& result) {
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().what());
    done.set_value();
  };
  store.submit(std::move(submission));
  done.get_future().wait();
}

std::string services_text(const scan::FoundTrace& trace) {
  std::string text;
  for (const scan::ServiceCount& service : trace.services) {
    text += (text.empty() ? "" : ",") + service.name + ":" + std::to_string(service.spans);
  }
  return text;
}

void expect_trace(const ExpectedTrace& expected, const scan::FoundTrace& found, const model::SpanBatch& spans) {
  SCOPED_TRACE("trace " + expected.id.hex());
  EXPECT_EQ(found.id.hex(), expected.id.hex());
  if (expected.matched) {
    std::vector<std::string> ids;
    std::vector<std::string> wanted;
    for (uint32_t i = 0; i < found.shown_count; ++i) ids.push_back(spans.span_id[found.first_span + i].hex());
    for (const model::SpanId id : *expected.matched) wanted.push_back(id.hex());
    EXPECT_EQ(ids, wanted);
    EXPECT_EQ(found.matched_count, expected.of.value_or(static_cast<uint32_t>(wanted.size())));
  }
  if (expected.root) EXPECT_EQ(found.root_name.value_or(""), *expected.root);
  if (expected.service) EXPECT_EQ(found.root_service.value_or(""), *expected.service);
  if (expected.spans) EXPECT_EQ(found.span_count, *expected.spans);
  if (expected.errors) EXPECT_EQ(found.error_count, *expected.errors);
  if (expected.duration_nanos) EXPECT_EQ(found.duration_nanos(), *expected.duration_nanos);
  if (expected.services) EXPECT_EQ(services_text(found), *expected.services);
}

Result<scan::SearchAnswer> ask(const std::optional<store::Snapshot>& snapshot, const Step& step,
                               const std::string& page, MemoryBudget& budget) {
  const query::ParseResult parsed = query::parse(step.query);
  if (!parsed.ok()) return Error(Code::InvalidArgument, query::to_string(parsed.error()));
  scan::SearchOptions options = step.options;
  if (step.is_next_page) options.page = page;
  if (!snapshot) return Error(Code::NotFound, "no span has arrived");
  return scan::search(*snapshot, parsed.query(), options, budget);
}

void run(const Scenario& scenario, const std::optional<store::Snapshot>& snapshot, MemoryBudget& budget) {
  std::string page;
  for (const Step& step : scenario.steps) {
    SCOPED_TRACE("line " + std::to_string(step.line) + ": " + step.query);
    const auto answer = ask(snapshot, step, page, budget);
    if (step.error) {
      EXPECT_FALSE(answer.ok()) << "an error was expected: " << *step.error;
      if (!answer.ok()) EXPECT_NE(answer.error().what().find(*step.error), std::string::npos) << answer.error().what();
      continue;
    }
    ASSERT_TRUE(answer.ok()) << answer.error().what();
    EXPECT_EQ(answer->partial_reason, "");
    std::string found;
    for (const scan::FoundTrace& trace : answer->traces) found += " " + trace.id.hex();
    ASSERT_EQ(answer->traces.size(), step.traces.size()) << "found" << found;
    for (size_t i = 0; i < step.traces.size(); ++i) expect_trace(step.traces[i], answer->traces[i], answer->spans);
    EXPECT_EQ(!answer->next_page.empty(), step.more) << "is there a next page?";
    page = answer->next_page;
  }
}

// Every span goes to the next part; every third one comes again, later and elsewhere.
std::unique_ptr<scan::testing::ScatteredSnapshot> scatter(const Scenario& scenario) {
  constexpr size_t kBlocks = 2;
  std::vector<std::shared_ptr<store::Head>> parts(4);
  for (auto& part : parts) part = std::make_shared<store::Head>();
  size_t next = 0;
  for (const Request& request : scenario.requests) {
    for (const eval::testing::PlainSpan& span : request.spans) {
      const model::SpanBatch batch = eval::testing::batch_of(std::span(&span, 1));
      parts[next % parts.size()]->append(batch, request.received);
      if (next % 3 == 0) parts[(next + 1) % parts.size()]->append(batch, request.received + kNanosPerMilli);
      ++next;
    }
  }
  return std::make_unique<scan::testing::ScatteredSnapshot>(parts, kBlocks);
}

class ScenarioTest : public ::testing::TestWithParam<Case> {};

TEST_P(ScenarioTest, Holds) {
  std::ifstream file(GetParam().file);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const Result<Scenario> scenario = read_scenario(text);
  ASSERT_TRUE(scenario.ok()) << GetParam().file << ": " << scenario.error().what();

  MemoryBudget budget(kBudgetBytes);
  if (GetParam().source == Source::Scattered) {
    const auto scattered = scatter(*scenario);
    const bool any = scattered->snapshot().span_count() > 0;
    return run(*scenario, any ? std::optional(scattered->snapshot()) : std::nullopt, budget);
  }
  const Folder folder;
  Metrics metrics;
  std::unique_ptr<store::Store> store = open_store(folder.path(), budget, metrics);
  ASSERT_NE(store, nullptr);
  for (const Request& request : scenario->requests) submit(*store, request);
  if (GetParam().source == Source::Restart) {
    store.reset();
    store = open_store(folder.path(), budget, metrics);
    ASSERT_NE(store, nullptr);
  }
  run(*scenario, store->snapshot(kTenant), budget);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const fs::directory_entry& entry : fs::directory_iterator(CLEW_SCENARIO_FOLDER)) {
    if (entry.path().extension() != ".clew") continue;
    cases.push_back({entry.path(), Source::Head});
    cases.push_back({entry.path(), Source::Restart});
    cases.push_back({entry.path(), Source::Scattered});
  }
  std::ranges::sort(
      cases, [](const Case& a, const Case& b) { return std::tie(a.file, a.source) < std::tie(b.file, b.source); });
  return cases;
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  std::string name = info.param.file.stem().string();
  std::ranges::replace(name, '-', '_');
  constexpr const char* kSources[] = {"_head", "_restart", "_scattered"};
  return name + kSources[static_cast<size_t>(info.param.source)];
}

INSTANTIATE_TEST_SUITE_P(Files, ScenarioTest, ::testing::ValuesIn(all_cases()), name_of);

}  // namespace
}  // namespace clew::scenario
