// SPDX-License-Identifier: Apache-2.0
//
// SpanDraft is a span of the shop while it is made up: what is known of it comes bit by bit, and its end last.
// write_spans() makes a SpanBatch of finished ones.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/span_batch.h"

namespace clew::demo {

using Value = std::variant<std::string, int64_t, double, bool>;

class Attributes {
 public:
  Attributes& text(std::string_view key, std::string_view value) { return add(key, std::string(value)); }
  Attributes& number(std::string_view key, int64_t value) { return add(key, value); }
  Attributes& number(std::string_view key, double value) { return add(key, value); }
  Attributes& flag(std::string_view key, bool value) { return add(key, value); }
  std::span<const std::pair<std::string_view, Value>> list() const { return list_; }

 private:
  Attributes& add(std::string_view key, Value value) {
    list_.emplace_back(key, std::move(value));
    return *this;
  }
  std::vector<std::pair<std::string_view, Value>> list_;  // keys are literals
};

// SpanKind and StatusCode of trace.proto.
enum class Kind : uint8_t { Internal = 1, Server = 2, Client = 3, Producer = 4, Consumer = 5 };
enum class Status : uint8_t { Unset = 0, Ok = 1, Error = 2 };

struct EventDraft {
  UnixNanos time;
  std::string_view name;
  Attributes attributes;
};
struct LinkDraft {
  model::TraceId trace_id;
  model::SpanId span_id;
  Attributes attributes;
};

// Where spans come from: a running copy of a service.
struct Instance {
  Attributes resource;
  std::string_view service_name;
  std::string_view scope;
  std::string_view scope_version;
};

struct SpanDraft {
  model::TraceId trace_id;
  model::SpanId span_id;
  model::SpanId parent;
  size_t instance;  // place in the list given to write_spans()
  std::string name;
  Kind kind;
  UnixNanos start;
  UnixNanos end;
  Status status = Status::Unset;
  std::string status_message = "";
  Attributes attributes = {};
  std::vector<EventDraft> events = {};
  std::vector<LinkDraft> links = {};
};

model::SpanBatch write_spans(std::span<const SpanDraft> spans, std::span<const Instance> instances);

}  // namespace clew::demo
