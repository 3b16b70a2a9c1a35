// SPDX-License-Identifier: Apache-2.0
//
// A request and a response of HTTP as values, for handlers and their tests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::net {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

// The value of the first field of that name, whatever its case, or "".
std::string_view find_field(const HttpFields& fields, std::string_view name);

struct HttpRequest {
  std::string method;
  std::string target;                   // as sent
  std::string path;                     // the target before '?', as sent
  std::string query;                    // the target behind '?', as sent
  std::vector<std::string> parameters;  // what the route's {segments} and * matched, percent-decoded
  HttpFields headers;
  std::string body;
  std::string peer;  // the sender's address, for logs

  std::string_view header(std::string_view name) const { return find_field(headers, name); }
  // The first field of the query of that name, decoded.
  std::optional<std::string> query_value(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";  // not sent if empty, or with 204 and 304
  std::string body = {};
  HttpFields headers = {};  // without Content-Type, Content-Length, Connection, Date and CORS, which the server adds
  // Let go when the last byte is sent or the connection is gone; a Reservation of the body's memory, for example.
  std::shared_ptr<void> hold = {};
};

// The usual words for a status: "Not Found".
std::string_view reason_phrase(int status);

}  // namespace clew::net
