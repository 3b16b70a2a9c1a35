// SPDX-License-Identifier: Apache-2.0
#include "serve/attribute_api.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "codec/json_writer.h"
#include "query/vocabulary.h"
#include "render/attribute_json.h"
#include "scan/attributes.h"
#include "serve/answer.h"
#include "serve/problem.h"
#include "serve/search_json.h"

namespace clew::serve {
namespace {

using codec::JsonWriter;
using query::Intrinsic;

constexpr uint32_t kNamesDefault = 1000;
constexpr uint32_t kValuesDefault = 100;
// By model::ValueType.
constexpr std::array<std::string_view, model::kValueTypeCount> kTypeNames = {"empty",  "string", "bool",  "int",
                                                                             "double", "bytes",  "array", "kvlist"};

Error bad(std::string what) { return {Code::InvalidArgument, std::move(what)}; }

// Of an intrinsic.
std::string_view type_name(query::Type type) {
  switch (type) {
    case query::Type::Int:
      return "int";
    case query::Type::Duration:
      return "duration";
    case query::Type::Status:
      return "status";
    case query::Type::Kind:
      return "kind";
    default:
      return "string";
  }
}

Result<scan::AttributeOptions> attribute_options(const Question& question, uint32_t usual_limit) {
  const TimeRange range = TRY(time_range(question.request, question.now));
  scan::AttributeOptions options;
  options.from = range.begin;
  options.to = range.end;
  options.prefix = question.request.query_value("prefix").value_or("");
  options.limit = TRY(whole_number(question.request, "limit", {1, scan::kAttributesLimitMax, usual_limit}));
  options.cancelled = &question.stop.cancelled();
  options.clock = &question.stop.clock();
  options.deadline_nanos = question.stop.deadline();
  return options;
}

// Of attributes, then that of intrinsics, which is no scope of TraceQL.
constexpr std::array<std::string_view, 6> kScopes = {"span", "resource",        "event",
                                                     "link", "instrumentation", "intrinsic"};
constexpr size_t kIntrinsics = 5;

struct NamesAsked {
  scan::AttributeOptions options;
  bool intrinsics = false;
};

Result<NamesAsked> names_asked(const Question& question) {
  NamesAsked asked;
  asked.options = TRY(attribute_options(question, kNamesDefault));
  const std::optional<size_t> scope = TRY(word(question.request, "scope", kScopes));
  if (scope) asked.options.scope = query::find_scope(kScopes[*scope]);
  asked.intrinsics = !scope || *scope == kIntrinsics;
  return asked;
}

void write_name(JsonWriter& json, const scan::AttributeName& name) {
  json.begin_object().key("scope").text(query::spelling(name.scope)).key("name").text(name.name);
  json.key("spanCount").number(name.span_count).key("types").begin_array();
  for (size_t type = 0; type < name.of_type.size(); ++type) {
    if (name.of_type[type] == 0) continue;
    json.begin_object().key("type").text(kTypeNames[type]).key("spanCount").number(name.of_type[type]).end_object();
  }
  json.end_array().end_object();
}

uint64_t count_of(const scan::AttributeNames& names, Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::EventName:
    case Intrinsic::EventTimeSinceStart:
      return names.spans_with_events;
    case Intrinsic::LinkTraceId:
    case Intrinsic::LinkSpanId:
      return names.spans_with_links;
    default:
      return names.span_count;
  }
}

// Those that fit into the limit behind the names; how many there are.
uint64_t write_intrinsics(JsonWriter& json, const scan::AttributeNames& names, const scan::AttributeOptions& options) {
  uint64_t count = 0;
  for (const query::IntrinsicWord& word : query::intrinsic_words()) {
    if (!word.canonical.starts_with(options.prefix)) continue;
    if (names.names.size() + count++ >= options.limit) continue;
    const uint64_t spans = count_of(names, word.intrinsic);
    json.begin_object().key("scope").text("intrinsic").key("name").text(word.canonical);
    json.key("spanCount").number(spans).key("types").begin_array();
    json.begin_object().key("type").text(type_name(word.type)).key("spanCount").number(spans).end_object();
    json.end_array().end_object();
  }
  return count;
}

Result<scan::Wanted> wanted_of(const net::HttpRequest& request) {
  const std::optional<std::string> name = request.query_value("name");
  if (!name) return bad("'name' is the name of an attribute");
  const std::optional<size_t> scope = TRY(word(request, "scope", kScopes));
  if (!scope) return bad("'scope' is needed: span, resource, event, link, instrumentation or intrinsic");
  if (const auto attributes = query::find_scope(kScopes[*scope]))
    return scan::Wanted(query::Attribute{*attributes, *name});
  const std::optional<Intrinsic> intrinsic = query::find_intrinsic(*name);
  if (!intrinsic) {
    const std::optional<std::string_view> near = query::nearest_word(*name);
    const bool helps = near && query::find_intrinsic(*near);
    return bad("there is no such intrinsic" + (helps ? fmt::format("; did you mean '{}'?", *near) : std::string()));
  }
  if (!scan::has_values(*intrinsic))
    return bad("the values of this intrinsic are not listed: spans or traces have their own");
  return scan::Wanted(*intrinsic);
}

}  // namespace

