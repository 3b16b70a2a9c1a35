// SPDX-License-Identifier: Apache-2.0
#include "serve/problem.h"

#include "codec/json_writer.h"

namespace clew::serve {
namespace {

constexpr int kUnavailable = 503;
constexpr std::string_view kRetryAfterSeconds = "1";

net::HttpResponse response_of(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = std::move(body);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Cache-Control", "no-store");
  if (status == kUnavailable) response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

void begin_problem(codec::JsonWriter& json, std::string_view type, std::string_view title, int status,
                   std::string_view detail) {
  json.begin_object().key("type").text(type).key("title").text(title);
  json.key("status").number(int64_t{status}).key("detail").text(detail);
}

}  // namespace

net::HttpResponse problem(int status, std::string_view detail) {
  std::string body;
  codec::JsonWriter json(body);
  begin_problem(json, "about:blank", net::reason_phrase(status), status, detail);
  json.end_object();
  return response_of(status, std::move(body));
}

net::HttpResponse problem(const Error& error) { return problem(info(error.code()).http_status, error.what()); }

net::HttpResponse query_problem(const query::ParseError& error) {
  constexpr int kBadRequest = 400;
  std::string body;
  codec::JsonWriter json(body);
  begin_problem(json, "urn:clew:problem:query", "Not a TraceQL query", kBadRequest, query::to_string(error));
  json.key("line").number(uint64_t{error.line}).key("column").number(uint64_t{error.column});
  json.key("message").text(error.message);
  if (!error.expected.empty()) json.key("expected").text(error.expected);
  if (!error.hint.empty()) json.key("hint").text(error.hint);
  json.end_object();
  return response_of(kBadRequest, std::move(body));
}

}  // namespace clew::serve
