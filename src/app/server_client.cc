// SPDX-License-Identifier: Apache-2.0
#include "app/server_client.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "net/url.h"
#include "render/terminal_text.h"

namespace clew::app {
namespace {

Code code_of_status(int status) {
  switch (status) {
    case 400:
      return Code::InvalidArgument;
    case 401:
      return Code::Unauthenticated;
    case 403:
      return Code::PermissionDenied;
    case 404:
      return Code::NotFound;
    case 503:
      return Code::Unavailable;
    default:
      return Code::Unknown;
  }
}

}  // namespace

Result<ServerClient> ServerClient::to(const ServerOptions& server, const net::HttpClient::Options& options) {
  return ServerClient(server, TRY(net::HttpClient::to(server.url, options)));
}

Result<std::string> ServerClient::ask(std::string_view method, const std::string& target) {
  net::HttpFields headers;
  if (!server_.tenant.empty()) headers.emplace_back("X-Scope-OrgID", server_.tenant);
  Result<net::HttpAnswer> answer = client_.request(method, target, "", headers);
  if (!answer.ok()) return answer.error().with(server_.url);
  constexpr int kOk = 200;
  if (answer->status == kOk) return std::move(answer->body);
  simdjson::dom::parser parser;
  std::string_view detail;
  if (parser.parse(answer->body.data(), answer->body.size())["detail"].get(detail) != simdjson::SUCCESS)
    return Error(code_of_status(answer->status), fmt::format("{} answered {}", server_.url, answer->status));
  return Error(code_of_status(answer->status), render::harmless(detail, render::Charset::Utf8));
}

void add_parameter(std::string& target, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += fmt::format("{}={}", name, net::percent_encode(value));
}

}  // namespace clew::app
