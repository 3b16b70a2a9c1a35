// SPDX-License-Identifier: Apache-2.0
//
// Proves that senders who announce much and send it slowly, or never, cannot keep others out: what is reserved and what
// the process really holds stay bounded, small requests get through, other ports answer, and too many requests at once
// are refused with a delay and not queued without end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "net/grpc_client.h"
#include "net/http_client.h"
#include "net/testing/http2_sender.h"
#include "receive/testing/doors.h"

namespace clew::receive {
namespace {

using namespace std::chrono_literals;
using net::GrpcClient;
using net::HttpClient;
using net::testing::Http2Sender;
using net::testing::RawSocket;
using testing::Doors;
using testing::FakeStore;
using testing::trace_request;

constexpr int kStalled = 200;
constexpr uint64_t kBudget = 640 << 20;  // 64 MiB in flight
constexpr char kProtobuf[] = "application/x-protobuf";
constexpr char kTraceExport[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

uint64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "RssAnon:") continue;
    uint64_t kib = 0;
    status >> kib;
    return kib << 10;
  }
  return 0;
}

// Shadow memory and quarantine are not what is measured.
constexpr bool kSanitized =
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

TEST(Overload, HalfSentHttpRequestsDoNotKeepOthersOut) {
  Doors doors({}, kBudget, {.progress = 3s});
  net::HttpServer health({.address = {"127.0.0.1", 0}, .setting = "listen.http"});
  health.route("GET", "/healthz", [](auto exchange) { exchange->respond({.body = "ok"}); });
  ASSERT_TRUE(health.start().ok());

  // What is let go goes back to the system at once, so that what is measured is what is held.
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
  const uint64_t before = anonymous_bytes();
  const std::string part(64 << 10, 'x');
  std::vector<RawSocket> stalled;
  for (int i = 0; i < kStalled; ++i) {
    stalled.emplace_back(doors.http->address().port);
    ASSERT_TRUE(
        stalled.back().send("POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
                            "Content-Length: 20000000\r\n\r\n"));
  }
  HttpClient good = MUST(HttpClient::to("http://" + doors.http->address().text()));
  HttpClient probe = MUST(HttpClient::to("http://" + health.address().text()));
  const std::string small = trace_request(100);
  uint64_t most = 0;
  uint64_t spans = 0;
  for (int round = 0; round < 48; ++round) {  // up to 3 MiB each: ten times the share
    for (RawSocket& socket : stalled) socket.send_some(part);
    const auto answer = good.post("/v1/traces", small, kProtobuf);
    ASSERT_TRUE(answer.ok());
    ASSERT_EQ(answer->status, 200) << round;
    spans += 100;
    ASSERT_EQ(probe.get("/healthz")->status, 200);
    most = std::max(most, doors.budget.used(Share::InFlight));
  }
  EXPECT_LE(most, doors.budget.limit(Share::InFlight));
  EXPECT_GT(most, doors.budget.limit(Share::InFlight) / 4);
  if (!kSanitized) {
    EXPECT_LE(anonymous_bytes() - before, doors.budget.limit(Share::InFlight) + (64 << 20));
  }
  EXPECT_EQ(doors.store.spans(), spans);
  // Whoever was not refused is cut in the end, and everything is given back.
  EXPECT_EQ(doors.in_flight(), 0u);
}

TEST(Overload, HalfSentGrpcRequestsDoNotKeepOthersOut) {
  Doors doors({}, kBudget);
  const uint64_t before = anonymous_bytes();
  std::vector<std::unique_ptr<Http2Sender>> stalled;
  for (int i = 0; i < kStalled; ++i) {
    stalled.push_back(std::make_unique<Http2Sender>(doors.grpc->address().port, kTraceExport, 20'000'000));
  }
  GrpcClient good(doors.grpc->address().text(), {});
  const std::string small = trace_request(100);
  uint64_t pushed = 0;
  uint64_t most = 0;
  int through = 0;
  int alive = 0;
  const auto until = std::chrono::steady_clock::now() + 8s;
  while (std::chrono::steady_clock::now() < until) {
    alive = 0;
    for (const auto& sender : stalled) {
      pushed += sender->pump(256 << 10);
      alive += sender->alive() ? 1 : 0;
    }
    most = std::max(most, anonymous_bytes() - before);
    if (good.call(kTraceExport, small, {.timeout = 5s}).status == 0) ++through;
  }
  if (!kSanitized) EXPECT_LE(most, doors.budget.limit(Share::InFlight) + (96 << 20));
  EXPECT_GT(pushed, doors.budget.limit(Share::InFlight) / 2);
  EXPECT_GT(through, 0);
  EXPECT_LT(alive, 20);  // the others were cut
}

TEST(Overload, ManyRequestsAtOnceAreRefusedAndNotQueuedWithoutEnd) {
  Doors doors({.workers = 1, .queue_max = 8}, kBudget);
  GrpcClient client(doors.grpc->address().text(), {});
  const std::string body = trace_request(2000);
  std::atomic<int> ok{0};
  std::atomic<int> unavailable{0};
  std::atomic<int> with_delay{0};
  std::atomic<int> other{0};
  {
    GrpcClient many(doors.grpc->address().text(), {});
    for (int i = 0; i < 500; ++i) {
      many.call(kTraceExport, body, {}, [&](const net::GrpcAnswer& answer) {
        if (answer.status == 0) {
          ++ok;
        } else if (answer.status == static_cast<int>(Code::Unavailable)) {
          ++unavailable;
          with_delay += answer.details.find("RetryInfo") != std::string::npos;
        } else {
          ++other;
        }
      });
    }
  }
  EXPECT_EQ(ok + unavailable, 500);
  EXPECT_EQ(other, 0);
  EXPECT_GT(ok, 0);
  EXPECT_EQ(with_delay, unavailable);
  EXPECT_EQ(doors.store.spans(), static_cast<uint64_t>(ok) * 2000);
  EXPECT_EQ(doors.in_flight(), 0u);
}

TEST(Overload, LargeRequestsLeaveRoomForSmallOnes) {
  MemoryBudget budget(100 << 20);  // 10 MiB in flight, 7.5 for large ones
  std::vector<std::unique_ptr<RequestMemory>> large;
  while (true) {
    auto memory = std::make_unique<RequestMemory>(budget);
    if (!memory->grow(2 << 20)) break;
    large.push_back(std::move(memory));
  }
  EXPECT_EQ(large.size(), 3u);
  RequestMemory small(budget);
  EXPECT_TRUE(small.grow(kSmallRequestBytes));
  EXPECT_FALSE(small.grow(1 << 20));  // no longer small
  EXPECT_EQ(small.bytes(), kSmallRequestBytes);
}

// A body that inflates to the largest size, alone, is taken and not refused for ever.
TEST(Overload, TheLargestBodyIsTaken) {
  Doors doors({}, uint64_t{1} << 31);
  ASSERT_EQ(doors.intake.body_bytes_max(), 64u << 20);
  const std::string body = trace_request(60'000, 0, std::string(1'000, 'n'));
  codec::Deflater deflater;
  GrpcClient client(doors.grpc->address().text(), {});
  EXPECT_EQ(client.call(kTraceExport, deflater.deflate(codec::Encoding::Zstd, body), {}).status, 0);
  EXPECT_EQ(client.call(kTraceExport, body, {}).status, 0);
  EXPECT_EQ(doors.store.spans(), 120'000u);
}

}  // namespace
}  // namespace clew::receive
