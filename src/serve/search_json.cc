// SPDX-License-Identifier: Apache-2.0
#include "serve/search_json.h"

#include <array>
#include <cmath>
#include <string_view>

#include "codec/json_writer.h"
#include "render/attribute_json.h"
#include "render/jaeger_json.h"

namespace clew::serve {
namespace {

using codec::JsonWriter;
using model::SpanBatch;

std::string_view status_text(int32_t code) {
  constexpr std::array<std::string_view, 3> kNames = {"unset", "ok", "error"};
  return code >= 0 && static_cast<size_t>(code) < kNames.size() ? kNames[static_cast<size_t>(code)] : "unknown";
}

std::string_view kind_text(int32_t kind) {
  const std::string_view known = render::jaeger_span_kind(kind);
  return known.empty() ? "unspecified" : known;
}

void write_optional(JsonWriter& json, std::string_view key, const std::optional<std::string>& value) {
  json.key(key);
  if (value) {
    json.text(*value);
  } else {
    json.null();
  }
}

// The attributes of one list that the query speaks of.
void write_mentioned(JsonWriter& json, const scan::SearchAnswer& answer, std::string_view scope, query::Scope wanted,
                     const model::AttributeSet& set) {
  render::for_each_attribute(answer.spans, set, [&](std::string_view key, model::ValueType type, uint64_t slot) {
    for (const query::Attribute& attribute : answer.mentioned) {
      if (attribute.name != key || (attribute.scope != wanted && attribute.scope != query::Scope::Any)) continue;
      json.begin_object().key("scope").text(scope).key("key").text(key).key("value");
      render::write_otlp_value(json, answer.spans, type, slot);
      json.end_object();
      return;
    }
  });
}

void write_span(JsonWriter& json, const scan::SearchAnswer& answer, size_t row) {
  const SpanBatch& spans = answer.spans;
  const model::Resource& resource = spans.resources[spans.resource[row]];
  const UnixNanos start = spans.start[row];
  const UnixNanos end = spans.end[row];
  json.begin_object().key("spanId").text(spans.span_id[row].hex());
  if (!spans.parent_span_id[row].is_zero()) json.key("parentSpanId").text(spans.parent_span_id[row].hex());
  json.key("service").text(spans.strings.at(resource.service_name));
  json.key("name").text(spans.strings.at(spans.name[row]));
  json.key("kind").text(kind_text(spans.kind[row])).key("status").text(status_text(spans.status_code[row]));
  json.key("startTimeUnixNano").quoted(start).key("durationNanos").quoted(end > start ? end - start : uint64_t{0});
  json.key("attributes").begin_array();
  write_mentioned(json, answer, "span", query::Scope::Span, spans.attributes(row));
  write_mentioned(json, answer, "resource", query::Scope::Resource, resource.attributes);
  json.end_array().end_object();
}

void write_trace(JsonWriter& json, const scan::SearchAnswer& answer, const scan::FoundTrace& trace) {
  json.begin_object().key("traceId").text(trace.id.hex());
  write_optional(json, "rootService", trace.root_service);
  write_optional(json, "rootName", trace.root_name);
  json.key("startTimeUnixNano").quoted(trace.start).key("durationNanos").quoted(trace.duration_nanos());
  json.key("spanCount").number(uint64_t{trace.span_count}).key("errorCount").number(uint64_t{trace.error_count});
  json.key("serviceCount").number(uint64_t{trace.service_count});
  json.key("services").begin_array();
  for (const scan::ServiceCount& service : trace.services) {
    json.begin_object().key("name").text(service.name).key("spanCount").number(uint64_t{service.spans});
    json.key("errorCount").number(uint64_t{service.errors}).end_object();
  }
  json.end_array();
  json.key("matchedCount").number(uint64_t{trace.matched_count});
  json.key("spans").begin_array();
  for (uint32_t i = 0; i < trace.shown_count; ++i) write_span(json, answer, trace.first_span + i);
  json.end_array().end_object();
}

void write_work(JsonWriter& json, const scan::SearchAnswer& answer) {
  json.key("inspectedTraces").number(answer.traces_inspected).key("inspectedSpans").number(answer.spans_inspected);
  json.key("rowGroups").number(answer.row_groups).key("bytesRead").number(answer.bytes_read);
}

}  // namespace

void write_end(JsonWriter& json, const scan::SearchAnswer& answer, uint64_t elapsed_nanos) {
  json.key("complete").boolean(answer.complete());
  if (!answer.complete()) json.key("reason").text(answer.partial_reason);
  if (!answer.next_page.empty()) json.key("nextToken").text(answer.next_page);
  json.key("stats").begin_object();
  write_work(json, answer);
  json.key("milliseconds").number(std::round(static_cast<double>(elapsed_nanos) / 1e3) / 1e3);
  json.end_object();
}

void append_search_json(std::string& out, const scan::SearchAnswer& answer, uint64_t elapsed_nanos) {
  JsonWriter json(out);
  json.begin_object().key("traces").begin_array();
  for (const scan::FoundTrace& trace : answer.traces) write_trace(json, answer, trace);
  json.end_array();
  write_end(json, answer, elapsed_nanos);
  json.end_object();
}

void append_trace_lines(std::string& out, const scan::SearchAnswer& answer) {
  for (const scan::FoundTrace& trace : answer.traces) {
    JsonWriter json(out);
    json.begin_object().key("trace");
    write_trace(json, answer, trace);
    json.end_object();
    out += '\n';
  }
}

void append_progress_line(std::string& out, const scan::SearchAnswer& answer) {
  JsonWriter json(out);
  json.begin_object().key("progress").begin_object().key("foundTraces").number(answer.traces_found);
  write_work(json, answer);
  json.end_object().end_object();
  out += '\n';
}

void append_end_line(std::string& out, const scan::SearchAnswer& answer, uint64_t elapsed_nanos) {
  JsonWriter json(out);
  json.begin_object().key("end").begin_object().key("traceCount").number(answer.traces_found);
  write_end(json, answer, elapsed_nanos);
  json.end_object().end_object();
  out += '\n';
}

}  // namespace clew::serve
