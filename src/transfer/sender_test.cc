// SPDX-License-Identifier: Apache-2.0
//
// What servers answer is read rightly, whoever they are, and a request is tried again exactly when that may help. The
// answers are those of decode/otlp/response.h; time is the test's.
#include "transfer/sender.h"

#include <gmock/gmock.h>

#include <vector>

#include "decode/otlp/response.h"

namespace clew::transfer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kSecond = kNanosPerSecond;

net::HttpAnswer http_answer(int status, const net::HttpFields& headers = {}, std::string body = "") {
  return {status, headers, std::move(body)};
}

TEST(Receipt, TellsPartsThatWereRejected) {
  decode::Verdict verdict;
  verdict.reject(decode::Reason::SpanId);
  verdict.explain();
  const std::string body = decode::otlp::encode_traces_response(verdict, decode::otlp::Encoding::Protobuf);
  for (const Receipt& receipt :
       {read_receipt(net::GrpcAnswer{0, "", "", body}), read_receipt(Result(http_answer(200, {}, body)))}) {
    EXPECT_TRUE(receipt.accepted());
    EXPECT_EQ(receipt.rejected_spans, 1u);
    EXPECT_EQ(receipt.message, verdict.reason);
  }
}

TEST(Receipt, TellsWhenToComeBack) {
  const Error busy(Code::Unavailable, "full");
  const std::string details =
      decode::otlp::encode_status(busy, std::chrono::milliseconds(2500), decode::otlp::Encoding::Protobuf);
  const Receipt grpc = read_receipt(net::GrpcAnswer{14, "full", details, ""});
  EXPECT_TRUE(grpc.arrived);
  EXPECT_TRUE(grpc.retryable);
  EXPECT_EQ(grpc.refusal, "UNAVAILABLE");
  EXPECT_EQ(grpc.retry_after_nanos, 2'500 * kNanosPerMilli);
  const Receipt http = read_receipt(
      Result(http_answer(503, {{"Content-Type", "application/x-protobuf"}, {"Retry-After", "7"}}, details)));
  EXPECT_TRUE(http.retryable);
  EXPECT_EQ(http.message, "full");
  EXPECT_EQ(http.retry_after_nanos, 7 * kSecond);
  EXPECT_TRUE(read_receipt(Result(http_answer(429))).retryable);
}

TEST(Receipt, TellsWhatIsFinal) {
  EXPECT_FALSE(read_receipt(Result(http_answer(400))).retryable);
  EXPECT_FALSE(read_receipt(Result(http_answer(413))).retryable);
  EXPECT_FALSE(read_receipt(net::GrpcAnswer{3, "no", "", ""}).retryable);
  // Too large, unless the server says when to come back (OTLP/gRPC throttling).
  EXPECT_FALSE(read_receipt(net::GrpcAnswer{8, "too large", "", ""}).retryable);
}

TEST(Receipt, TellsThatNobodyAnswered) {
  EXPECT_FALSE(read_receipt(net::GrpcAnswer{14, "connection refused", "", ""}).arrived);
  EXPECT_FALSE(read_receipt(Result<net::HttpAnswer>(Error(Code::Unavailable, "refused"))).arrived);
}

// Answers in turn, the last one again and again; records what was waited.
struct Server {
  std::vector<Receipt> answers;
  std::vector<uint64_t> waits = {};
  size_t calls = 0;
  bool interrupted = false;

  Receipt deliver_with(Patience& patience) {
    return deliver([this] { return answers[std::min(calls++, answers.size() - 1)]; }, patience,
                   [this](uint64_t nanos) {
                     waits.push_back(nanos);
                     return !interrupted;
                   });
  }
};

Receipt busy(std::optional<uint64_t> after = std::nullopt) {
  return {.arrived = true,
          .refusal = "503",
          .message = "",
          .rejected_spans = 0,
          .retryable = true,
          .retry_after_nanos = after};
}
Receipt silence() {
  return {.arrived = false,
          .refusal = "UNAVAILABLE",
          .message = "",
          .rejected_spans = 0,
          .retryable = true,
          .retry_after_nanos = std::nullopt};
}

TEST(Deliver, WaitsAsTheServerSaid) {
  Server server = {{busy(3 * kSecond), busy(), busy(), Receipt{}}};
  Patience patience;
  EXPECT_TRUE(server.deliver_with(patience).accepted());
  EXPECT_THAT(server.waits, ElementsAre(3 * kSecond, 2 * kFirstBackoffNanos, 4 * kFirstBackoffNanos));
}

TEST(Deliver, EndsWhenPatienceIsOver) {
  Server server = {{busy(25 * kSecond)}};
  Patience patience;
  EXPECT_FALSE(server.deliver_with(patience).accepted());
  EXPECT_THAT(server.waits, ElementsAre(25 * kSecond, 25 * kSecond));
}

TEST(Deliver, DoesNotTryAgainWhatIsFinal) {
  Receipt refused = busy();
  refused.retryable = false;
  Server server = {{refused}};
  Patience patience;
  EXPECT_FALSE(server.deliver_with(patience).accepted());
  EXPECT_THAT(server.waits, IsEmpty());
}

TEST(Deliver, TakesSilenceForFinalUntilTheServerWasThere) {
  Server never = {{silence()}};
  Patience patience;
  EXPECT_FALSE(never.deliver_with(patience).accepted());
  EXPECT_EQ(never.calls, 1u);
  Server restarted = {{Receipt{}, silence(), Receipt{}}};
  EXPECT_TRUE(restarted.deliver_with(patience).accepted());
  EXPECT_TRUE(restarted.deliver_with(patience).accepted());
  EXPECT_EQ(restarted.calls, 3u);
}

TEST(Deliver, EndsWhenTheUserWants) {
  Server server = {{busy()}};
  server.interrupted = true;
  Patience patience;
  EXPECT_FALSE(server.deliver_with(patience).accepted());
  EXPECT_EQ(server.calls, 1u);
}

TEST(Target, IsGrpcOrHttp) {
  EXPECT_EQ(transport_of("grpc://localhost:4317").value(), Transport::Grpc);
  EXPECT_EQ(transport_of("http://localhost:4318").value(), Transport::Http);
  for (const char* wrong : {"", "localhost:4317", "https://localhost:4318", "grpc://", "grpc://localhost"})
    EXPECT_FALSE(transport_of(wrong).ok()) << wrong;
  EXPECT_FALSE(Sender::to("http://", {}).ok());
}

}  // namespace
}  // namespace clew::transfer
