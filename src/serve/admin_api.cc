// SPDX-License-Identifier: Apache-2.0
#include "serve/admin_api.h"

#include "codec/json_writer.h"
#include "serve/problem.h"

namespace clew::serve {
namespace {

using codec::JsonWriter;

void write_level(JsonWriter& json, const store::LevelFigures& level) {
  json.begin_object();
  json.key("level").number(uint64_t{level.level});
  json.key("blocks").number(level.blocks);
  json.key("spans").number(level.spans);
  json.key("bytes").number(level.bytes);
  json.end_object();
}

void write_tenant(JsonWriter& json, const store::TenantFigures& tenant) {
  json.begin_object();
  json.key("tenant").text(tenant.tenant);
  json.key("manifestVersion").number(tenant.manifest_version);
  json.key("levels").begin_array();
  for (const store::LevelFigures& level : tenant.levels) write_level(json, level);
  json.end_array();
  json.key("rollups").number(tenant.rollups);
  json.key("rollupBytes").number(tenant.rollup_bytes);
  json.key("headSpans").number(tenant.head_spans);
  json.key("headBytes").number(tenant.head_bytes);
  json.key("sharedTraces").number(tenant.shared_traces);
  json.key("blocksSetAside").number(tenant.blocks_set_aside);
  json.key("spansSetAside").number(tenant.spans_set_aside);
  json.key("spansRemovedByRetention").number(tenant.spans_removed_by_retention);
  json.end_object();
}

net::HttpResponse figures_after(const Result<void>& done, const store::Store& store) {
  if (!done.ok()) return problem(done.error());
  net::HttpResponse response;
  response.content_type = "application/json";
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = storage_json(store.storage());
  return response;
}

}  // namespace

std::string storage_json(const store::StorageFigures& figures) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("tenants").begin_array();
  for (const store::TenantFigures& tenant : figures.tenants) write_tenant(json, tenant);
  json.end_array();
  json.key("journalBytes").number(figures.journal_bytes);
  json.key("retiredBytes").number(figures.retired_bytes);
  json.key("sinceStart").begin_object();
  json.key("seals").number(figures.seals);
  json.key("sealedSpans").number(figures.sealed_spans);
  json.key("sealedBytes").number(figures.sealed_bytes);
  json.key("compactions").number(figures.compactions);
  json.key("compactedBytes").number(figures.compacted_bytes);
  json.key("duplicateSpans").number(figures.duplicate_spans);
  json.end_object();
  json.end_object();
  return out;
}

net::HttpResponse answer_flush(store::Store& store) { return figures_after(store.flush(), store); }
net::HttpResponse answer_compact(store::Store& store) { return figures_after(store.compact(), store); }
net::HttpResponse answer_storage(store::Store& store) { return figures_after({}, store); }

}  // namespace clew::serve
