// SPDX-License-Identifier: Apache-2.0
//
// A span as a plain struct that owns everything it says, for tests: easy to write down, easy to look at, and nothing of
// it is shared with the columns that it is checked against.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/span_batch.h"

namespace clew::eval::testing {

struct PlainValue {
  model::ValueType type = model::ValueType::Empty;
  bool truth = false;
  int64_t integer = 0;
  double number = 0;
  std::string text = {};                  // String and Bytes
  std::vector<PlainValue> elements = {};  // Array

  static PlainValue empty() { return {}; }
  static PlainValue of(bool value) { return {.type = model::ValueType::Bool, .truth = value}; }
  static PlainValue of(int64_t value) { return {.type = model::ValueType::Int, .integer = value}; }
  static PlainValue of(double value) { return {.type = model::ValueType::Double, .number = value}; }
  static PlainValue of(std::string value) { return {.type = model::ValueType::String, .text = std::move(value)}; }
  static PlainValue bytes(std::string value) { return {.type = model::ValueType::Bytes, .text = std::move(value)}; }
  static PlainValue list_of_pairs() { return {.type = model::ValueType::KvList}; }
  static PlainValue array(std::vector<PlainValue> values) {
    return {.type = model::ValueType::Array, .elements = std::move(values)};
  }
  friend bool operator==(const PlainValue&, const PlainValue&) = default;
};

struct PlainAttribute {
  std::string key;
  PlainValue value;
  friend bool operator==(const PlainAttribute&, const PlainAttribute&) = default;
};
using PlainAttributes = std::vector<PlainAttribute>;

struct PlainEvent {
  UnixNanos time = 0;
  std::string name;
  PlainAttributes attributes;
};

struct PlainLink {
  model::TraceId trace_id;
  model::SpanId span_id;
  PlainAttributes attributes;
};

struct PlainSpan {
  model::TraceId trace_id;
  model::SpanId span_id;
  model::SpanId parent_id;
  std::string name;
  int32_t kind = 0;
  int32_t status = 0;
  std::string status_message;
  UnixNanos start = 0;
  UnixNanos end = 0;
  PlainAttributes attributes;
  PlainAttributes resource;
  std::string scope_name;
  std::string scope_version;
  PlainAttributes scope;
  std::vector<PlainEvent> events;
  std::vector<PlainLink> links;
};

// The spans as one request, in their order.
model::SpanBatch batch_of(std::span<const PlainSpan> spans);

}  // namespace clew::eval::testing
