// SPDX-License-Identifier: Apache-2.0
//
// Proves of the gRPC door and client together: messages and statuses pass unchanged, limits of size, time and number
// hold, unknown methods and given-up calls have an answer, and draining lets calls in flight finish.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "net/grpc_client.h"
#include "net/grpc_server.h"
#include "net/testing/http2_sender.h"

namespace clew::net {
namespace {

using namespace std::chrono_literals;
using testing::Http2Sender;

class GrpcTest : public ::testing::Test {
 protected:
  void start(GrpcServer::Options options = {}) {
    options.address = {"127.0.0.1", 0};
    options.setting = "listen.test";
    server_ = std::make_unique<GrpcServer>(options);
    server_->method(
        "/t.T/Echo",
        [](const std::shared_ptr<GrpcCall>& call) {
          call->reply(std::string(call->metadata("x-prefix")) + std::string(as_text(call->message())));
        },
        [](const GrpcCall& call) -> std::optional<GrpcRefusal> {
          if (call.metadata("x-refuse").empty()) return std::nullopt;
          return GrpcRefusal{Code::Unauthenticated, "who are you?", "details"};
        });
    server_->method("/t.T/Forget", [](const auto&) {});
    server_->method("/t.T/Later", [this](const auto& call) { waiting_.set_value(call); });
    ASSERT_TRUE(server_->start().ok());
  }
  GrpcAnswer call(std::string_view method, std::string_view body, GrpcClient::CallOptions options = {}) {
    GrpcClient client(server_->address().text(), {});
    return client.call(method, body, options);
  }

  std::promise<std::shared_ptr<GrpcCall>> waiting_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GrpcTest, PassesMessagesAndStatuses) {
  start();
  const GrpcAnswer echo = call("/t.T/Echo", "body", {.metadata = {{"x-prefix", "a "}}});
  EXPECT_EQ(echo.status, 0) << echo.message;
  EXPECT_EQ(echo.body, "a body");
  EXPECT_EQ(call("/t.T/Echo", "").status, 0);
  EXPECT_EQ(call("/t.T/Echo", std::string(3 << 20, 'x')).body, std::string(3 << 20, 'x'));
  const GrpcAnswer refused = call("/t.T/Echo", "body", {.metadata = {{"x-refuse", "1"}}});
  EXPECT_EQ(refused.status, static_cast<int>(Code::Unauthenticated));
  EXPECT_EQ(refused.message, "who are you?");
  EXPECT_EQ(refused.details, "details");
  EXPECT_EQ(call("/t.T/Nothing", "body").status, static_cast<int>(Code::Unimplemented));
  EXPECT_EQ(call("/t.T/Forget", "body").status, static_cast<int>(Code::Internal));
}

TEST_F(GrpcTest, LeavesMessagesCompressed) {
  start();
  GrpcClient client(server_->address().text(), {.gzip = true});
  const GrpcAnswer answer = client.call("/t.T/Echo", std::string(100'000, 'x'), {});
  EXPECT_EQ(answer.status, 0);
  EXPECT_LT(answer.body.size(), 2'000u);
  EXPECT_TRUE(answer.body.starts_with("\x1f\x8b"));
}

TEST_F(GrpcTest, RefusesLargeMessages) {
  start({.message_bytes_max = 1 << 20});
  EXPECT_EQ(call("/t.T/Echo", std::string(1 << 20, 'x')).status, 0);
  EXPECT_EQ(call("/t.T/Echo", std::string((1 << 20) + 1, 'x')).status, static_cast<int>(Code::ResourceExhausted));
}

TEST_F(GrpcTest, CutsMessagesThatDoNotArrive) {
  start({.read_limit = 200ms});
  Http2Sender sender(server_->address().port, "/t.T/Echo", 60 << 20);
  while (sender.received().find("did not arrive in time") == std::string::npos) ASSERT_TRUE(sender.wait());
  EXPECT_EQ(call("/t.T/Echo", "good").body, "good");
}

TEST_F(GrpcTest, OldReadersMakeRoomForNewOnes) {
  start({.reading_max = 4});
  std::vector<std::unique_ptr<Http2Sender>> senders;
  for (int i = 0; i < 4; ++i) {
    senders.push_back(std::make_unique<Http2Sender>(server_->address().port, "/t.T/Echo", 1 << 20));
    EXPECT_TRUE(senders.back()->wait());
  }
  // At first the patience with the old ones holds; then one of them goes.
  int status = 0;
  for (int i = 0; i < 100; ++i) {
    status = call("/t.T/Echo", "good").status;
    if (status == 0) break;
    EXPECT_EQ(status, static_cast<int>(Code::Unavailable));
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_EQ(status, 0);
}

TEST_F(GrpcTest, DrainFinishesWhatIsInFlight) {
  start();
  GrpcClient client(server_->address().text(), {});
  std::promise<GrpcAnswer> answered;
  client.call("/t.T/Later", "body", {}, [&](GrpcAnswer answer) { answered.set_value(std::move(answer)); });
  auto waiting = waiting_.get_future().get();
  auto drained = std::async(std::launch::async, [&] { server_->drain(5s); });
  waiting->reply("done");
  EXPECT_EQ(answered.get_future().get().body, "done");
  drained.get();
  EXPECT_EQ(client.call("/t.T/Echo", "x", {}).status, static_cast<int>(Code::Unavailable));
}

TEST_F(GrpcTest, DrainCutsCallsWhoseMessageIsArriving) {
  start();
  Http2Sender sender(server_->address().port, "/t.T/Echo", 1 << 20);
  EXPECT_TRUE(sender.wait());
  const auto began = std::chrono::steady_clock::now();
  server_->drain(100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(GrpcTest, TakenPortNamesAddressAndSetting) {
  start();
  GrpcServer other({.address = server_->address(), .setting = "listen.otlp_grpc"});
  const auto started = other.start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), Code::AlreadyExists);
  EXPECT_NE(started.error().what().find(server_->address().text()), std::string::npos);
  EXPECT_NE(started.error().what().find("listen.otlp_grpc"), std::string::npos);
}

}  // namespace
}  // namespace clew::net
