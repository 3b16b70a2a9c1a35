// SPDX-License-Identifier: Apache-2.0
//
// The shop is played against a clock that the test moves: what it sends depends on nothing else, and has in it what a
// newcomer should find: services, databases, queues, caches, retries, failures, two versions, links.
#include "demo/traffic.h"

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>

#include "decode/otlp/encode.h"
#include "demo/shop.h"

namespace clew::demo {
namespace {

using ::testing::IsSubsetOf;
using ::testing::SizeIs;

constexpr UnixNanos kStart = 1'795'200'536 * kNanosPerSecond;

model::SpanBatch played(uint64_t seed, uint64_t seconds, double rate = 50) {
  Traffic traffic({.seed = seed, .traces_per_second = rate, .start = kStart});
  model::SpanBatch all;
  for (uint64_t second = 1; second <= seconds; ++second)
    all.append(traffic.advance_to(kStart + second * kNanosPerSecond));
  return all;
}

std::string_view text_of(const model::SpanBatch& spans, const model::AttributeSet& set, std::string_view key) {
  const auto keys = spans.keys(set);
  for (size_t i = 0; i < keys.size(); ++i)
    if (spans.strings.at(keys[i].key()) == key && keys[i].type() == model::ValueType::String)
      return spans.strings.at(static_cast<model::StringId>(spans.slots[set.first_slot + i]));
  return "";
}

bool has(const model::SpanBatch& spans, size_t row, std::string_view key) {
  for (const model::KeyType each : spans.keys(spans.attributes(row)))
    if (spans.strings.at(each.key()) == key) return true;
  return false;
}

TEST(Traffic, DependsOnSeedAndTimeAlone) {
  const std::string once = decode::otlp::encode_traces_protobuf(played(7, 20));
  EXPECT_EQ(once, decode::otlp::encode_traces_protobuf(played(7, 20)));
  EXPECT_NE(once, decode::otlp::encode_traces_protobuf(played(8, 20)));
}

TEST(Traffic, SendsASpanWhenItHasEnded) {
  Traffic traffic({.seed = 1, .traces_per_second = 100, .start = kStart});
  UnixNanos last = 0;
  size_t spans = 0;
  for (UnixNanos now = kStart; now < kStart + 20 * kNanosPerSecond; now += kNanosPerSecond / 2) {
    const model::SpanBatch ended = traffic.advance_to(now);
    for (size_t row = 0; row < ended.span_count(); ++row) {
      EXPECT_GT(ended.end[row], last);
      EXPECT_LE(ended.end[row], now);
      EXPECT_GE(ended.end[row], ended.start[row]);
    }
    spans += ended.span_count();
    last = now;
  }
  EXPECT_GT(spans, 5'000u);
  EXPECT_GT(traffic.begun_count(), 1'500u);
  EXPECT_LT(traffic.begun_count(), 2'500u);
}

TEST(Traffic, LeavesOutWhatNobodyAskedForInTime) {
  Traffic traffic({.seed = 1, .traces_per_second = 100, .start = kStart});
  traffic.advance_to(kStart + 3600 * kNanosPerSecond);
  EXPECT_LT(traffic.begun_count(), 100 * 2 * kCatchUpNanos / kNanosPerSecond);
}

TEST(Traffic, HasNoLooseEnds) {
  Traffic traffic({.seed = 3, .traces_per_second = 50, .start = kStart});
  model::SpanBatch all;
  for (uint64_t second = 1; second <= 30; ++second) all.append(traffic.advance_to(kStart + second * kNanosPerSecond));
  std::set<std::pair<model::TraceId, model::SpanId>> known;
  for (size_t row = 0; row < all.span_count(); ++row)
    EXPECT_TRUE(known.emplace(all.trace_id[row], all.span_id[row]).second);
  // A parent ends after its child unless it hands over to a queue, so that only the last seconds miss some.
  const UnixNanos settled = kStart + 20 * kNanosPerSecond;
  for (size_t row = 0; row < all.span_count(); ++row) {
    if (all.parent_span_id[row].is_zero() || all.end[row] > settled) continue;
    EXPECT_TRUE(known.contains({all.trace_id[row], all.parent_span_id[row]}));
  }
}

TEST(Traffic, ShowsWhatTracingIsFor) {
  const model::SpanBatch spans = played(1, 120);
  std::set<std::string_view> services_seen, databases, queues, versions, languages;
  std::map<std::string_view, int> seen;
  for (size_t row = 0; row < spans.span_count(); ++row) {
    const model::AttributeSet resource = spans.resources[spans.resource[row]].attributes;
    services_seen.insert(text_of(spans, resource, "service.name"));
    languages.insert(text_of(spans, resource, "telemetry.sdk.language"));
    if (text_of(spans, resource, "service.name") == "payment")
      versions.insert(text_of(spans, resource, "service.version"));
    for (const char* key : {"service.instance.id", "k8s.pod.name", "host.name", "deployment.environment.name"})
      EXPECT_NE(text_of(spans, resource, key), "") << key;
    const model::AttributeSet set = spans.attributes(row);
    databases.insert(text_of(spans, set, "db.system.name"));
    queues.insert(text_of(spans, set, "messaging.system"));
    seen["failed"] += spans.status_code[row] == 2;
    seen["retried"] += has(spans, row, "rpc.retry.count");
    seen["cached"] += has(spans, row, "cache.hit");
    seen["linked"] += spans.links_end[row] > spans.links_begin(row);
    seen["exception"] += spans.events_end[row] > spans.events_begin(row);
    seen["job"] += spans.strings.at(spans.name[row]) == "write invoices";
  }
  EXPECT_THAT(services_seen, SizeIs(services().size()));
  EXPECT_GE(services_seen.size(), 12u);
  EXPECT_THAT((std::set<std::string_view>{"postgresql", "mysql", "redis", "mongodb", "opensearch"}),
              IsSubsetOf(databases));
  EXPECT_THAT((std::set<std::string_view>{"kafka", "rabbitmq"}), IsSubsetOf(queues));
  EXPECT_THAT(versions, SizeIs(2));
  EXPECT_GE(languages.size(), 6u);
  for (const char* what : {"failed", "retried", "cached", "linked", "exception", "job"})
    EXPECT_GT(seen[what], 0) << what;
  EXPECT_LT(static_cast<size_t>(seen["failed"]) * 10, spans.span_count());
}

TEST(Traffic, TheNewVersionOfPaymentIsSlower) {
  const model::SpanBatch spans = played(1, 300);
  std::map<std::string_view, std::pair<double, int>> by_version;
  for (size_t row = 0; row < spans.span_count(); ++row) {
    if (spans.strings.at(spans.name[row]) != "shop.payment/Charge" || spans.kind[row] != 2) continue;
    auto& [millis, count] =
        by_version[text_of(spans, spans.resources[spans.resource[row]].attributes, "service.version")];
    millis += static_cast<double>(spans.end[row] - spans.start[row]) / kNanosPerMilli;
    ++count;
  }
  ASSERT_THAT(by_version, SizeIs(2));
  const auto mean = [&](std::string_view version) { return by_version[version].first / by_version[version].second; };
  EXPECT_GT(mean("1.9.0"), 1.15 * mean("1.8.2"));
}

}  // namespace
}  // namespace clew::demo
