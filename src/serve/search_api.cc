// SPDX-License-Identifier: Apache-2.0
#include "serve/search_api.h"

#include <algorithm>
#include <array>
#include <string>

#include "scan/search.h"
#include "serve/answer.h"
#include "serve/problem.h"
#include "serve/search_json.h"

namespace clew::serve {
namespace {

constexpr uint32_t kLimitDefault = 20;
constexpr uint32_t kSpansDefault = 3;
constexpr std::array<std::string_view, 2> kNoYes = {"false", "true"};

Result<scan::SearchOptions> search_options(const Question& question) {
  const net::HttpRequest& request = question.request;
  const TimeRange range = TRY(time_range(request, question.now));
  scan::SearchOptions options;
  options.from = range.begin;
  options.to = range.end;
  const uint32_t limit_max = std::min(question.limit_max, scan::kLimitMax);
  options.limit = TRY(whole_number(request, "limit", {1, limit_max, std::min(limit_max, kLimitDefault)}));
  options.spans_per_trace = TRY(whole_number(request, "spss", {0, scan::kSpansPerTraceMax, kSpansDefault}));
  options.page = request.query_value("token").value_or("");
  options.cancelled = &question.stop.cancelled();
  options.clock = &question.stop.clock();
  options.deadline_nanos = question.stop.deadline();
  return options;
}

Result<bool> wants_lines(const net::HttpRequest& request) {
  if (const auto stream = TRY(word(request, "stream", kNoYes))) return *stream == 1;
  return request.header("Accept").find("application/x-ndjson") != std::string_view::npos;
}

Result<scan::SearchAnswer> run(const Question& question, const query::Query& query,
                               const scan::SearchOptions& options) {
  if (!question.snapshot) return scan::SearchAnswer();
  return scan::search(*question.snapshot, query, options, question.budget);
}

void send_whole(const Question& question, const query::Query& query, const scan::SearchOptions& options) {
  const uint64_t begin = question.stop.clock().monotonic_nanos();
  const Result<scan::SearchAnswer> found = run(question, query, options);
  if (!found.ok()) return question.exchange.respond(problem(found.error()));
  Answer answer(question.exchange, "application/json");
  append_search_json(answer.text(), *found, question.stop.clock().monotonic_nanos() - begin);
  answer.finish();
}

// A reader that goes away is found out when a line is sent, which sets the flag that the search looks at.
void send_lines(const Question& question, const query::Query& query, scan::SearchOptions options) {
  const uint64_t begin = question.stop.clock().monotonic_nanos();
  Answer answer(question.exchange, "application/x-ndjson");
  options.tell = [&answer](const scan::SearchAnswer& next) {
    append_trace_lines(answer.text(), next);
    append_progress_line(answer.text(), next);
    answer.send();
  };
  const Result<scan::SearchAnswer> rest = run(question, query, options);
  if (!rest.ok()) {
    net::HttpResponse response = problem(rest.error());
    if (!answer.begun()) return question.exchange.respond(std::move(response));
    answer.text() += "{\"error\":" + response.body + "}\n";
    return answer.finish();
  }
  append_trace_lines(answer.text(), *rest);
  append_end_line(answer.text(), *rest, question.stop.clock().monotonic_nanos() - begin);
  answer.finish();
}

}  // namespace

void answer_search(const Question& question) {
  const std::optional<query::Query> query = parse_query(question);
  if (!query) return;
  const Result<scan::SearchOptions> options = search_options(question);
  if (!options.ok()) return question.exchange.respond(problem(options.error()));
  const Result<bool> lines = wants_lines(question.request);
  if (!lines.ok()) return question.exchange.respond(problem(lines.error()));
  if (*lines) return send_lines(question, *query, *options);
  send_whole(question, *query, *options);
}

}  // namespace clew::serve
