// SPDX-License-Identifier: Apache-2.0
#include "serve/jaeger_search.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <charconv>
#include <cmath>

#include "net/url.h"

namespace clew::serve {
namespace {

constexpr uint64_t kNanosPerMicro = 1000;

Error bad(std::string what) { return {Code::InvalidArgument, std::move(what)}; }

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// A map of texts, as {"http.status_code":"500"}.
Result<void> add_tags(std::string_view json, JaegerSearch& search) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return bad("malformed 'tags' parameter, expecting JSON map of texts");
  for (const auto field : object) {
    std::string_view value;
    if (field.value.get(value) != simdjson::SUCCESS)
      return bad(fmt::format("malformed 'tags' parameter, the value of '{}' is not a text", field.key));
    search.tags.emplace_back(field.key, value);
  }
  return {};
}

Result<void> add_field(std::string_view name, const std::string& value, JaegerSearch& search) {
  const auto micros = [&](UnixNanos& to) -> Result<void> {
    const std::optional<uint64_t> time = number<uint64_t>(value);
    if (!time || *time > UINT64_MAX / kNanosPerMicro)
      return bad(fmt::format("unable to parse param '{}': microseconds since 1970 are expected", name));
    to = *time * kNanosPerMicro;
    return {};
  };
  const auto duration = [&](std::optional<uint64_t>& to) -> Result<void> {
    to = parse_jaeger_duration(value);
    if (!to) return bad(fmt::format("unable to parse param '{}': a duration such as 100ms is expected", name));
    return {};
  };
  if (name == "service") search.service = value;
  if (name == "operation") search.operation = value;
  if (name == "start") return micros(search.range.begin);
  if (name == "end") return micros(search.range.end);
  if (name == "minDuration" && !value.empty()) return duration(search.duration_min);
  if (name == "maxDuration" && !value.empty()) return duration(search.duration_max);
  if (name == "limit" && !value.empty()) {
    const std::optional<uint32_t> limit = number<uint32_t>(value);
    if (!limit || *limit == 0) return bad("unable to parse param 'limit': a number above 0 is expected");
    search.limit = *limit;
  }
  if (name == "traceID") search.trace_ids.push_back(value);
  if (name == "tags" && !value.empty()) return add_tags(value, search);
  if (name == "tag") {
    const size_t colon = value.find(':');
    if (colon == std::string::npos) return bad("malformed 'tag' parameter, expecting key:value, received: " + value);
    search.tags.emplace_back(value.substr(0, colon), value.substr(colon + 1));
  }
  return {};
}

// A text literal of TraceQL.
std::string text_literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// The name of an attribute, in quotes: `span."http.method"`. Only quotes and backslashes are escaped in names.
std::string attribute(std::string_view scope, std::string_view name) {
  std::string out = fmt::format("{}.\"", scope);
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// What a tag of Jaeger was made from, where its translation of OTLP made it up.
std::string made_up(std::string_view key, std::string_view value) {
  constexpr std::array<std::string_view, 5> kKinds = {"internal", "server", "client", "producer", "consumer"};
  if (key == "error" && value == "true") return "status = error";
  if (key == "otel.status_code" && value == "ERROR") return "status = error";
  if (key == "otel.status_code" && value == "OK") return "status = ok";
  if (key == "otel.status_description") return "statusMessage = " + text_literal(value);
  if (key == "otel.scope.name" || key == "otel.library.name") return "instrumentation:name = " + text_literal(value);
  if (key == "otel.scope.version" || key == "otel.library.version")
    return "instrumentation:version = " + text_literal(value);
  if (key == "event") return "event:name = " + text_literal(value);
  if (key == "span.kind")
    for (const std::string_view kind : kKinds)
      if (value == kind) return fmt::format("kind = {}", kind);
  return "";
}

std::string condition(std::string_view key, std::string_view value) {
  std::vector<std::string> literals = {text_literal(value)};
  if (const std::optional<int64_t> integer = number<int64_t>(value); integer && *integer != INT64_MIN) {
    literals.push_back(fmt::format("{}", *integer));
  } else if (const std::optional<double> real = number<double>(value); real && std::isfinite(*real)) {
    literals.push_back(fmt::format("{:f}", *real));
  }
  if (value == "true" || value == "false") literals.emplace_back(value);
  std::string text = made_up(key, value);
  if (key == "error" && value == "false") text = "status != error";
  for (const std::string_view scope : {"span", "resource", "event"})
    for (const std::string& literal : literals)
      text += fmt::format("{}{} = {}", text.empty() ? "" : " || ", attribute(scope, key), literal);
  return "(" + text + ")";
}

}  // namespace

std::optional<uint64_t> parse_jaeger_duration(std::string_view text) { return parse_duration(text); }

Result<JaegerSearch> parse_jaeger_search(const net::HttpRequest& request, UnixNanos now) {
  JaegerSearch search;
  search.range.end = now;
  search.range.begin = now > kJaegerLookback ? now - kJaegerLookback : 0;
  for (const auto& [name, value] : net::parse_query(request.query)) {
    TRY(add_field(name, value, search));
    if (search.tags.size() > kJaegerTagsMax) return bad(fmt::format("more than {} tags", kJaegerTagsMax));
    if (search.trace_ids.size() > kJaegerTraceIdsMax)
      return bad(fmt::format("more than {} parameters 'traceID'", kJaegerTraceIdsMax));
  }
  if (search.service.empty() && search.trace_ids.empty()) return bad("parameter 'service' is required");
  if (search.duration_min && search.duration_max && *search.duration_min > *search.duration_max)
    return bad("'maxDuration' should be greater than 'minDuration'");
  return search;
}

std::string to_traceql(const JaegerSearch& search) {
  std::string text = "{ resource.service.name = " + text_literal(search.service);
  if (!search.operation.empty()) text += " && name = " + text_literal(search.operation);
  if (search.duration_min) text += fmt::format(" && duration >= {}ns", *search.duration_min);
  if (search.duration_max) text += fmt::format(" && duration <= {}ns", *search.duration_max);
  for (const auto& [key, value] : search.tags) text += " && " + condition(key, value);
  return text + " }";
}

}  // namespace clew::serve
