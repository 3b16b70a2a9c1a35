// SPDX-License-Identifier: Apache-2.0
#include "app/client_commands.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "app/search_table.h"
#include "app/storage_table.h"
#include "net/http_client.h"
#include "net/url.h"
#include "query/parse.h"
#include "render/terminal_text.h"
#include "render/waterfall.h"

namespace clew::app {
namespace {

void write_out(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void write_err(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// What the locale says, as setlocale() would look for it.
render::Charset terminal_charset() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = environment(name);
    if (value.empty()) continue;
    const bool utf8 = value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos ||
                      value.find("utf-8") != std::string::npos || value.find("UTF8") != std::string::npos;
    return utf8 ? render::Charset::Utf8 : render::Charset::Ascii;
  }
  // Without a locale: a file or a pipe takes UTF-8, a terminal may not.
  return isatty(STDOUT_FILENO) ? render::Charset::Ascii : render::Charset::Utf8;
}

size_t terminal_width() {
  size_t width = 0;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) width = size.ws_col;
  if (width == 0) {
    const std::string_view columns = environment("COLUMNS");
    std::from_chars(columns.data(), columns.data() + columns.size(), width);
  }
  constexpr size_t kUsualWidth = 120;
  return std::clamp(width == 0 ? kUsualWidth : width, render::kWidthMin, render::kWidthMax);
}

bool colour_wanted() {
  return isatty(STDOUT_FILENO) && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

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

// The body of an answer of 200, or the problem that the server described.
Result<std::string> ask(const ServerOptions& server, std::string_view method, const std::string& target,
                        const net::HttpClient::Options& options = {}) {
  net::HttpClient client = TRY(net::HttpClient::to(server.url, options));
  net::HttpFields headers;
  if (!server.tenant.empty()) headers.emplace_back("X-Scope-OrgID", server.tenant);
  Result<net::HttpAnswer> answer = client.request(method, target, "", headers);
  if (!answer.ok()) return answer.error().with(server.url);
  constexpr int kOk = 200;
  if (answer->status == kOk) return std::move(answer->body);
  simdjson::dom::parser parser;
  std::string_view detail;
  if (parser.parse(answer->body.data(), answer->body.size())["detail"].get(detail) != simdjson::SUCCESS)
    return Error(code_of_status(answer->status), fmt::format("{} answered {}", server.url, answer->status));
  return Error(code_of_status(answer->status), render::harmless(detail, render::Charset::Utf8));
}

Result<std::string> get(const ServerOptions& server, const std::string& target) { return ask(server, "GET", target); }

void add_parameter(std::string& target, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += fmt::format("{}={}", name, net::percent_encode(value));
}

}  // namespace

Result<void> search(const SearchCommand& command) {
  std::string target = "/clew/v1/search";
  add_parameter(target, "q", command.query);
  add_parameter(target, "since", command.since);
  add_parameter(target, "from", command.from);
  add_parameter(target, "to", command.to);
  add_parameter(target, "token", command.token);
  add_parameter(target, "limit", std::to_string(command.limit));
  const Result<std::string> body = get(command.server, target);
  if (!body.ok()) {
    const query::ParseResult parsed = query::parse(command.query);
    if (body.error().code() != Code::InvalidArgument || parsed.ok()) return body.error();
    return Error(Code::InvalidArgument, query::explain(parsed.error(), command.query));
  }
  if (command.format == "json") {
    write_out(*body + "\n");
    return {};
  }
  const SearchTable table = TRY(search_table(*body, terminal_charset()));
  write_out(table.text);
  if (!table.reason.empty()) write_err("incomplete: " + table.reason + "\n");
  if (!table.next_token.empty()) write_err("there are more: --token " + table.next_token + "\n");
  return {};
}

Result<void> trace(const TraceCommand& command) {
  std::string target = "/clew/v1/traces/" + net::percent_encode(command.id);
  add_parameter(target, "format", command.format);
  if (command.offset > 0) add_parameter(target, "offset", std::to_string(command.offset));
  if (command.limit > 0) add_parameter(target, "limit", std::to_string(command.limit));
  if (command.format == "text") {
    add_parameter(target, "width", std::to_string(terminal_width()));
    add_parameter(target, "charset", terminal_charset() == render::Charset::Ascii ? "ascii" : "utf8");
    add_parameter(target, "colour", colour_wanted() ? "on" : "off");
  }
  write_out(TRY(get(command.server, target)));
  if (command.format != "text") write_out("\n");
  return {};
}

Result<void> admin(const AdminCommand& command) {
  // A compaction of everything takes as long as it takes.
  const net::HttpClient::Options patient = {.timeout = std::chrono::hours(24)};
  const std::string_view method = command.action == "storage" ? "GET" : "POST";
  const std::string body = TRY(ask(command.server, method, "/clew/v1/admin/" + command.action, patient));
  write_out(command.format == "json" ? body + "\n" : TRY(storage_table(body)));
  return {};
}

}  // namespace clew::app
