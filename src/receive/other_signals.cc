// SPDX-License-Identifier: Apache-2.0
#include "receive/other_signals.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <array>
#include <string_view>

#include "codec/proto_reader.h"

namespace clew::receive {
namespace {

using codec::length_tag;
using codec::ProtoReader;
using decode::otlp::Encoding;

// Adds up what is at the end of a path of nested fields: of each step, the numbers of the fields to follow.
struct Step {
  std::array<uint32_t, 5> fields;  // 0: none
};
constexpr std::array<Step, 3> kLogRecords = {{{{1}}, {{2}}, {{2}}}};
// gauge, sum, histogram, exponential_histogram, summary
constexpr std::array<Step, 5> kDataPoints = {{{{1}}, {{2}}, {{2}}, {{5, 7, 9, 10, 11}}, {{1}}}};

bool follows(const Step& step, const ProtoReader& reader) {
  for (const uint32_t field : step.fields) {
    if (field != 0 && reader.tag() == length_tag(field)) return true;
  }
  return false;
}

// As deep as the path is long.
Result<uint64_t> count(Bytes message, std::span<const Step> path) {
  uint64_t sum = 0;
  ProtoReader reader(message);
  while (reader.next_tag()) {
    Bytes inner;
    if (!follows(path.front(), reader)) {
      reader.skip();
    } else if (reader.read_bytes(inner)) {
      sum += path.size() == 1 ? 1 : TRY(count(inner, path.subspan(1)));
    }
  }
  if (reader.failed()) return Error(Code::InvalidArgument, "not a protobuf message");
  return sum;
}

constexpr std::array<std::string_view, 3> kLogRecordNames = {"resourceLogs", "scopeLogs", "logRecords"};
constexpr std::array<std::string_view, 3> kMetricNames = {"resourceMetrics", "scopeMetrics", "metrics"};
constexpr std::array<std::string_view, 5> kMetricKinds = {"gauge", "sum", "histogram", "exponentialHistogram",
                                                          "summary"};

uint64_t points_of(simdjson::dom::element metric) {
  uint64_t sum = 0;
  for (const std::string_view kind : kMetricKinds) {
    simdjson::dom::array points;
    if (metric[kind]["dataPoints"].get(points) == simdjson::SUCCESS) sum += points.size();
  }
  return sum;
}

uint64_t count_json(simdjson::dom::element element, std::span<const std::string_view> path, bool metrics) {
  simdjson::dom::array items;
  if (element[path.front()].get(items) != simdjson::SUCCESS) return 0;
  if (path.size() == 1 && !metrics) return items.size();
  uint64_t sum = 0;
  for (const simdjson::dom::element item : items) {
    sum += path.size() == 1 ? points_of(item) : count_json(item, path.subspan(1), metrics);
  }
  return sum;
}

Result<uint64_t> count_json(Bytes body, std::span<const std::string_view> path, bool metrics) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto error = parser.parse(body.data(), body.size()).get(root);
  if (error != simdjson::SUCCESS) {
    return Error(Code::InvalidArgument, fmt::format("not JSON: {}", simdjson::error_message(error)));
  }
  return count_json(root, path, metrics);
}

}  // namespace

Result<uint64_t> count_log_records(Bytes body, Encoding format) {
  return format == Encoding::Json ? count_json(body, kLogRecordNames, false) : count(body, kLogRecords);
}

Result<uint64_t> count_data_points(Bytes body, Encoding format) {
  return format == Encoding::Json ? count_json(body, kMetricNames, true) : count(body, kDataPoints);
}

}  // namespace clew::receive
