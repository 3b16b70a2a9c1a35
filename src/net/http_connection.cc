// SPDX-License-Identifier: Apache-2.0
//
// The reading half of a connection; the writing half is http_exchange.cc.
#include "net/http_connection.h"

#include <sys/socket.h>

#include <fmt/core.h>
#include <cerrno>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cerrno>

namespace clew::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct HttpConnection::Parser {
  http::request_parser<http::buffer_body> http;
};

HttpConnection::HttpConnection(std::shared_ptr<HttpServerCore> core, asio::ip::tcp::socket socket)
    : core_(std::move(core)),
      socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      input_(core_->options.header_bytes_max + kReadBytes) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::start() {
  asio::post(executor(), [self = shared_from_this()] { self->await_request(); });
}

void HttpConnection::drain() {
  if (idle_) close();
}

void HttpConnection::close() {
  if (closed_) return;
  closed_ = true;
  disarm();
  if (const auto exchange = exchange_.lock()) exchange->gone();
  ErrorCode ignored;
  socket_.close(ignored);
  memory_.reset();
  out_ = {};
  core_->closed(this);
}

void HttpConnection::arm(std::chrono::milliseconds limit) {
  const uint64_t turn = ++timer_turn_;
  timed_out_ = false;
  timer_.expires_after(limit);
  timer_.async_wait([self = shared_from_this(), turn](const ErrorCode& cancelled) {
    if (cancelled || turn != self->timer_turn_) return;
    self->timed_out_ = true;
    ErrorCode ignored;
    self->socket_.cancel(ignored);
  });
}

void HttpConnection::disarm() {
  ++timer_turn_;
  timer_.cancel();
}

void HttpConnection::await_request() {
  if (closed_) return;
  idle_ = true;
  request_ = {};
  body_unread_ = false;
  memory_.reset();
  if (input_.size() > 0) return read_header();
  if (core_->draining()) return close();
  arm(core_->options.idle);
  socket_.async_read_some(input_.prepare(kFirstReadBytes),
                          [self = shared_from_this()](const ErrorCode& error, size_t bytes) {
                            if (error || self->closed_) return self->close();
                            self->input_.commit(bytes);
                            self->read_header();
                          });
}

void HttpConnection::read_header() {
  idle_ = false;
  parser_ = std::make_unique<Parser>();
  parser_->http.header_limit(core_->options.header_bytes_max);
  parser_->http.body_limit(boost::none);  // judged by us, once a route has said how much it takes
  arm(core_->options.header);
  parse_header();
}

void HttpConnection::parse_header() {
  ErrorCode error;
  input_.consume(parser_->http.put(input_.data(), error));
  if (parser_->http.is_header_done()) return header_done();
  if (error && error != http::error::need_more) return header_failed(error);
  if (input_.size() >= core_->options.header_bytes_max) return header_failed(http::error::header_limit);
  socket_.async_read_some(input_.prepare(kFirstReadBytes),
                          [self = shared_from_this()](const ErrorCode& failed, size_t bytes) {
                            if (self->closed_) return;
                            if (failed) return self->header_failed(failed);
                            self->input_.commit(bytes);
                            self->parse_header();
                          });
}

void HttpConnection::header_failed(const ErrorCode& error) {
  disarm();
  body_unread_ = true;  // whatever follows is not understood
  keep_alive_ = false;
  head_only_ = false;
  old_version_ = false;
  origin_.clear();
  if (timed_out_) {
    send(core_->refuse(nullptr, 408, "the headers did not arrive in time"));
  } else if (error == http::error::header_limit) {
    send(core_->refuse(nullptr, 431, "the headers are too large"));
  } else if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    send(core_->refuse(nullptr, 400, fmt::format("not HTTP/1.1: {}", error.message())));
  } else {
    close();
  }
}

void HttpConnection::header_done() {
  disarm();
  const auto& head = parser_->http.get();
  keep_alive_ = parser_->http.keep_alive();
  old_version_ = head.version() < 11;
  head_only_ = head.method() == http::verb::head;
  request_.method = view(head.method_string());
  request_.target = view(head.target());
  const size_t question = std::min(request_.target.find('?'), request_.target.size());
  request_.path = request_.target.substr(0, question);
  if (question < request_.target.size()) request_.query = request_.target.substr(question + 1);
  for (const auto& field : head) request_.headers.emplace_back(view(field.name_string()), view(field.value()));
  ErrorCode ignored;
  const auto peer = socket_.remote_endpoint(ignored);
  if (!ignored) request_.peer = peer.address().to_string();
  origin_ = request_.header("Origin");
  body_unread_ = !parser_->http.is_done();

  uint64_t content_length = 0;
  if (auto refusal = judge_header(&content_length)) return send(std::move(*refusal));
  if (auto answer = find_route()) return send(std::move(*answer));
  AcceptBody accept;
  if (const HttpServer::Admit& admit = core_->routes[route_].admit) {
    Admission admission = admit(request_);
    if (auto* refusal = std::get_if<HttpResponse>(&admission)) return send(std::move(*refusal));
    accept = std::move(std::get<AcceptBody>(admission));
  }
  if (content_length > accept.bytes_max) {
    return refuse(413, fmt::format("the body has {} bytes, more than {}", content_length, accept.bytes_max));
  }
  begin_body(std::move(accept));
}

