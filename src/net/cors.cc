// SPDX-License-Identifier: Apache-2.0
#include "net/cors.h"

#include <string>

namespace clew::net {
namespace {

// Does `text` match `pattern`, in which * stands for any run of characters but a slash? Linear in the product of both
// lengths at worst; patterns come from the configuration.
bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos && text[resume] != '/') {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool any_origin(const CorsPolicy& policy) {
  for (const std::string& pattern : policy.allowed_origins) {
    if (pattern == "*") return true;
  }
  return false;
}

}  // namespace

bool origin_allowed(const CorsPolicy& policy, std::string_view origin) {
  if (origin.empty()) return false;
  for (const std::string& pattern : policy.allowed_origins) {
    if (pattern == "*" || matches(pattern, origin)) return true;
  }
  return false;
}

HttpFields cors_fields(const CorsPolicy& policy, std::string_view origin) {
  if (policy.allowed_origins.empty()) return {};
  if (any_origin(policy)) {
    if (origin.empty()) return {};
    return {{"Access-Control-Allow-Origin", "*"}};
  }
  // Caches must know that the answer depends on the origin, also when this one is not allowed.
  HttpFields fields = {{"Vary", "Origin"}};
  if (origin_allowed(policy, origin)) {
    fields.emplace_back("Access-Control-Allow-Origin", std::string(origin));
    fields.emplace_back("Access-Control-Allow-Credentials", "true");
  }
  return fields;
}

HttpResponse answer_preflight(const CorsPolicy& policy, const HttpRequest& request, std::string_view methods) {
  HttpResponse response;
  response.status = 204;
  if (!origin_allowed(policy, request.header("Origin"))) return response;
  response.headers.emplace_back("Access-Control-Allow-Methods", std::string(methods));
  std::string headers = "Content-Type, Content-Encoding, Accept";
  for (const std::string& header : policy.allowed_headers) {
    // "*" does not count as "any" for a request with credentials, so the headers that were asked for are named.
    const std::string_view asked = request.header("Access-Control-Request-Headers");
    if (header == "*") {
      headers = asked;
      break;
    }
    headers += ", " + header;
  }
  response.headers.emplace_back("Access-Control-Allow-Headers", std::move(headers));
  response.headers.emplace_back("Access-Control-Max-Age", std::to_string(policy.max_age_seconds));
  return response;
}

}  // namespace clew::net
