// SPDX-License-Identifier: Apache-2.0
//
// Proves that the HTTP client gets every kind of answer whole, keeps and reopens its connection, and never waits
// longer than it was told.
#include "net/http_client.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "net/http_server.h"

namespace clew::net {
namespace {

using namespace std::chrono_literals;

class HttpClientTest : public ::testing::Test {
 protected:
  void SetUp() override { start(0); }
  void start(uint16_t port) {
    server_ = std::make_unique<HttpServer>(HttpServer::Options{.address = {"127.0.0.1", port}, .setting = "t"});
    server_->route("GET", "/p/hello", [](auto exchange) {
      exchange->respond({.body = "hello " + exchange->request().query_value("who").value_or("nobody")});
    });
    server_->route("POST", "/p/echo", [](auto exchange) {
      exchange->respond({.status = 202, .body = exchange->request().body, .headers = {{"X-Answer", "yes"}}});
    });
    server_->route("GET", "/p/stream", [this](auto exchange) {
      streamer_ = std::async(std::launch::async, [exchange] {
        exchange->begin({});
        for (int i = 0; i < 100; ++i) exchange->write(std::string(10'000, 'x'));
        exchange->end();
      });
    });
    server_->route("GET", "/p/never", [this](auto exchange) { kept_ = std::move(exchange); });
    ASSERT_TRUE(server_->start().ok());
  }
  HttpClient client(const HttpClient::Options& options = {}) {
    return MUST(HttpClient::to("http://" + server_->address().text() + "/p", options));
  }

  std::future<void> streamer_;
  std::shared_ptr<HttpExchange> kept_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpClientTest, GetsAnswersWhole) {
  HttpClient http = client();
  EXPECT_EQ(http.get("/hello?who=a%20b")->body, "hello a b");
  const auto posted = http.post("/echo", "body", "text/plain");
  EXPECT_EQ(posted->status, 202);
  EXPECT_EQ(posted->body, "body");
  EXPECT_EQ(posted->header("x-answer"), "yes");
  EXPECT_EQ(http.get("/nowhere")->status, 404);
  EXPECT_EQ(http.get("/stream")->body, std::string(1'000'000, 'x'));
  EXPECT_EQ(http.post("/echo", std::string(1 << 20, 'x'), "text/plain")->status, 413);
  EXPECT_EQ(http.get("/hello")->body, "hello nobody");
}

TEST_F(HttpClientTest, ReopensAConnectionThatTheServerClosed) {
  HttpClient http = client();
  ASSERT_TRUE(http.get("/hello").ok());
  const uint16_t port = server_->address().port;
  server_.reset();
  EXPECT_EQ(http.get("/hello").error().code(), Code::Unavailable);
  start(port);
  EXPECT_TRUE(http.get("/hello").ok());
  server_.reset();
  start(port);
  EXPECT_TRUE(http.get("/hello").ok());
}

TEST_F(HttpClientTest, HoldsToItsLimits) {
  HttpClient impatient = client({.timeout = 50ms});
  EXPECT_EQ(impatient.get("/never").error().code(), Code::DeadlineExceeded);
  HttpClient small = client({.answer_bytes_max = 1000});
  EXPECT_EQ(small.get("/stream").error().code(), Code::ResourceExhausted);
  EXPECT_EQ(small.get("/hello")->status, 200);
}

TEST_F(HttpClientTest, RefusesOtherUrls) {
  for (const char* url : {"", "localhost:80", "https://localhost", "http://", "http://h:x", "http://:80"}) {
    EXPECT_EQ(HttpClient::to(url).error().code(), Code::InvalidArgument) << url;
  }
}

}  // namespace
}  // namespace clew::net
