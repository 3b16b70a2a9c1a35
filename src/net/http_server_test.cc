// SPDX-License-Identifier: Apache-2.0
//
// Proves over real sockets that the HTTP door reads requests as RFC 9112 says, refuses what it must with the right
// status, holds to its limits of time, size and memory whatever the other side does, and drains.
#include "net/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "base/memory_budget.h"
#include "net/testing/raw_socket.h"

namespace clew::net {
namespace {

using namespace std::chrono_literals;
using testing::RawSocket;

class CountedMemory final : public BodyMemory {
 public:
  explicit CountedMemory(MemoryBudget& budget) : reservation_(budget, Share::InFlight) {}
  bool grow(uint64_t bytes) override { return reservation_.grow(bytes); }
  void shrink(uint64_t bytes) override { reservation_.shrink_to(reservation_.bytes() - bytes); }

 private:
  Reservation reservation_;
};

constexpr uint64_t kBodyMax = 1 << 20;

class HttpServerTest : public ::testing::Test {
 protected:
  // Echoes bodies on /echo (at most kBodyMax, paid from budget_), and a few other routes.
  void start(HttpServer::Options options = {}) {
    options.address = {"127.0.0.1", 0};
    options.setting = "listen.test";
    server_ = std::make_unique<HttpServer>(options);
    server_->route("GET", "/hello", [](auto exchange) { exchange->respond({.body = "hello"}); });
    server_->route(
        "POST", "/echo", [](auto exchange) { exchange->respond({.body = std::move(exchange->request().body)}); },
        [this](const HttpRequest& head) -> Admission {
          if (head.header("X-Refuse") == "1") return HttpResponse{.status = 401, .body = "who are you?"};
          return AcceptBody{kBodyMax, std::make_unique<CountedMemory>(budget_)};
        });
    server_->route("GET", "/forget", [](auto) {});
    server_->route("GET", "/later", [this](auto exchange) { waiting_.set_value(std::move(exchange)); });
    server_->route("GET", "/stream", [this](auto exchange) { waiting_.set_value(std::move(exchange)); });
    ASSERT_TRUE(server_->start().ok());
  }
  RawSocket connect() { return RawSocket(server_->address().port); }
  RawSocket::Answer ask(std::string_view bytes) {
    RawSocket socket = connect();
    socket.send(bytes);
    return socket.receive_answer();
  }

