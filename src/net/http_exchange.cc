// SPDX-License-Identifier: Apache-2.0
//
// The writing half of a connection, and what handlers hold of it.
#include <fmt/core.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <ctime>

#include "base/check.h"
#include "net/http_connection.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;

// RFC 9110, section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT"; the same text for a whole second.
std::string_view http_date() {
  thread_local std::time_t second = 0;
  thread_local std::array<char, 32> text{};
  const std::time_t now = std::time(nullptr);
  if (now != second) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    second = now;
  }
  return text.data();
}

// A value with a line break would be a header of its own; whoever builds one from outside text must not be able to.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) out += (c == '\r' || c == '\n' || c == '\0') ? ' ' : c;
  out += "\r\n";
}

}  // namespace

void HttpConnection::compose_head(const HttpResponse& response, bool chunked) {
  if (core_->draining() || body_unread_) keep_alive_ = false;
  if (chunked && old_version_) keep_alive_ = false;
  out_head_ = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  append_field(out_head_, "Date", http_date());
  const bool no_content = response.status == 204 || response.status == 304;
  if (!no_content && !response.content_type.empty()) append_field(out_head_, "Content-Type", response.content_type);
  if (chunked) {
    if (!old_version_) append_field(out_head_, "Transfer-Encoding", "chunked");
  } else if (!no_content) {
    append_field(out_head_, "Content-Length", std::to_string(response.body.size()));
  }
  if (!keep_alive_) {
    append_field(out_head_, "Connection", "close");
  } else if (old_version_) {
    append_field(out_head_, "Connection", "keep-alive");
  }
  for (const auto& [name, value] : cors_fields(core_->options.cors, origin_)) append_field(out_head_, name, value);
  for (const auto& [name, value] : response.headers) append_field(out_head_, name, value);
  out_head_ += "\r\n";
}

void HttpConnection::send(HttpResponse response) {
  if (closed_) return;
  disarm();
  memory_.reset();
  request_ = {};
  compose_head(response, false);
  out_ = std::move(response);
  if (head_only_ || out_.status == 204 || out_.status == 304) out_.body.clear();
  write_out(0, &HttpConnection::whole_sent);
}

// Writes out_head_ and the body from `from` in pieces of bounded size, then calls `done`.
void HttpConnection::write_out(size_t from, void (HttpConnection::*done)()) {
  const size_t bytes = std::min(kWritePieceBytes, out_.body.size() - from);
  const std::array<asio::const_buffer, 2> pieces = {asio::buffer(out_head_),
                                                    asio::buffer(out_.body.data() + from, bytes)};
  arm(core_->options.progress);
  const size_t next = from + bytes;
  asio::async_write(socket_, pieces, [self = shared_from_this(), next, done](const ErrorCode& error, size_t) {
    if (self->closed_) return;
    if (error) return self->close();
    self->out_head_.clear();
    if (next < self->out_.body.size()) return self->write_out(next, done);
    (self.get()->*done)();
  });
}

void HttpConnection::whole_sent() {
  out_ = {};
  answered();
}

void HttpConnection::answered() {
  disarm();
  end_watch();
  if (body_unread_) return linger();
  if (!keep_alive_) {
    ErrorCode ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    return close();
  }
  await_request();
}

void HttpConnection::linger() {
  ErrorCode ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  input_.consume(input_.size());
  lingered_ = 0;
  arm(kLinger);
  linger_on();
}

void HttpConnection::linger_on() {
  socket_.async_read_some(input_.prepare(kFirstReadBytes),
                          [self = shared_from_this()](const ErrorCode& error, size_t n) {
                            self->lingered_ += n;
                            if (error || self->closed_ || self->lingered_ > kLingerBytesMax) return self->close();
                            self->linger_on();
                          });
}

void HttpConnection::send_head(HttpResponse head) {
  if (closed_) return;
  compose_head(head, true);
  out_ = {};
  out_.hold = std::move(head.hold);
  streaming_ = true;
  stream_end_ = false;
  stream_busy_ = true;
  write_out(0, &HttpConnection::piece_sent);
}

void HttpConnection::send_piece(std::string piece) {
  if (closed_) return;
  if (!head_only_ && !piece.empty()) {
    if (!old_version_) out_head_ = fmt::format("{:x}\r\n", piece.size());
    out_.body = std::move(piece);
    if (!old_version_) out_.body += "\r\n";
  }
  stream_busy_ = true;
  write_out(0, &HttpConnection::piece_sent);
}

void HttpConnection::send_end() {
  if (closed_) return;
  stream_end_ = true;
  if (stream_busy_) return;
  if (!head_only_ && !old_version_) out_head_ = "0\r\n\r\n";
  streaming_ = false;
  write_out(0, &HttpConnection::whole_sent);
}

void HttpConnection::piece_sent() {
  disarm();
  out_.body.clear();
  stream_busy_ = false;
  if (stream_end_) return send_end();
  if (const auto exchange = exchange_.lock()) exchange->piece_sent();
}

HttpExchangeImpl::~HttpExchangeImpl() {
  if (state_ == State::Ended) return;
  connection_->core().post(connection_->executor(), [connection = connection_, streaming = state_ == State::Streaming] {
    if (streaming) return connection->close();
    connection->send(connection->core().refuse(nullptr, 500, "the request was given up"));
  });
}

void HttpExchangeImpl::respond(HttpResponse response) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(state_ == State::Open);
    state_ = State::Ended;
  }
  connection_->core().post(
      connection_->executor(),
      [connection = connection_, response = std::move(response)]() mutable { connection->send(std::move(response)); });
}

void HttpExchangeImpl::begin(HttpResponse head) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(state_ == State::Open);
    state_ = State::Streaming;
    busy_ = true;
  }
  connection_->core().post(connection_->executor(), [connection = connection_, head = std::move(head)]() mutable {
    connection->send_head(std::move(head));
  });
}

bool HttpExchangeImpl::write(std::string piece) {
  CHECK(!on_network_thread());
  {
    std::unique_lock lock(mutex_);
    CHECK(state_ == State::Streaming);
    sent_.wait(lock, [this] { return gone_ || !busy_; });
    if (gone_) return false;
    busy_ = true;
  }
  connection_->core().post(connection_->executor(), [connection = connection_, piece = std::move(piece)]() mutable {
    connection->send_piece(std::move(piece));
  });
  return true;
}

void HttpExchangeImpl::end() {
  {
    const std::lock_guard lock(mutex_);
    CHECK(state_ == State::Streaming);
    state_ = State::Ended;
  }
  connection_->core().post(connection_->executor(), [connection = connection_] { connection->send_end(); });
}

void HttpExchangeImpl::piece_sent() {
  const std::lock_guard lock(mutex_);
  busy_ = false;
  sent_.notify_all();
}

void HttpExchangeImpl::tell_when_gone(std::shared_ptr<std::atomic<bool>> flag) {
  const std::lock_guard lock(mutex_);
  gone_flag_ = std::move(flag);
  if (gone_ || hung_up_) *gone_flag_ = true;
}

void HttpExchangeImpl::hung_up() {
  const std::lock_guard lock(mutex_);
  hung_up_ = true;
  if (gone_flag_ && state_ == State::Open) *gone_flag_ = true;
}

void HttpExchangeImpl::gone() {
  const std::lock_guard lock(mutex_);
  gone_ = true;
  if (gone_flag_) *gone_flag_ = true;
  sent_.notify_all();
}

}  // namespace clew::net
