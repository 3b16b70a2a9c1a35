// SPDX-License-Identifier: Apache-2.0
//
// Inside of HttpServer: one connection and the server's part that connections share. Included only by the adapter's
// own files, since it shows Boost.
//
// A connection is a chain of steps on its strand, one of them waiting at a time:
//
//   await_request → read_header → route → read_body → (handler) → write answer → await_request …
//
// with one timer, armed for the step that waits. A timeout cancels the socket's wait; the step then sees timed_out_.
// A connection that refuses a request whose body has not been read closes lingeringly: it ends its own side and reads
// on for a while, since a reset could destroy the answer on its way.
//
// Threads: everything of HttpConnection runs on its strand; HttpExchangeImpl is what other threads hold.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/router.h"

namespace clew::net {

class HttpConnection;

class HttpServerCore : public std::enable_shared_from_this<HttpServerCore> {
 public:
  struct Route {
    HttpServer::Handler handle;
    HttpServer::Admit admit;
  };

  explicit HttpServerCore(HttpServer::Options options);

  Result<void> start();
  uint32_t drain(std::chrono::milliseconds limit);

  HttpResponse refuse(const HttpRequest* head, int status, std::string_view message) const;
  bool draining() const { return draining_.load(std::memory_order_relaxed); }
  void closed(HttpConnection* connection);

  // Runs `work` on the connection's strand; drops it when the server has stopped.
  template <class Executor, class Work>
  void post(const Executor& executor, Work work) {
    const std::lock_guard lock(mutex_);
    if (!stopped_) boost::asio::post(executor, std::move(work));
  }

  const HttpServer::Options options;
  Router router;
  std::deque<Route> routes;
  Address address;

  uint32_t connections() const;

 private:
  void accept();
  void accepted(boost::system::error_code error, boost::asio::ip::tcp::socket socket);
  void run();
  template <class Step>
  void on_every_connection(Step step);

  boost::asio::io_context io_;
  // Both on one strand of their own.
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_again_;
  std::vector<std::thread> threads_;
  std::atomic<bool> draining_{false};

  mutable std::mutex mutex_;
  std::condition_variable all_closed_;
  std::set<std::shared_ptr<HttpConnection>> open_;
  bool accepting_ = false;
  bool stopped_ = false;
};

class HttpExchangeImpl;

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<HttpServerCore> core, boost::asio::ip::tcp::socket socket);
  ~HttpConnection();

  void start();
  // Closes at once if no request is under way, else after its answer.
  void drain();
  void close();

  // For HttpExchangeImpl.
  void send(HttpResponse response);
  void send_head(HttpResponse head);
  void send_piece(std::string piece);
  void send_end();

  HttpServerCore& core() { return *core_; }
  auto executor() { return socket_.get_executor(); }

 private:
  using ErrorCode = boost::system::error_code;
  struct Parser;
  // What is sent in one go, so that a slow reader is seen to move.
  static constexpr size_t kWritePieceBytes = 64 << 10;
  static constexpr size_t kReadBytes = 64 << 10;
  static constexpr size_t kFirstReadBytes = 4 << 10;
  static constexpr uint64_t kFirstBodyBytes = 16 << 10;
  // Lingering close: how long and how much is read on after a refusal.
  static constexpr std::chrono::milliseconds kLinger{2000};
  static constexpr uint64_t kLingerBytesMax = 1 << 20;

  void await_request();
  void read_header();
  void parse_header();
  void header_failed(const ErrorCode& error);
  void header_done();
  std::optional<HttpResponse> judge_header(uint64_t* content_length);
  std::optional<HttpResponse> find_route();
  void begin_body(AcceptBody accept);
  void read_body();
  void read_sized_body();
  void read_chunked_body();
  bool pay_for(uint64_t bytes);
  bool append_body(const char* from, size_t bytes);
  void arm_body_window();
  void body_failed(const ErrorCode& error);
  void hand_over();
  void watch_client();
  void end_watch();
  void refuse(int status, std::string_view message);

  void compose_head(const HttpResponse& response, bool chunked);
  void write_out(size_t from, void (HttpConnection::*done)());
  void whole_sent();
  void piece_sent();
  void answered();
  void linger();
  void linger_on();
  void arm(std::chrono::milliseconds limit);
  void disarm();

  std::shared_ptr<HttpServerCore> core_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  uint64_t timer_turn_ = 0;
  bool timed_out_ = false;
  bool closed_ = false;
  bool idle_ = true;
  uint64_t watch_turn_ = 0;

  boost::beast::flat_buffer input_;
  std::unique_ptr<Parser> parser_;

  // The request under way.
  HttpRequest request_;
  std::weak_ptr<HttpExchangeImpl> exchange_;
  uint32_t route_ = 0;
  std::string origin_;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool old_version_ = false;  // HTTP/1.0: no chunks
  bool body_unread_ = false;
  std::unique_ptr<BodyMemory> memory_;
  uint64_t paid_ = 0;
  uint64_t body_bytes_max_ = 0;
  std::optional<uint64_t> body_left_;  // nothing: chunked
  uint64_t window_bytes_ = 0;
  std::chrono::steady_clock::time_point body_until_;

  // The answer under way.
  std::string out_head_;
  HttpResponse out_;
  bool streaming_ = false;
  bool stream_busy_ = false;
  bool stream_end_ = false;
  uint64_t lingered_ = 0;
};

class HttpExchangeImpl final : public HttpExchange {
 public:
  HttpExchangeImpl(std::shared_ptr<HttpConnection> connection, HttpRequest request, std::unique_ptr<BodyMemory> memory)
      : connection_(std::move(connection)), request_(std::move(request)), memory_(std::move(memory)) {}
  ~HttpExchangeImpl() override;

  HttpRequest& request() override { return request_; }
  std::unique_ptr<BodyMemory> take_memory() override { return std::move(memory_); }
  void respond(HttpResponse response) override;
  void begin(HttpResponse head) override;
  bool write(std::string piece) override;
  void end() override;
  void tell_when_gone(std::shared_ptr<std::atomic<bool>> flag) override;

  // From the connection: the client has hung up, which says nothing of whether it still reads.
  void hung_up();
  // From the connection: the piece is on its way, or nothing more can be sent.
  void piece_sent();
  void gone();

 private:
  enum class State { Open, Streaming, Ended };

  std::shared_ptr<HttpConnection> connection_;
  HttpRequest request_;
  std::unique_ptr<BodyMemory> memory_;
  std::mutex mutex_;
  std::condition_variable sent_;
  State state_ = State::Open;
  bool busy_ = false;
  bool gone_ = false;
  bool hung_up_ = false;
  std::shared_ptr<std::atomic<bool>> gone_flag_;
};

// Is this thread one of a server's network threads, which must not wait?
bool on_network_thread();

}  // namespace clew::net
