// SPDX-License-Identifier: Apache-2.0
//
// Which web pages of other origins a browser lets talk to a door (Fetch standard, CORS protocol). Off by default. An
// allowed origin is written as a browser sends it, "https://shop.example.com"; a * stands for any run of characters
// within the host, "https://*.example.com"; "*" alone allows every origin. Credentials are allowed unless every origin
// is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"

namespace clew::net {

struct CorsPolicy {
  std::vector<std::string> allowed_origins = {};  // empty: off
  std::vector<std::string> allowed_headers = {};  // beside Content-Type, Content-Encoding and Accept; "*" is any
  int max_age_seconds = 7200;
};

bool origin_allowed(const CorsPolicy& policy, std::string_view origin);

// What an answer to a request from `origin` carries; nothing if it is not allowed.
HttpFields cors_fields(const CorsPolicy& policy, std::string_view origin);

// The answer to a preflight for a resource that takes `methods` ("GET, POST").
HttpResponse answer_preflight(const CorsPolicy& policy, const HttpRequest& request, std::string_view methods);

}  // namespace clew::net
