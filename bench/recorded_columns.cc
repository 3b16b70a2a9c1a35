// SPDX-License-Identifier: Apache-2.0
#include "recorded_columns.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/bytes.h"
#include "decode/otlp/traces_protobuf.h"
#include "model/span_batch.h"
#include "model/trace_tree.h"
#include "recorded_traffic.h"

namespace clew::bench {
namespace {

struct Row {
  uint32_t row;
  uint32_t parent_delta;
};

std::vector<Row> rows_in_order(const model::SpanBatch& spans, size_t rows_max) {
  std::map<model::TraceId, std::vector<uint32_t>> traces;
  for (uint32_t row = 0; row < spans.span_count(); row++) traces[spans.trace_id[row]].push_back(row);
  using Key = std::tuple<std::string_view, std::string_view, UnixNanos>;
  std::vector<std::pair<Key, std::vector<Row>>> ordered;
  model::TraceTree tree;
  for (const auto& [id, rows] : traces) {
    tree.build(spans, rows);
    const std::span<const uint32_t> preorder = tree.preorder();
    std::vector<uint32_t> place(rows.size());
    for (uint32_t i = 0; i < preorder.size(); i++) place[preorder[i]] = i;
    std::vector<Row> trace;
    for (uint32_t i = 0; i < preorder.size(); i++) {
      const uint32_t parent = tree.parent(preorder[i]);
      const uint32_t delta = parent == model::kRoot ? 0 : model::is_top(parent) ? 1 : 1 + i - place[parent];
      trace.push_back({rows[preorder[i]], delta});
    }
    const uint32_t top = trace[0].row;
    ordered.emplace_back(Key(spans.strings.at(spans.resources[spans.resource[top]].service_name),
                             spans.strings.at(spans.name[top]), spans.start[top]),
                         std::move(trace));
  }
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Row> all;
  for (const auto& [key, trace] : ordered) {
    if (all.size() + trace.size() > rows_max) break;
    all.insert(all.end(), trace.begin(), trace.end());
  }
  return all;
}

void add_attributes(const model::SpanBatch& spans, const std::vector<Row>& rows, RecordedColumns& columns) {
  std::map<uint32_t, std::vector<uint64_t>> by_key;
  for (const Row& row : rows) {
    const model::AttributeSet set = spans.attributes(row.row);
    const std::span<const model::KeyType> keys = spans.keys(set);
    for (size_t i = 0; i < keys.size(); i++) by_key[keys[i].bits].push_back(spans.slots[set.first_slot + i]);
  }
  for (auto& [bits, values] : by_key) {
    const model::KeyType key{bits};
    const std::string name(spans.strings.at(key.key()));
    if (key.type() != model::ValueType::String) {
      columns.ints.push_back({name, std::move(values)});
      continue;
    }
    std::map<uint64_t, uint64_t> codes;
    IntColumn coded{name, {}, true};
    for (const uint64_t value : values) coded.values.push_back(codes.emplace(value, codes.size()).first->second);
    if (codes.size() * 4 <= values.size()) {
      columns.ints.push_back(std::move(coded));
      continue;
    }
    TextColumn text{name, {}};
    for (const uint64_t value : values) text.values.push_back(spans.strings.at(static_cast<uint32_t>(value)));
    columns.texts.push_back(std::move(text));
  }
}

}  // namespace

RecordedColumns recorded_columns(size_t rows_max) {
  model::SpanBatch spans;
  for (const std::string& request : recorded_requests(0)) {
    model::SpanBatch batch;
    if (decode::otlp::decode_traces_protobuf(as_bytes(request), batch).ok()) spans.append(batch);
  }
  RecordedColumns columns;
  const std::vector<Row> rows = rows_in_order(spans, rows_max);
  if (rows.empty()) return columns;
  const auto add = [&](const char* name, bool is_code, auto value) {
    IntColumn column{name, {}, is_code};
    for (const Row& row : rows) column.values.push_back(value(row));
    columns.ints.push_back(std::move(column));
  };
  using Template = std::tuple<uint32_t, uint32_t, int32_t, int32_t, uint32_t>;
  std::map<Template, uint64_t> templates;
  add("template", true, [&](const Row& r) {
    const Template key(spans.name[r.row], spans.scope[r.row], spans.kind[r.row], spans.status_code[r.row],
                       spans.shape[r.row]);
    return templates.emplace(key, templates.size()).first->second;
  });
  add("resource", true, [&](const Row& r) { return spans.resource[r.row]; });
  add("start", false, [&](const Row& r) { return spans.start[r.row]; });
  add("duration", false, [&](const Row& r) { return spans.end[r.row] - spans.start[r.row]; });
  add("span id", false, [&](const Row& r) { return spans.span_id[r.row].value; });
  add("parent delta", true, [&](const Row& r) { return r.parent_delta; });
  add("flags", true, [&](const Row& r) { return spans.flags[r.row]; });
  add("event count", true, [&](const Row& r) { return spans.events_end[r.row] - spans.events_begin(r.row); });
  IntColumn event_time{"event time", {}};
  for (const Row& row : rows) {
    for (uint32_t i = spans.events_begin(row.row); i < spans.events_end[row.row]; i++)
      event_time.values.push_back(spans.events[i].time - spans.start[row.row]);
  }
  if (!event_time.values.empty()) columns.ints.push_back(std::move(event_time));
  add_attributes(spans, rows, columns);
  return columns;
}

}  // namespace clew::bench
