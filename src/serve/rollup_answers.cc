// SPDX-License-Identifier: Apache-2.0
#include "serve/rollup_answers.h"

#include <array>

#include "codec/json_writer.h"
#include "render/jaeger_json.h"
#include "serve/answer.h"
#include "serve/problem.h"

namespace clew::serve {
namespace {

using codec::JsonWriter;

Result<rollup::Minutes> minutes_of(const Question& question) {
  const TimeRange range = TRY(time_range(question.request, question.now));
  return rollup::minutes_of(range.begin, range.end);
}

rollup::Asked asked(const Question& question, rollup::Minutes minutes, size_t rows_max) {
  return {.minutes = minutes, .rows_max = rows_max, .stop = [&question] { return question.stop.now(); }};
}

std::string_view kind_text(int32_t kind) {
  const std::string_view known = render::jaeger_span_kind(kind);
  return known.empty() ? "unspecified" : known;
}

std::string_view peer_text(rollup::Peer peer) {
  constexpr std::array<std::string_view, rollup::kPeerCount> kNames = {"service", "database", "messaging", "external"};
  return kNames[static_cast<size_t>(peer)];
}

void write_latency(JsonWriter& json, const rollup::Latency& latency) {
  json.key("durationNanos").begin_object();
  json.key("p50").quoted(latency.p50).key("p95").quoted(latency.p95).key("p99").quoted(latency.p99).end_object();
}

void write_counts(JsonWriter& json, int64_t spans, int64_t errors) {
  json.key("spanCount").number(spans).key("errorCount").number(errors);
}

void write_calls(JsonWriter& json, int64_t calls, int64_t failed) {
  json.key("calls").number(calls).key("failed").number(failed);
}

// `"<name>":[…]`
template <class Row, class Write>
void write_rows(Answer& answer, JsonWriter& json, std::string_view name, const std::vector<Row>& rows, Write write) {
  json.key(name).begin_array();
  for (const Row& row : rows) {
    json.begin_object();
    write(json, row);
    json.end_object();
    if (!answer.pass_on()) break;
  }
  json.end_array();
}

void finish(const Question& question, Answer& answer, JsonWriter& json, bool complete) {
  json.key("complete").boolean(complete);
  if (!complete) {
    json.key("reason").text(question.stop.now()
                                ? "the query took too long"
                                : "a limit of roll-ups or of this answer was met, or spans are damaged");
  }
  json.end_object();
  answer.finish();
}

}  // namespace

std::shared_ptr<scan::HeadRollup> HeadRollups::of(const std::string& tenant) {
  const std::lock_guard lock(mutex_);
  if (tenants_.size() >= kTenantsMax && !tenants_.contains(tenant)) tenants_.clear();
  std::shared_ptr<scan::HeadRollup>& heads = tenants_[tenant];
  if (heads == nullptr) heads = std::make_shared<scan::HeadRollup>(budget_);
  return heads;
}

Result<void> with_rollups(const Question& question, const UseRollups& use) {
  if (!question.snapshot) {
    use({}, true);
    return {};
  }
  std::vector<std::shared_ptr<const rollup::Rollup>> rollups = question.snapshot->rollups;
  return question.heads.use(
      *question.snapshot, [&] { return question.stop.now(); },
      [&](const rollup::Rollup& of_heads, bool complete) {
        // It lives as long as this call.
        rollups.emplace_back(std::shared_ptr<const rollup::Rollup>(), &of_heads);
        use(rollups, complete);
      });
}

Result<rollup::Answer<rollup::Service>> services(const Question& question, rollup::Minutes minutes) {
  rollup::Answer<rollup::Service> answer;
  TRY(with_rollups(question, [&](rollup::Rollups rollups, bool complete) {
    answer = rollup::services(rollups, asked(question, minutes, kServicesMax));
    answer.complete &= complete;
  }));
  return answer;
}

Result<rollup::Answer<rollup::Operation>> operations(const Question& question, std::string_view service,
                                                     rollup::Minutes minutes) {
  rollup::Answer<rollup::Operation> answer;
  TRY(with_rollups(question, [&](rollup::Rollups rollups, bool complete) {
    answer = rollup::operations(rollups, service, asked(question, minutes, kOperationsMax));
    answer.complete &= complete;
  }));
  return answer;
}

Result<rollup::Graph> graph(const Question& question, rollup::Minutes minutes) {
  rollup::Graph answer;
  TRY(with_rollups(question, [&](rollup::Rollups rollups, bool complete) {
    answer = rollup::graph(rollups, asked(question, minutes, kGraphRowsMax));
    answer.nodes.complete &= complete;
    answer.edges.complete &= complete;
  }));
  return answer;
}

void answer_services(const Question& question) {
  const Result<rollup::Minutes> minutes = minutes_of(question);
  if (!minutes.ok()) return question.exchange.respond(problem(minutes.error()));
  const Result<rollup::Answer<rollup::Service>> found = services(question, *minutes);
  if (!found.ok()) return question.exchange.respond(problem(found.error()));
  Answer answer(question.exchange, "application/json");
  JsonWriter json(answer.text());
  json.begin_object();
  write_rows(answer, json, "services", found->rows, [](JsonWriter& out, const rollup::Service& service) {
    out.key("name").text(service.name);
    write_counts(out, service.span_count, service.error_count);
  });
  finish(question, answer, json, found->complete);
}

void answer_operations(const Question& question) {
  const std::optional<std::string> service = question.request.query_value("service");
  if (!service || service->empty())
    return question.exchange.respond(problem(Error(Code::InvalidArgument, "'service' is the name of a service")));
  const Result<rollup::Minutes> minutes = minutes_of(question);
  if (!minutes.ok()) return question.exchange.respond(problem(minutes.error()));
  const Result<rollup::Answer<rollup::Operation>> found = operations(question, *service, *minutes);
  if (!found.ok()) return question.exchange.respond(problem(found.error()));
  Answer answer(question.exchange, "application/json");
  JsonWriter json(answer.text());
  json.begin_object();
  write_rows(answer, json, "operations", found->rows, [](JsonWriter& out, const rollup::Operation& operation) {
    out.key("name").text(operation.name).key("kind").text(kind_text(operation.kind));
    write_counts(out, operation.span_count, operation.error_count);
    write_latency(out, operation.latency);
  });
  finish(question, answer, json, found->complete);
}

void answer_graph(const Question& question) {
  const Result<rollup::Minutes> minutes = minutes_of(question);
  if (!minutes.ok()) return question.exchange.respond(problem(minutes.error()));
  const Result<rollup::Graph> found = graph(question, *minutes);
  if (!found.ok()) return question.exchange.respond(problem(found.error()));
  Answer answer(question.exchange, "application/json");
  JsonWriter json(answer.text());
  json.begin_object();
  write_rows(answer, json, "nodes", found->nodes.rows, [](JsonWriter& out, const rollup::GraphNode& node) {
    out.key("name").text(node.name).key("kind").text(peer_text(node.kind));
    write_calls(out, node.calls, node.failed);
    write_latency(out, node.latency);
  });
  write_rows(answer, json, "edges", found->edges.rows, [](JsonWriter& out, const rollup::GraphEdge& edge) {
    out.key("caller").text(edge.caller).key("callee").text(edge.callee).key("calleeKind").text(peer_text(edge.kind));
    write_calls(out, edge.calls, edge.failed);
    write_latency(out, edge.latency);
  });
  finish(question, answer, json, found->nodes.complete && found->edges.complete);
}

}  // namespace clew::serve
