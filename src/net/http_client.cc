// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <fmt/core.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "net/address.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kReadBytes = 64 << 10;
constexpr uint32_t kHeaderBytesMax = 64 << 10;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct HttpClient::State {
  State(Address to, std::string prefix_of_targets, const Options& given)
      : address(std::move(to)), prefix(std::move(prefix_of_targets)), options(given) {}

  // Runs what was started until it has called back, or stops it when the time is over.
  ErrorCode finish(std::optional<ErrorCode>& result) {
    io.restart();
    io.run_until(until);
    if (!result) {
      ErrorCode ignored;
      socket.close(ignored);
      io.restart();
      io.run();
      return asio::error::timed_out;
    }
    return *result;
  }

  ErrorCode connect() {
    ErrorCode error;
    asio::ip::tcp::resolver resolver(io);
    const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
    if (error) return error;
    socket = asio::ip::tcp::socket(io);
    input.clear();
    std::optional<ErrorCode> result;
    asio::async_connect(socket, found, [&](const ErrorCode& failed, const auto&) { result = failed; });
    error = finish(result);
    if (!error) socket.set_option(asio::ip::tcp::no_delay(true), error);
    return error;
  }

  ErrorCode send(std::string_view head, std::string_view body) {
    const std::array<asio::const_buffer, 2> pieces = {asio::buffer(head.data(), head.size()),
                                                      asio::buffer(body.data(), body.size())};
    std::optional<ErrorCode> result;
    asio::async_write(socket, pieces, [&](const ErrorCode& error, size_t) { result = error; });
    return finish(result);
  }

  ErrorCode receive(http::response_parser<http::string_body>& parser) {
    while (true) {
      ErrorCode error;
      if (input.size() > 0) {
        input.consume(parser.put(input.data(), error));
        if (error && error != http::error::need_more) return error;
      }
      if (parser.is_done()) return {};
      size_t got = 0;
      std::optional<ErrorCode> result;
      socket.async_read_some(input.prepare(kReadBytes), [&](const ErrorCode& failed, size_t bytes) {
        got = bytes;
        result = failed;
      });
      error = finish(result);
      if (error == asio::error::eof && parser.got_some()) {
        parser.put_eof(error);
        return error;
      }
      if (error) return error;
      input.commit(got);
    }
  }

  Address address;
  std::string prefix;
  Options options;
  asio::io_context io;
  asio::ip::tcp::socket socket{io};
  boost::beast::flat_buffer input;
  SteadyClock::time_point until;
};

std::string_view HttpAnswer::header(std::string_view name) const { return find_field(headers, name); }

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::to(std::string_view url, const Options& options) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) {
    return Error(Code::InvalidArgument, fmt::format("'{}' does not begin with http://", url));
  }
  const std::string_view rest = url.substr(kScheme.size());
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string authority(rest.substr(0, slash));
  std::string_view prefix = rest.substr(slash);
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  if (colon == std::string::npos || (bracket != std::string::npos && colon < bracket)) authority += ":80";
  Address address = TRY(parse_address(authority, ""));
  if (address.host.empty()) return Error(Code::InvalidArgument, fmt::format("'{}' names no host", url));
  return HttpClient(std::make_unique<State>(std::move(address), std::string(prefix), options));
}

Result<HttpAnswer> HttpClient::get(std::string_view target, const HttpFields& headers) {
  return request("GET", target, {}, headers);
}

Result<HttpAnswer> HttpClient::post(std::string_view target, std::string_view body, std::string_view content_type,
                                    const HttpFields& headers) {
  HttpFields all = headers;
  all.emplace_back("Content-Type", std::string(content_type));
  return request("POST", target, body, all);
}

Result<HttpAnswer> HttpClient::request(std::string_view method, std::string_view target, std::string_view body,
                                       const HttpFields& headers) {
  State& state = *state_;
  state.until = SteadyClock::now() + state.options.timeout;
  std::string head =
      fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n", method, state.prefix, target, state.address.text());
  if (!body.empty() || method == "POST") head += fmt::format("Content-Length: {}\r\n", body.size());
  for (const auto& [name, value] : headers) head += fmt::format("{}: {}\r\n", name, value);
  head += "\r\n";

  std::optional<http::response_parser<http::string_body>> parser;
  ErrorCode error;
  // A kept connection may have been closed by the server meanwhile; that is found out by using it.
  for (bool kept = state.socket.is_open();; kept = false) {
    error = kept ? ErrorCode() : state.connect();
    parser.emplace();
    parser->header_limit(kHeaderBytesMax);
    parser->body_limit(state.options.answer_bytes_max);
    parser->eager(true);
    if (method == "HEAD") parser->skip(true);
    // An answer may come, and say why, before everything is sent.
    ErrorCode sent = error;
    if (!error) sent = state.send(head, body);
    if (!error && sent != asio::error::timed_out) error = state.receive(*parser);
    if (sent == asio::error::timed_out) error = sent;
    if (!error || !kept || parser->got_some() || error == asio::error::timed_out) break;
  }
  ErrorCode ignored;
  if (error || !parser->keep_alive()) state.socket.close(ignored);
  if (error == asio::error::timed_out) {
    return Error(Code::DeadlineExceeded, fmt::format("{} did not answer in time", state.address.text()));
  }
  if (error == http::error::body_limit) {
    return Error(Code::ResourceExhausted, fmt::format("the answer is larger than {}", state.options.answer_bytes_max));
  }
  if (error) return Error(Code::Unavailable, fmt::format("{}: {}", state.address.text(), error.message()));

  HttpAnswer answer;
  auto& message = parser->get();
  answer.status = message.result_int();
  for (const auto& field : message) answer.headers.emplace_back(view(field.name_string()), view(field.value()));
  answer.body = std::move(message.body());
  return answer;
}

}  // namespace clew::net