// What is wrong with a header that could be parsed. Sets body_left_.
std::optional<HttpResponse> HttpConnection::judge_header(uint64_t* content_length) {
  const auto& head = parser_->http.get();
  const auto refusal = [&](int status, std::string_view message) {
    keep_alive_ = false;
    return core_->refuse(&request_, status, message);
  };
  if (head.version() != 11 && head.version() != 10) return refusal(505, "HTTP/1.1 is spoken here");
  if (!old_version_ && head.count(http::field::host) != 1) return refusal(400, "one Host header is needed");
  const auto transfer = head[http::field::transfer_encoding];
  if (!transfer.empty() && !boost::beast::iequals(transfer, "chunked")) {
    return refusal(501, "the only transfer encoding is chunked");
  }
  const auto expect = head[http::field::expect];
  if (!expect.empty() && !boost::beast::iequals(expect, "100-continue")) {
    return refusal(417, "the only expectation is 100-continue");
  }
  body_left_.reset();
  if (!parser_->http.chunked()) {
    *content_length = parser_->http.content_length().value_or(0);
    body_left_ = *content_length;
  }
  return std::nullopt;
}

// Sets route_, or says what is answered without a handler.
std::optional<HttpResponse> HttpConnection::find_route() {
  Router::Match match = core_->router.find(request_.method, request_.path);
  if (match.kind == Router::Match::Kind::Found) {
    route_ = match.handler;
    request_.parameters = std::move(match.parameters);
    return std::nullopt;
  }
  if (match.kind == Router::Match::Kind::NotFound) return core_->refuse(&request_, 404, "nothing is here");
  if (request_.method == "OPTIONS") {
    HttpResponse response = answer_preflight(core_->options.cors, request_, match.allow);
    response.headers.emplace_back("Allow", match.allow);
    return response;
  }
  HttpResponse response = core_->refuse(&request_, 405, fmt::format("this path takes {}", match.allow));
  response.headers.emplace_back("Allow", match.allow);
  return response;
}

void HttpConnection::refuse(int status, std::string_view message) { send(core_->refuse(&request_, status, message)); }

void HttpConnection::begin_body(AcceptBody accept) {
  memory_ = std::move(accept.memory);
  paid_ = 0;
  body_bytes_max_ = accept.bytes_max;
  if (!body_unread_) return hand_over();
  body_until_ = std::chrono::steady_clock::now() + core_->options.body;
  arm_body_window();
  if (!old_version_ && !request_.header("Expect").empty()) {
    asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                      [self = shared_from_this()](const ErrorCode& error, size_t) {
                        if (self->closed_) return;
                        if (error) return self->body_failed(error);
                        self->read_body();
                      });
    return;
  }
  read_body();
}

// Looks at every end of a window whether enough has come in it.
void HttpConnection::arm_body_window() {
  const auto window = core_->options.progress;
  const uint64_t turn = ++timer_turn_;
  timed_out_ = false;
  window_bytes_ = 0;
  timer_.expires_after(window);
  timer_.async_wait([self = shared_from_this(), turn, window](const ErrorCode& cancelled) {
    if (cancelled || turn != self->timer_turn_) return;
    const uint64_t least = self->core_->options.body_rate_min * static_cast<uint64_t>(window.count()) / 1000;
    if (self->window_bytes_ >= least && std::chrono::steady_clock::now() < self->body_until_) {
      return self->arm_body_window();
    }
    self->timed_out_ = true;
    ErrorCode ignored;
    self->socket_.cancel(ignored);
  });
}

void HttpConnection::read_body() {
  if (body_left_) {
    const size_t here = std::min<uint64_t>(input_.size(), *body_left_);
    if (!append_body(static_cast<const char*>(input_.data().data()), here)) return;
    input_.consume(here);
    *body_left_ -= here;
    return read_sized_body();
  }
  read_chunked_body();
}