void answer_attributes(const Question& question) {
  const std::optional<query::Query> query = parse_query(question);
  if (!query) return;
  const Result<NamesAsked> asked = names_asked(question);
  if (!asked.ok()) return question.exchange.respond(problem(asked.error()));
  const uint64_t begin = question.stop.clock().monotonic_nanos();
  scan::AttributeNames names;
  if (question.snapshot) {
    Result<scan::AttributeNames> found =
        scan::attribute_names(*question.snapshot, *query, asked->options, question.budget);
    if (!found.ok()) return question.exchange.respond(problem(found.error()));
    names = std::move(*found);
  }
  Answer answer(question.exchange, "application/json");
  JsonWriter json(answer.text());
  json.begin_object().key("attributes").begin_array();
  for (const scan::AttributeName& name : names.names) {
    write_name(json, name);
    if (!answer.pass_on()) return;
  }
  const uint64_t intrinsics = asked->intrinsics ? write_intrinsics(json, names, asked->options) : 0;
  json.end_array().key("attributeCount").number(names.name_count + intrinsics);
  json.key("spanCount").number(names.span_count);
  write_end(json, names.work, question.stop.clock().monotonic_nanos() - begin);
  json.end_object();
  answer.finish();
}

void answer_attribute_values(const Question& question) {
  const std::optional<query::Query> query = parse_query(question);
  if (!query) return;
  const Result<scan::AttributeOptions> options = attribute_options(question, kValuesDefault);
  if (!options.ok()) return question.exchange.respond(problem(options.error()));
  const Result<scan::Wanted> wanted = wanted_of(question.request);
  if (!wanted.ok()) return question.exchange.respond(problem(wanted.error()));
  const uint64_t begin = question.stop.clock().monotonic_nanos();
  scan::AttributeValues values;
  if (question.snapshot) {
    Result<scan::AttributeValues> found =
        scan::attribute_values(*question.snapshot, *query, *wanted, *options, question.budget);
    if (!found.ok()) return question.exchange.respond(problem(found.error()));
    values = std::move(*found);
  }
  Answer answer(question.exchange, "application/json");
  JsonWriter json(answer.text());
  json.begin_object().key("values").begin_array();
  for (const scan::AttributeValue& value : values.values) {
    json.begin_object().key("value");
    render::write_otlp_value(json, values.batch, value.type, value.slot);
    json.key("spanCount").number(value.span_count).end_object();
    if (!answer.pass_on()) return;
  }
  json.end_array().key("valueCount").number(values.value_count).key("spanCount").number(values.span_count);
  write_end(json, values.work, question.stop.clock().monotonic_nanos() - begin);
  json.end_object();
  answer.finish();
}

}  // namespace clew::serve
