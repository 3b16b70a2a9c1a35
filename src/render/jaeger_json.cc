// SPDX-License-Identifier: Apache-2.0
#include "render/jaeger_json.h"

#include <array>
#include <bit>
#include <map>
#include <vector>

#include "codec/json_writer.h"
#include "render/attribute_json.h"

namespace clew::render {
namespace {

using codec::JsonWriter;
using model::SpanBatch;
using model::ValueType;

// The largest integer up to which JavaScript's numbers are exact.
constexpr int64_t kSafeIntegerMax = (int64_t{1} << 53) - 1;
constexpr uint64_t kNanosPerMicro = 1000;
// Of a process in the maps.
constexpr uint64_t kBytesPerProcess = 128;
constexpr int32_t kStatusOk = 1;
constexpr int32_t kStatusError = 2;

void write_text_tag(JsonWriter& json, std::string_view key, std::string_view value) {
  json.begin_object().key("key").text(key).key("type").text("string").key("value").text(value).end_object();
}

void write_tag(JsonWriter& json, const SpanBatch& batch, std::string_view key, ValueType type, uint64_t slot) {
  const auto begin = [&](std::string_view name) -> JsonWriter& {
    return json.begin_object().key("key").text(key).key("type").text(name).key("value");
  };
  switch (type) {
    case ValueType::Empty:
      begin("string").text("");
      break;
    case ValueType::String:
      begin("string").text(batch.strings.at(static_cast<model::StringId>(slot)));
      break;
    case ValueType::Bool:
      begin("bool").boolean(slot != 0);
      break;
    case ValueType::Int: {
      const auto value = static_cast<int64_t>(slot);
      if (value > kSafeIntegerMax || value < -kSafeIntegerMax) {
        begin("int64").quoted(value);
      } else {
        begin("int64").number(value);
      }
      break;
    }
    case ValueType::Double:
      begin("float64").number(std::bit_cast<double>(slot));
      break;
    case ValueType::Bytes:
      begin("binary").base64(as_bytes(batch.blobs.at(static_cast<model::BlobId>(slot))));
      break;
    case ValueType::Array:
    case ValueType::KvList: {
      std::string text;
      JsonWriter nested(text);
      write_plain_value(nested, batch, type, slot);
      begin("string").text(text);
      break;
    }
  }
  json.end_object();
}

void write_tags(JsonWriter& json, const SpanBatch& batch, const model::AttributeSet& set) {
  for_each_attribute(batch, set, [&](std::string_view key, ValueType type, uint64_t slot) {
    write_tag(json, batch, key, type, slot);
  });
}

// Jaeger's span flags are the trace flags of W3C: the low byte.
uint32_t trace_flags(uint32_t flags) { return flags & 0xFF; }

}  // namespace

class JaegerTraceStream::Writer {
 public:
  Writer(const model::TraceId& id, const Sink& sink) : run_(sink), json_(run_.text()) {
    json_.begin_object();
    json_.key("traceID").text(jaeger_trace_id(id));
    json_.key("spans").begin_array();
  }

  bool add(const SpanBatch& batch) {
    batch_ = &batch;
    number_of_.clear();
    for (size_t row = 0; row < batch.span_count(); ++row) {
      write_span(row);
      if (!run_.passed_on()) return false;
    }
    return true;
  }

  void end() {
    json_.end_array();
    json_.key("processes").begin_object();
    for (size_t i = 0; i < processes_.size(); ++i) {
      json_.key("p" + std::to_string(i + 1)).raw(processes_[i]->first);
      if (!run_.passed_on()) return;
    }
    json_.end_object();
    json_.key("warnings").null();
    json_.end_object();
    run_.flush();
  }

  uint64_t memory_bytes() const { return process_bytes_; }

 private:
  void write_span(size_t row) {
    const UnixNanos start = batch_->start[row];
    const UnixNanos end = batch_->end[row];
    json_.begin_object();
    json_.key("traceID").text(jaeger_trace_id(batch_->trace_id[row]));
    json_.key("spanID").text(batch_->span_id[row].hex());
    if (const uint32_t flags = trace_flags(batch_->flags[row]); flags != 0) json_.key("flags").number(uint64_t{flags});
    json_.key("operationName").text(batch_->strings.at(batch_->name[row]));
    write_references(row);
    json_.key("startTime").number(start / kNanosPerMicro);
    json_.key("duration").number(end > start ? (end - start) / kNanosPerMicro : uint64_t{0});
    write_span_tags(row);
    write_logs(row);
    json_.key("processID").text("p" + std::to_string(process_number(batch_->resource[row])));
    json_.key("warnings");
    if (end < start) {
      json_.begin_array().text("the span ends before it starts; its duration is shown as 0").end_array();
    } else {
      json_.null();
    }
    json_.end_object();
  }

  // A link to the parent is not listed beside the parent. It changes the parent's type of reference only where it says
  // so itself: readers take the first CHILD_OF for the parent, and a plain link must not make the span an orphan.
  void write_references(size_t row) {
    const model::SpanId parent = batch_->parent_span_id[row];
    const auto is_parent = [&](const model::Link& link) {
      return link.span_id == parent && link.trace_id == batch_->trace_id[row];
    };
    const auto write = [&](std::string_view type, const model::TraceId& trace, const model::SpanId& span) {
      json_.begin_object().key("refType").text(type);
      json_.key("traceID").text(jaeger_trace_id(trace)).key("spanID").text(span.hex()).end_object();
    };
    json_.key("references").begin_array();
    if (!parent.is_zero()) {
      std::string_view type = "CHILD_OF";
      for (uint32_t i = batch_->links_begin(row); i < batch_->links_end[row]; ++i)
        if (is_parent(batch_->links[i])) type = reference_type(batch_->links[i], type);
      write(type, batch_->trace_id[row], parent);
    }
    for (uint32_t i = batch_->links_begin(row); i < batch_->links_end[row]; ++i) {
      const model::Link& link = batch_->links[i];
      if (parent.is_zero() || !is_parent(link))
        write(reference_type(link, "FOLLOWS_FROM"), link.trace_id, link.span_id);
    }
    json_.end_array();
  }

