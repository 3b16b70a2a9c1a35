// SPDX-License-Identifier: Apache-2.0
//
// Rows are sorted by (first row of their resource, first row of their scope in that resource, row), which groups them
// without a table per resource: a trace with a scope per span costs no more than any other.
#include "render/otlp_json.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "codec/json_writer.h"
#include "render/attribute_json.h"

namespace clew::render {
namespace {

using codec::JsonWriter;
using model::SpanBatch;

struct Place {
  uint32_t resource_first_row;
  uint32_t scope_first_row;
  uint32_t row;
  friend auto operator<=>(const Place&, const Place&) = default;
};

std::vector<Place> grouped(const SpanBatch& batch) {
  std::map<uint32_t, uint32_t> resource_first;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> scope_first;
  std::vector<Place> places;
  places.reserve(batch.span_count());
  for (uint32_t row = 0; row < batch.span_count(); ++row) {
    const uint32_t resource = resource_first.try_emplace(batch.resource[row], row).first->second;
    const auto scope = std::pair(batch.resource[row], batch.scope[row]);
    places.push_back({resource, scope_first.try_emplace(scope, row).first->second, row});
  }
  std::sort(places.begin(), places.end());
  return places;
}

void write_text(JsonWriter& json, std::string_view key, std::string_view text) {
  if (!text.empty()) json.key(key).text(text);
}

void write_count(JsonWriter& json, std::string_view key, uint64_t count) {
  if (count != 0) json.key(key).number(count);
}

void write_attributes(JsonWriter& json, const SpanBatch& batch, const model::AttributeSet& set, uint32_t dropped) {
  if (!batch.keys(set).empty()) {
    json.key("attributes");
    write_otlp_attributes(json, batch, set);
  }
  write_count(json, "droppedAttributesCount", dropped);
}

void write_resource(JsonWriter& json, const SpanBatch& batch, const model::Resource& resource) {
  json.key("resource").begin_object();
  write_attributes(json, batch, resource.attributes, resource.dropped_attributes);
  if (resource.entity_refs != 0) {
    json.key("entityRefs");
    write_entity_refs(json, as_bytes(batch.blobs.at(resource.entity_refs)));
  }
  json.end_object();
}

void write_scope(JsonWriter& json, const SpanBatch& batch, const model::Scope& scope) {
  json.key("scope").begin_object();
  write_text(json, "name", batch.strings.at(scope.name));
  write_text(json, "version", batch.strings.at(scope.version));
  write_attributes(json, batch, scope.attributes, scope.dropped_attributes);
  json.end_object();
}

void write_events(JsonWriter& json, const SpanBatch& batch, uint32_t row) {
  if (batch.events_begin(row) == batch.events_end[row]) return;
  json.key("events").begin_array();
  for (uint32_t i = batch.events_begin(row); i < batch.events_end[row]; ++i) {
    const model::Event& event = batch.events[i];
    json.begin_object();
    json.key("timeUnixNano").quoted(event.time);
    write_text(json, "name", batch.strings.at(event.name));
    write_attributes(json, batch, event.attributes, event.dropped_attributes);
    json.end_object();
  }
  json.end_array();
}

void write_links(JsonWriter& json, const SpanBatch& batch, uint32_t row) {
  if (batch.links_begin(row) == batch.links_end[row]) return;
  json.key("links").begin_array();
  for (uint32_t i = batch.links_begin(row); i < batch.links_end[row]; ++i) {
    const model::Link& link = batch.links[i];
    json.begin_object();
    json.key("traceId").text(link.trace_id.is_zero() ? "" : link.trace_id.hex());
    json.key("spanId").text(link.span_id.is_zero() ? "" : link.span_id.hex());
    write_text(json, "traceState", batch.strings.at(link.trace_state));
    write_attributes(json, batch, link.attributes, link.dropped_attributes);
    write_count(json, "flags", link.flags);
    json.end_object();
  }
  json.end_array();
}

void write_span(JsonWriter& json, const SpanBatch& batch, uint32_t row) {
  const model::RareFields& rare = batch.rare_of(row);
  json.begin_object();
  json.key("traceId").text(batch.trace_id[row].hex());
  json.key("spanId").text(batch.span_id[row].hex());
  write_text(json, "traceState", batch.strings.at(rare.trace_state));
  if (!batch.parent_span_id[row].is_zero()) json.key("parentSpanId").text(batch.parent_span_id[row].hex());
  write_count(json, "flags", batch.flags[row]);
  write_text(json, "name", batch.strings.at(batch.name[row]));
  if (batch.kind[row] != 0) json.key("kind").number(int64_t{batch.kind[row]});
  json.key("startTimeUnixNano").quoted(batch.start[row]);
  json.key("endTimeUnixNano").quoted(batch.end[row]);
  write_attributes(json, batch, batch.attributes(row), rare.dropped_attributes);
  write_events(json, batch, row);
  write_count(json, "droppedEventsCount", rare.dropped_events);
  write_links(json, batch, row);
  write_count(json, "droppedLinksCount", rare.dropped_links);
  const std::string_view message = batch.strings.at(rare.status_message);
  if (batch.status_code[row] != 0 || !message.empty()) {
    json.key("status").begin_object();
    write_text(json, "message", message);
    if (batch.status_code[row] != 0) json.key("code").number(int64_t{batch.status_code[row]});
    json.end_object();
  }
  json.end_object();
}

}  // namespace

OtlpJsonStream::OtlpJsonStream(const Sink& sink) : run_(sink), json_(run_.text()) {
  json_.begin_object().key("resourceSpans").begin_array();
}

bool OtlpJsonStream::add(const SpanBatch& batch) {
  const std::vector<Place> places = grouped(batch);
  for (size_t i = 0; i < places.size();) {
    const uint32_t resource_row = places[i].resource_first_row;
    const model::Resource& resource = batch.resources[batch.resource[resource_row]];
    json_.begin_object();
    write_resource(json_, batch, resource);
    json_.key("scopeSpans").begin_array();
    while (i < places.size() && places[i].resource_first_row == resource_row) {
      const uint32_t scope_row = places[i].scope_first_row;
      const model::Scope& scope = batch.scopes[batch.scope[scope_row]];
      json_.begin_object();
      write_scope(json_, batch, scope);
      json_.key("spans").begin_array();
      for (; i < places.size() && places[i].scope_first_row == scope_row; ++i) {
        write_span(json_, batch, places[i].row);
        if (!run_.passed_on()) return false;
      }
      json_.end_array();
      write_text(json_, "schemaUrl", batch.strings.at(scope.schema_url));
      json_.end_object();
    }
    json_.end_array();
    write_text(json_, "schemaUrl", batch.strings.at(resource.schema_url));
    json_.end_object();
  }
  return true;
}

void OtlpJsonStream::end() {
  json_.end_array().end_object();
  run_.flush();
}

void write_otlp_json(const SpanBatch& batch, const Sink& sink) {
  OtlpJsonStream stream(sink);
  if (stream.add(batch)) stream.end();
}

}  // namespace clew::render
