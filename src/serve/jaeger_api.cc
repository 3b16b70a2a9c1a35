// SPDX-License-Identifier: Apache-2.0
#include "serve/jaeger_api.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "codec/json_writer.h"
#include "query/parse.h"
#include "render/jaeger_json.h"
#include "scan/search.h"
#include "serve/answer.h"
#include "serve/jaeger_search.h"
#include "serve/rollup_answers.h"

namespace clew::serve {
namespace {

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kUnavailable = 503;
constexpr std::string_view kEnvelopeEnd = ",\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}";

void refuse(const Question& question, const Error& error) {
  question.exchange.respond(jaeger_error(info(error.code()).http_status, error.what()));
}

struct Missing {
  std::string id;
  std::string why;
};

// The envelope's rest behind "data".
std::string envelope_end(const std::vector<Missing>& missing) {
  if (missing.empty()) return std::string(kEnvelopeEnd);
  std::string out = ",\"total\":0,\"limit\":0,\"offset\":0,\"errors\":";
  codec::JsonWriter json(out);
  json.begin_array();
  for (const auto& [id, why] : missing) json.begin_object().key("msg").text(why).key("traceID").text(id).end_object();
  json.end_array();
  return out + "}";
}

// Sends {"data":[trace, …], …}; traces are read and written one after the other.
void send_traces(const Question& question, const std::vector<model::TraceId>& ids, std::vector<Missing> missing) {
  Answer answer(question.exchange, "application/json");
  answer.text() += "{\"data\":[";
  bool first = true;
  for (const model::TraceId& id : ids) {
    Result<TraceStream> stream = TraceStream::open(question, id, {});
    if (!stream.ok() || question.stop.now()) {
      missing.push_back({render::jaeger_trace_id(id), stream.ok() ? "the query took too long" : stream.error().what()});
      continue;
    }
    if (!std::exchange(first, false)) answer.text() += ',';
    // Half a trace cannot be taken back: without finish() the connection breaks.
    const Result<bool> whole = send_jaeger_trace(question, id, *stream, answer);
    if (!whole.ok() && !answer.begun()) return refuse(question, whole.error());
    if (!whole.ok() || !*whole || !answer.pass_on()) return;
  }
  answer.text() += "]" + envelope_end(missing);
  answer.finish();
}

// Is a list all there is?
enum class Extent : uint8_t { Whole, Cut };

Extent extent(bool complete) { return complete ? Extent::Whole : Extent::Cut; }

// {"data":[…],"total":N,…}
template <class Items, class Write>
void send_list(const Question& question, const Items& items, Extent extent, Write write) {
  // Half a list, cut at no particular place, would help nobody.
  if (question.stop.now()) return question.exchange.respond(jaeger_error(kUnavailable, "the query took too long"));
  Answer answer(question.exchange, "application/json");
  codec::JsonWriter json(answer.text());
  json.begin_object().key("data").begin_array();
  for (const auto& item : items) write(json, item);
  json.end_array().key("total").number(uint64_t{items.size()}).key("limit").number(uint64_t{0});
  json.key("offset").number(uint64_t{0}).key("errors");
  if (extent == Extent::Whole) {
    json.null();
  } else {
    json.begin_array().begin_object().key("msg").text("there may be more; a limit was met");
    json.end_object().end_array();
  }
  json.end_object();
  answer.finish();
}

}  // namespace

Result<bool> send_jaeger_trace(const Question& question, const model::TraceId& id, TraceStream& stream,
                               Answer& answer) {
  Reservation memory(question.budget, Share::Query);
  render::JaegerTraceStream json(id, answer.sink());
  const bool whole = TRY(stream.for_each([&](const model::SpanBatch& batch) -> Result<bool> {
    if (!json.add(batch)) return false;
    const uint64_t bytes = json.memory_bytes();
    if (bytes <= memory.bytes() || memory.grow(bytes - memory.bytes())) return true;
    return Error(Code::Unavailable, "the memory for queries is too small for the processes of the trace");
  }));
  if (whole) json.end();
  return whole;
}

net::HttpResponse jaeger_error(int status, std::string_view message) {
  net::HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = "{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":";
  codec::JsonWriter json(response.body);
  json.begin_array()
      .begin_object()
      .key("code")
      .number(int64_t{status})
      .key("msg")
      .text(message)
      .end_object()
      .end_array();
  response.body += "}";
  if (status == kUnavailable) response.headers.emplace_back("Retry-After", "1");
  return response;
}

void answer_jaeger_trace(const Question& question) {
  const std::optional<model::TraceId> id = model::TraceId::parse(question.request.parameters[0]);
  if (!id) return question.exchange.respond(jaeger_error(kBadRequest, "malformed trace id"));
  Result<TraceStream> stream = TraceStream::open(question, *id, {});
  if (!stream.ok() && stream.error().code() == Code::NotFound)
    return question.exchange.respond(jaeger_error(kNotFound, "trace not found"));
  if (!stream.ok()) return refuse(question, stream.error());
  Answer answer(question.exchange, "application/json");
  answer.text() += "{\"data\":[";
  const Result<bool> whole = send_jaeger_trace(question, *id, *stream, answer);
  if (!whole.ok() && !answer.begun()) return refuse(question, whole.error());
  if (!whole.ok() || !*whole) return;
  answer.text() += "]" + std::string(kEnvelopeEnd);
  answer.finish();
}

void answer_jaeger_search(const Question& question) {
  const Result<JaegerSearch> search = parse_jaeger_search(question.request, question.now);
  if (!search.ok()) return refuse(question, search.error());
  std::vector<model::TraceId> ids;
  if (!search->trace_ids.empty()) {
    for (const std::string& text : search->trace_ids) {
      const std::optional<model::TraceId> id = model::TraceId::parse(text);
      if (!id) return question.exchange.respond(jaeger_error(kBadRequest, "malformed trace id: " + text));
      if (std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
    }
    return send_traces(question, ids, {});
  }
  const query::ParseResult parsed = query::parse(to_traceql(*search));
  if (!parsed.ok()) return question.exchange.respond(jaeger_error(kBadRequest, query::to_string(parsed.error())));
  std::vector<Missing> missing;
  if (question.snapshot) {
    scan::SearchOptions options;
    options.from = search->range.begin;
    options.to = search->range.end;
    options.limit = std::min({search->limit, question.limit_max, scan::kLimitMax});
    options.spans_per_trace = 0;
    options.cancelled = &question.stop.cancelled();
    options.clock = &question.stop.clock();
    options.deadline_nanos = question.stop.deadline();
    const Result<scan::SearchAnswer> found = scan::search(*question.snapshot, parsed.query(), options, question.budget);
    if (!found.ok()) return refuse(question, found.error());
    for (const scan::FoundTrace& trace : found->traces) ids.push_back(trace.id);
    if (!found->complete()) missing.push_back({"", "the answer is incomplete: " + found->partial_reason});
  }
  send_traces(question, ids, std::move(missing));
}

void answer_jaeger_services(const Question& question) {
  const Result<rollup::Answer<rollup::Service>> found = services(question);
  if (!found.ok()) return refuse(question, found.error());
  send_list(question, found->rows, extent(found->complete),
            [](codec::JsonWriter& json, const rollup::Service& service) { json.text(service.name); });
}

void answer_jaeger_service_operations(const Question& question) {
  Result<rollup::Answer<rollup::Operation>> found = operations(question, question.request.parameters[0]);
  if (!found.ok()) return refuse(question, found.error());
  const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
  found->rows.erase(std::unique(found->rows.begin(), found->rows.end(), same_name), found->rows.end());
  send_list(question, found->rows, extent(found->complete),
            [](codec::JsonWriter& json, const rollup::Operation& operation) { json.text(operation.name); });
}

void answer_jaeger_operations(const Question& question) {
  const std::string service = question.request.query_value("service").value_or("");
  if (service.empty()) return question.exchange.respond(jaeger_error(kBadRequest, "parameter 'service' is required"));
  const std::string kind = question.request.query_value("spanKind").value_or("");
  Result<rollup::Answer<rollup::Operation>> found = operations(question, service);
  if (!found.ok()) return refuse(question, found.error());
  std::erase_if(found->rows, [&](const rollup::Operation& operation) {
    return !kind.empty() && render::jaeger_span_kind(operation.kind) != kind;
  });
  send_list(question, found->rows, extent(found->complete),
            [](codec::JsonWriter& json, const rollup::Operation& operation) {
              json.begin_object().key("name").text(operation.name);
              json.key("spanKind").text(render::jaeger_span_kind(operation.kind)).end_object();
            });
}

void answer_jaeger_dependencies(const Question& question) {
  constexpr uint64_t kLookbackMillis = 24 * 3600 * 1000;
  constexpr uint64_t kMillisMax = UINT64_MAX / kNanosPerMilli;
  const auto millis = [&](std::string_view name, uint64_t usual) -> std::optional<uint64_t> {
    const std::string text = question.request.query_value(name).value_or("");
    if (text.empty()) return usual;
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > kMillisMax) return std::nullopt;
    return value;
  };
  const std::optional<uint64_t> end = millis("endTs", question.now / kNanosPerMilli);
  const std::optional<uint64_t> lookback = millis("lookback", kLookbackMillis);
  if (!end || !lookback)
    return question.exchange.respond(jaeger_error(kBadRequest, "'endTs' and 'lookback' are milliseconds"));
  const uint64_t begin = *end > *lookback ? *end - *lookback : 0;
  Result<rollup::Graph> found = graph(question, rollup::minutes_of(begin * kNanosPerMilli, *end * kNanosPerMilli));
  if (!found.ok()) return refuse(question, found.error());
  const std::string service = question.request.query_value("service").value_or("");
  // Jaeger knows no kinds of peers: what is called has a name.
  std::map<std::pair<std::string, std::string>, int64_t> calls;
  for (const rollup::GraphEdge& edge : found->edges.rows)
    if (service.empty() || edge.caller == service || edge.callee == service)
      calls[{edge.caller, edge.callee}] += edge.calls;
  send_list(question, calls, extent(found->edges.complete), [](codec::JsonWriter& json, const auto& entry) {
    json.begin_object().key("parent").text(entry.first.first).key("child").text(entry.first.second);
    json.key("callCount").number(entry.second).end_object();
  });
}

}  // namespace clew::serve