  MemoryBudget budget_{80 << 20};  // 8 MiB in flight
  std::promise<std::shared_ptr<HttpExchange>> waiting_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersEachKindOfRequest) {
  start();
  struct Row {
    const char* what;
    std::string request;
    int status;
    std::string body;
  };
  const std::string big(kBodyMax + 1, 'x');
  const Row rows[] = {
      {"plain", "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n", 200, "hello"},
      {"query", "GET /hello?a=b HTTP/1.1\r\nHost: h\r\n\r\n", 200, "hello"},
      {"old version", "GET /hello HTTP/1.0\r\n\r\n", 200, "hello"},
      {"sized body", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 200, "abc"},
      {"empty body", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 200, ""},
      {"no body", "POST /echo HTTP/1.1\r\nHost: h\r\n\r\n", 200, ""},
      {"chunks",
       "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", 200,
       "abcde"},
      {"no such path", "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n", 404, "nothing is here\n"},
      {"wrong method", "DELETE /hello HTTP/1.1\r\nHost: h\r\n\r\n", 405, "this path takes GET, HEAD\n"},
      {"unknown method", "BREW /hello HTTP/1.1\r\nHost: h\r\n\r\n", 405, "this path takes GET, HEAD\n"},
      {"options", "OPTIONS /echo HTTP/1.1\r\nHost: h\r\n\r\n", 204, ""},
      {"no host", "GET /hello HTTP/1.1\r\n\r\n", 400, "one Host header is needed\n"},
      {"other coding", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501,
       "the only transfer encoding is chunked\n"},
      {"expectation", "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na", 417,
       "the only expectation is 100-continue\n"},
      {"refused", "POST /echo HTTP/1.1\r\nHost: h\r\nX-Refuse: 1\r\nContent-Length: 9\r\n\r\nnot read!", 401,
       "who are you?"},
      {"too large", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n" + big, 413,
       "the body has 1048577 bytes, more than 1048576\n"},
      {"too large in chunks", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n" + big,
       413, "the body has more than 1048576 bytes\n"},
      {"given up", "GET /forget HTTP/1.1\r\nHost: h\r\n\r\n", 500, "the request was given up\n"},
  };
  for (const Row& row : rows) {
    const auto answer = ask(row.request);
    EXPECT_EQ(answer.status, row.status) << row.what;
    EXPECT_EQ(answer.body, row.body) << row.what;
    EXPECT_NE(answer.header("Date"), "") << row.what;
  }
  EXPECT_EQ(ask("DELETE /hello HTTP/1.1\r\nHost: h\r\n\r\n").header("Allow"), "GET, HEAD");
  EXPECT_EQ(budget_.used(Share::InFlight), 0u);
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  start();
  const std::string many_headers = [] {
    std::string text = "GET /hello HTTP/1.1\r\nHost: h\r\n";
    for (int i = 0; i < 5000; ++i) text += "X-Header-" + std::to_string(i) + ": value\r\n";
    return text + "\r\n";
  }();
  struct Row {
    const char* what;
    std::string request;
    int status;
  };
  const Row rows[] = {
      {"words", "hello there\r\n\r\n", 400},
      {"control bytes", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03zzzz\r\n\r\n", 400},
      {"two lengths", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {"length and chunks",
       "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"negative length", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400},
      {"bad chunk", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", 400},
      {"folded header", "GET /hello HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", 400},
      {"long target", "GET /" + std::string(60'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
      {"many headers", many_headers, 431},
  };
  for (const Row& row : rows) {
    RawSocket socket = connect();
    socket.send(row.request);
    const auto answer = socket.receive_answer();
    EXPECT_EQ(answer.status, row.status) << row.what;
    EXPECT_EQ(answer.header("Connection"), "close") << row.what;
    socket.end_sending();
    EXPECT_EQ(socket.receive_all(), "") << row.what;
  }
}

TEST_F(HttpServerTest, KeepsConnectionsAndAnswersPipelinedRequestsInOrder) {
  start();
  RawSocket socket = connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n" + std::to_string(10 + i);
    requests += "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
  }
  socket.send(requests);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(socket.receive_answer().body, std::to_string(10 + i));
    ASSERT_EQ(socket.receive_answer().body, "hello");
  }
  socket.send("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(socket.receive_answer().header("Connection"), "close");
  EXPECT_EQ(socket.receive_all(), "");
}

TEST_F(HttpServerTest, HeadHasTheHeadersOfGetAndNoBody) {
  start();
  RawSocket socket = connect();
  socket.send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto answer = socket.receive_answer(true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Length"), "5");
  socket.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(socket.receive_answer().body, "hello");
}

TEST_F(HttpServerTest, SaysContinueOnlyAfterAdmission) {
  start();
  RawSocket taken = connect();
  taken.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(taken.receive_answer().status, 100);
  taken.send("body");
  EXPECT_EQ(taken.receive_answer().body, "body");

  RawSocket refused = connect();
  refused.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nX-Refuse: 1\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(refused.receive_answer().status, 401);
}

TEST_F(HttpServerTest, CutsSlowSenders) {
  start({.header = 100ms, .progress = 100ms, .body_rate_min = 100'000});
  RawSocket header = connect();
  header.send("GET /hello HTTP/1.1\r\nHo");
  EXPECT_EQ(header.receive_answer().status, 408);

  RawSocket body = connect();
  body.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc");
  const auto answer = body.receive_answer();
  EXPECT_EQ(answer.status, 408);
  EXPECT_EQ(answer.header("Connection"), "close");

  RawSocket chunks = connect();
  chunks.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
  EXPECT_EQ(chunks.receive_answer().status, 408);
}

TEST_F(HttpServerTest, ClosesIdleConnections) {
  start({.idle = 50ms});
  RawSocket socket = connect();
  EXPECT_EQ(socket.receive_all(), "");
  RawSocket used = connect();
  used.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(used.receive_answer().status, 200);
  EXPECT_EQ(used.receive_all(), "");
}

// Memory is paid for what has come, not for what is announced; and what is refused is given back.
TEST_F(HttpServerTest, PaysForBodiesAsTheyArrive) {
  start({.progress = 300ms});
  std::vector<RawSocket> sockets;
  for (int i = 0; i < 50; ++i) {
    sockets.push_back(connect());
    sockets.back().send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc");
  }
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc").status, 200);
  EXPECT_LE(budget_.used(Share::InFlight), 51u * (16 << 10));
  // More arrives than the budget holds: some are refused, none beyond it.
  const std::string part(500'000, 'x');
  std::vector<std::thread> senders;
  for (RawSocket& socket : sockets) senders.emplace_back([&] { socket.send(part); });
  for (std::thread& sender : senders) sender.join();
  int refused = 0;
  for (RawSocket& socket : sockets) {
    const int status = socket.receive_answer().status;
    EXPECT_TRUE(status == 503 || status == 408) << status;
    refused += status == 503;
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc").status, 200);
  EXPECT_EQ(budget_.used(Share::InFlight), 0u);
}

TEST_F(HttpServerTest, StreamsInChunksAndWaitsForTheReader) {
  start();
  RawSocket socket = connect();
  socket.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto exchange = waiting_.get_future().get();
  exchange->begin({.content_type = "application/x-ndjson"});
  EXPECT_TRUE(exchange->write("one\n"));
  EXPECT_TRUE(exchange->write("two\n"));
  exchange->end();
  const auto answer = socket.receive_answer();
  EXPECT_EQ(answer.header("Content-Type"), "application/x-ndjson");
  EXPECT_EQ(answer.body, "4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n");
  socket.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(socket.receive_answer().body, "hello");
}

TEST_F(HttpServerTest, StopsAStreamWhoseReaderDoesNotRead) {
  start({.progress = 100ms});
  RawSocket socket = connect();
  socket.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto exchange = waiting_.get_future().get();
  exchange->begin({});
  int taken = 0;
  while (taken < 1000 && exchange->write(std::string(1 << 20, 'x'))) ++taken;
  EXPECT_LT(taken, 100);  // what the kernel's buffers hold
}

TEST_F(HttpServerTest, BreaksAStreamThatIsGivenUp) {
  start();
  RawSocket socket = connect();
  socket.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  {
    const auto exchange = waiting_.get_future().get();
    exchange->begin({});
    exchange->write("half");
  }
  EXPECT_EQ(socket.receive_all().find("0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, TellsWhenTheClientHasHungUp) {
  start();
  RawSocket socket = connect();
  socket.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto exchange = waiting_.get_future().get();
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange->tell_when_gone(gone);
  socket.close();
  while (!*gone) std::this_thread::yield();
  exchange->respond({.body = "nobody reads this"});
}

// The next request on the connection is no sign of anything, and is answered after the first.
TEST_F(HttpServerTest, APipelinedRequestIsNotHangingUp) {
  start();
  RawSocket socket = connect();
  socket.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto exchange = waiting_.get_future().get();
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange->tell_when_gone(gone);
  socket.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(ask("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n").body, "hello");
  exchange->respond({.body = "first"});
  EXPECT_EQ(socket.receive_answer().body, "first");
  EXPECT_EQ(socket.receive_answer().body, "hello");
  EXPECT_FALSE(*gone);
}

TEST_F(HttpServerTest, DrainFinishesWhatIsInFlight) {
  start();
  RawSocket idle = connect();
  RawSocket busy = connect();
  busy.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto exchange = waiting_.get_future().get();
  auto drained = std::async(std::launch::async, [&] { return server_->drain(5s); });
  EXPECT_EQ(idle.receive_all(), "");
  exchange->respond({.body = "done"});
  const auto answer = busy.receive_answer();
  EXPECT_EQ(answer.body, "done");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(drained.get(), 0u);
  EXPECT_FALSE(connect().connected());
}

TEST_F(HttpServerTest, DrainCutsWhatDoesNotFinish) {
  start();
  RawSocket busy = connect();
  busy.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto exchange = waiting_.get_future().get();
  EXPECT_EQ(server_->drain(20ms), 1u);
  EXPECT_EQ(busy.receive_all(), "");
  exchange->respond({.body = "too late"});
  server_.reset();
}

TEST_F(HttpServerTest, TakenPortNamesAddressAndSetting) {
  start();
  HttpServer other({.address = server_->address(), .setting = "listen.otlp_http"});
  const auto started = other.start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), Code::AlreadyExists);
  EXPECT_NE(started.error().what().find(server_->address().text()), std::string::npos);
  EXPECT_NE(started.error().what().find("listen.otlp_http"), std::string::npos);
}

TEST_F(HttpServerTest, TakesNoMoreConnectionsThanTheLimit) {
  start({.connections_max = 2, .idle = 200ms});
  RawSocket first = connect();
  RawSocket second = connect();
  first.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(first.receive_answer().status, 200);
  RawSocket third = connect();  // waits in the kernel until one of the others has gone
  third.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(third.receive_answer().status, 200);
  EXPECT_LE(server_->connections(), 2u);
}

TEST_F(HttpServerTest, AnswersCrossOriginRequests) {
  start({.cors = {{"https://*.example.com"}, {}, 60}});
  const auto preflight =
      ask("OPTIONS /echo HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example.com\r\n"
          "Access-Control-Request-Method: POST\r\n\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("Access-Control-Allow-Origin"), "https://a.example.com");
  EXPECT_EQ(preflight.header("Access-Control-Allow-Methods"), "POST");
  const auto other = ask("GET /hello HTTP/1.1\r\nHost: h\r\nOrigin: https://evil.test\r\n\r\n");
  EXPECT_EQ(other.status, 200);
  EXPECT_EQ(other.header("Access-Control-Allow-Origin"), "");
}

}  // namespace
}  // namespace clew::net
