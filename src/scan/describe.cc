// SPDX-License-Identifier: Apache-2.0
#include "scan/describe.h"

#include <algorithm>
#include <tuple>

#include "model/identity.h"
#include "scan/newest.h"

namespace clew::scan {
namespace {

constexpr int32_t kStatusError = 2;  // StatusCode of trace.proto

}  // namespace

FoundTrace facts_of(const Found& found) {
  FoundTrace trace;
  trace.id = found.key.id;
  trace.start = found.summary.start;
  trace.end = found.summary.end;
  trace.span_count = found.summary.span_count;
  trace.matched_count = found.matched_count;
  return trace;
}

void read_root(eval::ColumnView& view, std::span<const uint32_t> rows, const eval::Pace* pace, FoundTrace& trace) {
  eval::TraceFacts facts(view);
  eval::ValueColumn column;
  const auto end = static_cast<uint32_t>(rows.size());
  const uint64_t duration = trace.duration_nanos();
  const uint32_t first = 0;
  facts.start({rows, std::span(&end, 1), std::span(&duration, 1)}, pace);
  const auto read = [&](query::Intrinsic intrinsic) -> std::optional<std::string> {
    facts.read(intrinsic, std::span(&first, 1), column);
    const eval::Value value = column.get(0);
    if (value.kind == eval::ValueKind::Text) return std::string(column.texts[value.bits]);
    if (value.kind != eval::ValueKind::String) return std::nullopt;
    return std::string(view.text(static_cast<eval::StringCode>(value.bits)));
  };
  trace.root_name = read(query::Intrinsic::TraceRootName);
  trace.root_service = read(query::Intrinsic::TraceRootService);
}

void ServiceCounts::add(model::StringId service, int32_t status_code) {
  Count& count = counts_[service];
  ++count.spans;
  count.errors += status_code == kStatusError ? 1 : 0;
}

void ServiceCounts::move_to(const model::InternTable& strings, FoundTrace& trace) {
  for (const auto& [name, count] : counts_) {
    trace.services.push_back({std::string(strings.at(name)), count.spans, count.errors});
    trace.error_count += count.errors;
  }
  counts_.clear();
  std::ranges::sort(trace.services, [](const ServiceCount& a, const ServiceCount& b) {
    return std::tie(b.spans, a.name) < std::tie(a.spans, b.name);
  });
  trace.service_count = static_cast<uint32_t>(trace.services.size());
  if (trace.services.size() > kServicesMax) trace.services.resize(kServicesMax);
}

void append_shown(const model::SpanBatch& from, std::vector<uint32_t> rows, size_t wanted, SearchAnswer& answer,
                  FoundTrace& trace) {
  const auto key = [&](uint32_t row) {
    return ShownKey{from.start[row], from.span_id[row].value, model::is_server_half(from.kind[row])};
  };
  std::ranges::sort(rows, [&](uint32_t a, uint32_t b) {
    const ShownKey key_a = key(a);
    const ShownKey key_b = key(b);
    if (key_a != key_b || a == b) return key_a < key_b;
    return model::content_hash(from, a) < model::content_hash(from, b);
  });
  if (rows.size() > wanted) rows.resize(wanted);
  trace.first_span = static_cast<uint32_t>(answer.spans.span_count());
  answer.spans.append_rows(from, rows);
  trace.shown_count = static_cast<uint32_t>(rows.size());
}

}  // namespace clew::scan
