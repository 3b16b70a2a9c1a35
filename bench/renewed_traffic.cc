// SPDX-License-Identifier: Apache-2.0
#include "renewed_traffic.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/bytes.h"
#include "decode/otlp/traces_protobuf.h"
#include "recorded_traffic.h"

namespace clew::bench {
namespace {

using model::SpanBatch;

bool is_id(std::string_view text) {
  if (text.size() < 16) return false;
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-'; });
}

std::string renewed(std::string_view text, uint64_t salt) {
  uint64_t state = std::hash<std::string_view>{}(text) ^ salt;
  const bool digits = text.find_first_of("abcdef") == std::string_view::npos;
  std::string out(text);
  for (char& c : out) {
    if (c == '-') continue;
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = "0123456789abcdef"[(state >> 40) % (digits ? 10 : 16)];
  }
  return out;
}

void renew(SpanBatch& batch, uint64_t salt, uint64_t later) {
  const auto renew_list = [&](const model::AttributeSet& set) {
    const auto keys = batch.keys(set);
    for (size_t i = 0; i < keys.size(); ++i) {
      uint64_t& slot = batch.slots[set.first_slot + i];
      if (keys[i].type() != model::ValueType::String) continue;
      const std::string_view text = batch.strings.at(static_cast<model::StringId>(slot));
      if (is_id(text)) slot = batch.strings.intern(renewed(text, salt));
    }
  };
  for (size_t row = 0; row < batch.span_count(); ++row) {
    batch.trace_id[row].high ^= salt;
    batch.trace_id[row].low ^= salt * 31;
    batch.span_id[row].value ^= salt;
    if (!batch.parent_span_id[row].is_zero()) batch.parent_span_id[row].value ^= salt;
    // Not the same for all, or differences between traces would repeat.
    const uint64_t shift = later + (batch.trace_id[row].high ^ salt) % 1'000'000'007;
    batch.start[row] += shift;
    batch.end[row] += shift;
    for (uint32_t i = batch.events_begin(row); i < batch.events_end[row]; ++i) batch.events[i].time += shift;
    renew_list(batch.attributes(row));
  }
  for (size_t i = 0; i < batch.events.size(); ++i) renew_list(batch.events[i].attributes);
}

}  // namespace

void for_each_renewed_request(size_t spans, size_t request_spans,
                              const std::function<void(const model::SpanBatch& request, UnixNanos received)>& visit) {
  const std::vector<std::string> requests = recorded_requests(request_spans);
  if (requests.empty()) return;
  uint64_t length = 0;
  size_t given = 0;
  UnixNanos received = 0;
  for (uint64_t round = 0; given < spans; ++round) {
    UnixNanos first = UINT64_MAX;
    UnixNanos last = 0;
    for (const std::string& request : requests) {
      SpanBatch batch;
      if (!decode::otlp::decode_traces_protobuf(as_bytes(request), batch).ok()) continue;
      renew(batch, round * 0x9E3779B97F4A7C15u, round * length);
      for (size_t row = 0; row < batch.span_count(); ++row) {
        received = std::max(received, batch.end[row]);
        first = std::min(first, batch.start[row]);
        last = std::max(last, batch.end[row]);
      }
      given += batch.span_count();
      visit(batch, received);
      if (given >= spans) break;
    }
    if (round == 0) length = last - first;
  }
}

}  // namespace clew::bench
