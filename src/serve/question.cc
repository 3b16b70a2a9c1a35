// SPDX-License-Identifier: Apache-2.0
#include "serve/question.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "query/parse.h"
#include "serve/problem.h"

namespace clew::serve {
namespace {

Error bad(std::string what) { return {Code::InvalidArgument, std::move(what)}; }

}  // namespace

Result<uint32_t> whole_number(const net::HttpRequest& request, std::string_view name, NumberRange range) {
  const std::optional<std::string> text = request.query_value(name);
  if (!text) return range.usual;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool read = error == std::errc() && end == text->data() + text->size();
  if (!read || value < range.least || value > range.most)
    return bad(fmt::format("'{}' is a whole number from {} to {}", name, range.least, range.most));
  return value;
}

Result<std::optional<size_t>> word(const net::HttpRequest& request, std::string_view name,
                                   std::span<const std::string_view> words) {
  const std::optional<std::string> text = request.query_value(name);
  if (!text) return std::optional<size_t>();
  const auto found = std::ranges::find(words, *text);
  if (found != words.end()) return std::optional(static_cast<size_t>(found - words.begin()));
  return bad(fmt::format("'{}' is one of: {}", name, fmt::join(words, ", ")));
}

std::optional<query::Query> parse_query(const Question& question) {
  const std::string text = question.request.query_value("q").value_or("");
  query::ParseResult parsed = query::parse(text.empty() ? "{}" : text);
  if (parsed.ok()) return std::move(parsed).query();
  question.exchange.respond(query_problem(parsed.error()));
  return std::nullopt;
}

Result<TimeRange> time_range(const net::HttpRequest& request, UnixNanos now) {
  TimeRange range;
  const auto read = [&](std::string_view name, UnixNanos& to) -> Result<bool> {
    const std::optional<std::string> text = request.query_value(name);
    if (!text || text->empty()) return false;
    const std::optional<UnixNanos> time = parse_time(*text, now);
    if (!time)
      return bad(
          fmt::format("'{}' is a time: RFC 3339, seconds or nanoseconds since 1970, or a duration before now such as "
                      "1h",
                      name));
    to = *time;
    return true;
  };
  const bool from = TRY(read("from", range.begin));
  TRY(read("to", range.end));
  if (const std::optional<std::string> since = request.query_value("since"); since && !since->empty()) {
    if (from) return bad("'since' and 'from' both say where the time begins; give one of them");
    const std::optional<uint64_t> back = parse_duration(*since);
    if (!back) return bad("'since' is a duration such as 30m or 2h");
    range.begin = now > *back ? now - *back : 0;
  }
  if (range.begin > range.end) return bad("the time range ends before it begins");
  return range;
}

Result<scan::TraceReader> open_trace(const Question& question, const model::TraceId& id) {
  std::optional<scan::TraceReader> reader;
  if (question.snapshot) reader = TRY(scan::TraceReader::open(*question.snapshot, id, question.budget));
  if (!reader) return Error(Code::NotFound, "there is no trace " + id.hex());
  return std::move(*reader);
}

}  // namespace clew::serve