// Bytes whose number is known go straight from the socket to their place.
void HttpConnection::read_sized_body() {
  if (*body_left_ == 0) {
    body_unread_ = false;
    disarm();
    return hand_over();
  }
  const size_t had = request_.body.size();
  // As far as is paid for; else one step, for which pay_for() doubles.
  const uint64_t step = paid_ > had ? std::min<uint64_t>(paid_ - had, kReadBytes) : kFirstBodyBytes;
  const size_t want = std::min<uint64_t>(*body_left_, step);
  if (!pay_for(had + want)) return;
  request_.body.resize(had + want);
  socket_.async_read_some(asio::buffer(request_.body.data() + had, want),
                          [self = shared_from_this(), had](const ErrorCode& error, size_t bytes) {
                            if (self->closed_) return;
                            self->request_.body.resize(had + bytes);
                            if (error) return self->body_failed(error);
                            self->window_bytes_ += bytes;
                            *self->body_left_ -= bytes;
                            self->read_sized_body();
                          });
}

void HttpConnection::read_chunked_body() {
  char piece[kFirstReadBytes];
  ErrorCode error;
  while (!parser_->http.is_done()) {
    auto& body = parser_->http.get().body();
    body.data = piece;
    body.size = sizeof piece;
    body.more = true;
    const size_t consumed = parser_->http.put(input_.data(), error);
    input_.consume(consumed);
    if (!append_body(piece, sizeof piece - body.size)) return;
    if (error == http::error::need_buffer) error = {};
    if (error == http::error::need_more || (!error && input_.size() == 0 && !parser_->http.is_done())) break;
    if (error) return body_failed(error);
  }
  if (parser_->http.is_done()) {
    body_unread_ = false;
    disarm();
    return hand_over();
  }
  if (input_.size() >= core_->options.header_bytes_max) return body_failed(http::error::header_limit);
  socket_.async_read_some(input_.prepare(kReadBytes - 1),
                          [self = shared_from_this()](const ErrorCode& failed, size_t bytes) {
                            if (self->closed_) return;
                            if (failed) return self->body_failed(failed);
                            self->input_.commit(bytes);
                            self->window_bytes_ += bytes;
                            self->read_chunked_body();
                          });
}

// Makes room for a body of `bytes`, doubling so that copying stays linear. Answers itself if there is none.
bool HttpConnection::pay_for(uint64_t bytes) {
  if (bytes <= paid_) return true;
  uint64_t room = std::max<uint64_t>({bytes, paid_ * 2, kFirstBodyBytes});
  if (body_left_) room = std::min<uint64_t>(room, request_.body.size() + *body_left_);
  room = std::max(room, bytes);
  // While the bytes move, the old place and the new one are both there.
  if (memory_ && !memory_->grow(room)) {
    refuse(503, "too much is in flight; try again later");
    return false;
  }
  request_.body.reserve(room);
  if (memory_) memory_->shrink(paid_);
  paid_ = room;
  return true;
}

bool HttpConnection::append_body(const char* from, size_t bytes) {
  if (bytes == 0) return true;
  const uint64_t size = request_.body.size() + bytes;
  if (size > body_bytes_max_) {
    refuse(413, fmt::format("the body has more than {} bytes", body_bytes_max_));
    return false;
  }
  if (!pay_for(size)) return false;
  request_.body.append(from, bytes);
  return true;
}

void HttpConnection::body_failed(const ErrorCode& error) {
  keep_alive_ = false;
  if (timed_out_) return refuse(408, "the body did not arrive in time");
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return refuse(400, fmt::format("the body is not chunked as HTTP/1.1 says: {}", error.message()));
  }
  close();  // the sender went away
}

void HttpConnection::hand_over() {
  parser_.reset();
  auto exchange = std::make_shared<HttpExchangeImpl>(shared_from_this(), std::move(request_), std::move(memory_));
  request_ = {};
  exchange_ = exchange;
  watch_client();
  core_->routes[route_].handle(std::move(exchange));
}

// Sees the end of the client's side while its request is being worked on. What it sends meanwhile is the next request
// and stays where it is.
void HttpConnection::watch_client() {
  const uint64_t turn = ++watch_turn_;
  socket_.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this(), turn](const ErrorCode& error) {
    if (self->closed_ || error || turn != self->watch_turn_) return;
    char next = 0;
    // Asio's receive() would wait for bytes.
    const ssize_t bytes = ::recv(self->socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    const bool nothing_yet = bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (nothing_yet) return self->watch_client();  // the event was of bytes that have been read already
    if (bytes > 0) return;
    if (const auto exchange = self->exchange_.lock()) exchange->hung_up();
  });
}

// Asio reads at once only where nothing waits to read, so the wait has to go before the next read.
void HttpConnection::end_watch() {
  ++watch_turn_;
  ErrorCode ignored;
  socket_.cancel(ignored);
}

}  // namespace clew::net
