// SPDX-License-Identifier: Apache-2.0
#include "app/client_commands.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "app/search_table.h"
#include "app/storage_table.h"
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

}  // namespace

Result<void> search(const SearchCommand& command) {
  std::string target = "/clew/v1/search";
  add_parameter(target, "q", command.query);
  add_parameter(target, "since", command.since);
  add_parameter(target, "from", command.from);
  add_parameter(target, "to", command.to);
  add_parameter(target, "token", command.token);
  add_parameter(target, "limit", std::to_string(command.limit));
  const Result<std::string> body = TRY(ServerClient::to(command.server)).get(target);
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
    add_parameter(target, "charset", terminal_charset() == render::Charset::Ascii ? "ascii" : "utf-8");
    add_parameter(target, "colour", colour_wanted() ? "on" : "off");
  }
  write_out(TRY(TRY(ServerClient::to(command.server)).get(target)));
  if (command.format != "text") write_out("\n");
  return {};
}

Result<void> admin(const AdminCommand& command) {
  // A compaction of everything takes as long as it takes.
  const net::HttpClient::Options patient = {.timeout = std::chrono::hours(24)};
  const std::string_view method = command.action == "storage" ? "GET" : "POST";
  const std::string body =
      TRY(TRY(ServerClient::to(command.server, patient)).ask(method, "/clew/v1/admin/" + command.action));
  write_out(command.format == "json" ? body + "\n" : TRY(storage_table(body)));
  return {};
}

}  // namespace clew::app
