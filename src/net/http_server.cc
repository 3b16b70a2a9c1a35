// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <fmt/core.h>
#include <pthread.h>

#include <boost/asio/connect.hpp>

#include "base/log.h"
#include "net/http_connection.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

// How long accepting rests after an error such as "too many open files", which passes only when something is closed.
constexpr std::chrono::milliseconds kAcceptPause{100};

thread_local bool network_thread = false;

HttpResponse refuse_in_text(const HttpRequest*, int status, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body = fmt::format("{}\n", message);
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

bool on_network_thread() { return network_thread; }

HttpServerCore::HttpServerCore(HttpServer::Options given)
    : options(std::move(given)),
      address(options.address),
      acceptor_(asio::make_strand(io_)),
      accept_again_(acceptor_.get_executor()) {}

HttpResponse HttpServerCore::refuse(const HttpRequest* head, int status, std::string_view message) const {
  return options.refuse ? options.refuse(head, status, message) : refuse_in_text(head, status, message);
}

Result<void> HttpServerCore::start() {
  const auto failed = [&](Code code, std::string_view why) {
    return Error(code, fmt::format("cannot listen on {} ({}): {}", address.text(), options.setting, why));
  };
  ErrorCode error;
  asio::ip::tcp::resolver resolver(io_);
  const auto found =
      resolver.resolve(address.host, std::to_string(address.port),
                       asio::ip::resolver_base::passive | asio::ip::resolver_base::numeric_service, error);
  if (error || found.empty()) return failed(Code::InvalidArgument, error.message());
  const asio::ip::tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) return failed(Code::AlreadyExists, "the port is taken");
  if (error == asio::error::access_denied) return failed(Code::PermissionDenied, error.message());
  if (error) return failed(Code::InvalidArgument, error.message());
  address.port = acceptor_.local_endpoint(error).port();

  accepting_ = true;
  asio::post(acceptor_.get_executor(), [self = shared_from_this()] { self->accept(); });
  for (unsigned i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { run(); });
    pthread_setname_np(threads_.back().native_handle(), fmt::format("clew-http-{}", address.port).c_str());
  }
  return {};
}

void HttpServerCore::run() {
  network_thread = true;
  const auto work = asio::make_work_guard(io_);
  io_.run();
}

void HttpServerCore::accept() {
  if (draining()) return;
  acceptor_.async_accept(asio::make_strand(io_), [self = shared_from_this()](ErrorCode error, auto socket) {
    self->accepted(error, std::move(socket));
  });
}

void HttpServerCore::accepted(ErrorCode error, asio::ip::tcp::socket socket) {
  if (draining() || error == asio::error::operation_aborted) return;
  if (error) {
    log(LogLevel::Warning,
        fmt::format("cannot accept a connection address={} why={}", address.text(), error.message()));
    accept_again_.expires_after(kAcceptPause);
    accept_again_.async_wait([self = shared_from_this()](ErrorCode cancelled) {
      if (!cancelled) self->accept();
    });
    return;
  }
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  const auto connection = std::make_shared<HttpConnection>(shared_from_this(), std::move(socket));
  bool room = false;
  {
    const std::lock_guard lock(mutex_);
    if (draining()) return;  // drain() has counted already
    open_.insert(connection);
    room = open_.size() < options.connections_max;
    accepting_ = room;
  }
  connection->start();
  if (room) accept();
}

void HttpServerCore::closed(HttpConnection* connection) {
  const std::lock_guard lock(mutex_);
  open_.erase(connection->shared_from_this());
  if (open_.empty()) all_closed_.notify_all();
  if (!accepting_ && !draining() && open_.size() < options.connections_max) {
    accepting_ = true;
    asio::post(acceptor_.get_executor(), [self = shared_from_this()] { self->accept(); });
  }
}

uint32_t HttpServerCore::connections() const {
  const std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(open_.size());
}

template <class Step>
void HttpServerCore::on_every_connection(Step step) {
  for (const std::shared_ptr<HttpConnection>& connection : open_) {
    asio::post(connection->executor(), [connection, step] { step(*connection); });
  }
}

uint32_t HttpServerCore::drain(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (stopped_ || threads_.empty()) return 0;
  draining_ = true;
  asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
    ErrorCode ignored;
    self->acceptor_.close(ignored);
    self->accept_again_.cancel();
  });
  on_every_connection([](HttpConnection& connection) { connection.drain(); });
  all_closed_.wait_for(lock, limit, [this] { return open_.empty(); });
  const auto cut = static_cast<uint32_t>(open_.size());
  on_every_connection([](HttpConnection& connection) { connection.close(); });
  all_closed_.wait(lock, [this] { return open_.empty(); });
  stopped_ = true;  // what handlers answer from now on has nobody to go to
  lock.unlock();
  io_.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  // The steps that were cancelled still hold their connections, and these the core.
  io_.restart();
  io_.poll();
  return cut;
}

HttpServer::HttpServer(Options options) : core_(std::make_shared<HttpServerCore>(std::move(options))) {}

HttpServer::~HttpServer() { drain(std::chrono::milliseconds(0)); }

void HttpServer::route(std::string_view method, std::string_view pattern, Handler handle, Admit admit) {
  core_->router.add(method, pattern, static_cast<uint32_t>(core_->routes.size()));
  core_->routes.push_back({std::move(handle), std::move(admit)});
}

Result<void> HttpServer::start() { return core_->start(); }
const Address& HttpServer::address() const { return core_->address; }
uint32_t HttpServer::drain(std::chrono::milliseconds limit) { return core_->drain(limit); }
uint32_t HttpServer::connections() const { return core_->connections(); }

}  // namespace clew::net