  std::string_view reference_type(const model::Link& link, std::string_view type) const {
    for_each_attribute(*batch_, link.attributes, [&](std::string_view key, ValueType value_type, uint64_t slot) {
      if (key != "opentracing.ref_type" || value_type != ValueType::String) return;
      const std::string_view value = batch_->strings.at(static_cast<model::StringId>(slot));
      if (value == "child_of") type = "CHILD_OF";
      if (value == "follows_from") type = "FOLLOWS_FROM";
    });
    return type;
  }

  void write_span_tags(size_t row) {
    const model::Scope& scope = batch_->scopes[batch_->scope[row]];
    const model::RareFields& rare = batch_->rare_of(row);
    json_.key("tags").begin_array();
    write_unless_empty("otel.scope.name", scope.name);
    write_unless_empty("otel.scope.version", scope.version);
    write_tags(json_, *batch_, batch_->attributes(row));
    if (const std::string_view kind = jaeger_span_kind(batch_->kind[row]); !kind.empty())
      write_text_tag(json_, "span.kind", kind);
    if (batch_->status_code[row] == kStatusOk) write_text_tag(json_, "otel.status_code", "OK");
    if (batch_->status_code[row] == kStatusError) {
      write_text_tag(json_, "otel.status_code", "ERROR");
      json_.begin_object().key("key").text("error").key("type").text("bool").key("value").boolean(true).end_object();
    }
    write_unless_empty("otel.status_description", rare.status_message);
    write_unless_empty("w3c.tracestate", rare.trace_state);
    json_.end_array();
  }

  void write_unless_empty(std::string_view key, model::StringId value) {
    const std::string_view text = batch_->strings.at(value);
    if (!text.empty()) write_text_tag(json_, key, text);
  }

  void write_logs(size_t row) {
    json_.key("logs").begin_array();
    for (uint32_t i = batch_->events_begin(row); i < batch_->events_end[row]; ++i) {
      const model::Event& event = batch_->events[i];
      bool names_event = false;
      for_each_attribute(*batch_, event.attributes,
                         [&](std::string_view key, ValueType, uint64_t) { names_event |= key == "event"; });
      json_.begin_object().key("timestamp").number(event.time / kNanosPerMicro).key("fields").begin_array();
      if (!names_event) write_unless_empty("event", event.name);
      write_tags(json_, *batch_, event.attributes);
      json_.end_array().end_object();
    }
    json_.end_array();
  }

  size_t process_number(uint32_t resource) {
    if (const auto known = number_of_.find(resource); known != number_of_.end()) return known->second;
    std::string text;
    JsonWriter json(text);
    const model::AttributeSet& attributes = batch_->resources[resource].attributes;
    const std::string_view service = batch_->strings.at(batch_->resources[resource].service_name);
    json.begin_object().key("serviceName").text(service.empty() ? kNoServiceName : service);
    json.key("tags").begin_array();
    for_each_attribute(*batch_, attributes, [&](std::string_view key, ValueType type, uint64_t slot) {
      if (key != "service.name") write_tag(json, *batch_, key, type, slot);
    });
    json.end_array().end_object();
    const auto [place, is_new] = process_by_text_.try_emplace(std::move(text), processes_.size() + 1);
    if (is_new) {
      processes_.push_back(&*place);
      process_bytes_ += place->first.size() + kBytesPerProcess;
    }
    number_of_.emplace(resource, place->second);
    return place->second;
  }

  Run run_;
  JsonWriter json_;
  const SpanBatch* batch_ = nullptr;  // that is being written
  std::map<std::string, size_t> process_by_text_;
  std::vector<const std::pair<const std::string, size_t>*> processes_;
  uint64_t process_bytes_ = 0;
  std::map<uint32_t, size_t> number_of_;  // by resource of the batch
};

JaegerTraceStream::JaegerTraceStream(const model::TraceId& id, const Sink& sink)
    : writer_(std::make_unique<Writer>(id, sink)) {}
JaegerTraceStream::~JaegerTraceStream() = default;
bool JaegerTraceStream::add(const SpanBatch& batch) { return writer_->add(batch); }
void JaegerTraceStream::end() { writer_->end(); }
uint64_t JaegerTraceStream::memory_bytes() const { return writer_->memory_bytes(); }

void write_jaeger_json(const SpanBatch& batch, const Sink& sink) {
  JaegerTraceStream stream(batch.trace_id[0], sink);
  if (stream.add(batch)) stream.end();
}

std::string jaeger_trace_id(const model::TraceId& id) {
  const std::string hex = id.hex();
  return id.high == 0 ? hex.substr(16) : hex;
}

std::string_view jaeger_span_kind(int32_t kind) {
  constexpr std::array<std::string_view, 6> kNames = {"", "internal", "server", "client", "producer", "consumer"};
  return kind >= 0 && static_cast<size_t>(kind) < kNames.size() ? kNames[static_cast<size_t>(kind)] : "";
}

}  // namespace clew::render
