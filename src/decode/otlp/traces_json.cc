// SPDX-License-Identifier: Apache-2.0
//
// One pass over the text in its own order, with simdjson finding the structure and this file reading it. A list value
// is written as the protobuf message that it would have been and handed to the same code that reads those.
#include "decode/otlp/traces_json.h"

#include <array>
#include <bit>

#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/proto_writer.h"
#include "codec/utf8.h"
#include "decode/otlp/attribute_lists.h"
#include "decode/otlp/fields.h"
#include "decode/otlp/json_reader.h"
#include "decode/otlp/limits.h"
#include "decode/otlp/span_sink.h"

namespace clew::decode::otlp {
namespace {

using codec::ProtoWriter;
using model::SpanBatch;
using model::SpanRow;
using model::StringId;
using model::ValueType;
using Json = JsonReader::Value;
using Level = AttributeLists::Level;
using Open = AttributeLists::Open;
using Text = std::string_view;

static_assert(kJsonPadding == simdjson::SIMDJSON_PADDING);

constexpr std::array<JsonReader::EnumName, 6> kKinds = {{{"SPAN_KIND_UNSPECIFIED", 0},
                                                         {"SPAN_KIND_INTERNAL", 1},
                                                         {"SPAN_KIND_SERVER", 2},
                                                         {"SPAN_KIND_CLIENT", 3},
                                                         {"SPAN_KIND_PRODUCER", 4},
                                                         {"SPAN_KIND_CONSUMER", 5}}};
constexpr std::array<JsonReader::EnumName, 3> kStatusCodes = {
    {{"STATUS_CODE_UNSET", 0}, {"STATUS_CODE_OK", 1}, {"STATUS_CODE_ERROR", 2}}};

class Decoder {
 public:
  Decoder(size_t body_bytes, SpanBatch& batch, ListScratch& scratch, const BadGroups& known)
      : batch_(batch), scratch_(scratch), json_(faults_), sink_(batch, body_bytes, known) {
    scratch.lists.reset(batch, faults_);
  }
  Decoder(const Decoder&) = delete;
  ~Decoder() { scratch_.trim(); }

  Result<void> read(Bytes body, size_t padding) {
    Result<void> done = json_.document(body, padding, [this](Json root) { return read_request(root); });
    if (too_much_) return Error(Code::ResourceExhausted, "the request decodes to too much memory for its size");
    if (done.ok() && malformed_) return Error(Code::InvalidArgument, "the JSON is not an ExportTraceServiceRequest");
    return done;
  }
  bool found_bad_groups(BadGroups& bad) const { return sink_.found_bad_groups(bad); }
  Verdict verdict() { return sink_.take_verdict(faults_.string_table_references); }

 private:
  bool too_much() {
    too_much_ = true;
    return false;
  }
  bool charge(size_t bytes) { return sink_.charge(bytes) || too_much(); }

  StringId intern(Text text) {
    if (text.empty()) return 0;
    const auto id = batch_.strings.intern_if(text, codec::valid_utf8);
    if (!id) faults_.reject(Reason::Utf8);
    return id.value_or(0);
  }

  // What is not an object or array where spans should be below cannot be counted as bad spans, so it costs the request.
  bool misshapen() {
    malformed_ = true;
    return true;
  }
  bool outside_groups(bool sound) {
    malformed_ |= faults_.bad.has_value();
    faults_.bad.reset();
    return sound;
  }

  bool read_request(Json value) {
    return outside_groups(json_.each_field(value, [&](Name name, Json field) {
      if (name != Name::ResourceSpans) return true;
      return json_.each_element(field, [&](Json element) { return read_resource_spans(element); });
    }));
  }

  bool read_resource_spans(Json value) {
    bool is_object = false;
    if (!json_.is_object(value, is_object)) return false;
    if (!is_object) return misshapen();
    if (!sink_.begin_resource()) return too_much();
    model::Resource resource;
    std::string entity_refs;
    Text schema_url;
    bool bad = false;
    scratch_.lists.begin(scratch_.resource, Level::Resource);
    const auto note = [&](bool sound) {  // spans use the same faults: ours are taken out before they begin
      bad |= faults_.bad.has_value();
      faults_.bad.reset();
      return sound;
    };
    const bool sound = json_.each_field(value, [&](Name name, Json field) {
      switch (name) {
        case Name::Resource:
          return note(read_resource(field, resource, entity_refs));
        case Name::ScopeSpans:
          return outside_groups(json_.each_element(field, [&](Json element) { return read_scope_spans(element); }));
        case Name::SchemaUrl:
          return note(json_.text(field, schema_url));
        default:
          return true;
      }
    });
    if (!sound) return false;
    resource.attributes = scratch_.lists.finish(scratch_.resource);
    resource.schema_url = intern(schema_url);
    note(true);
    if (!bad) resource.entity_refs = batch_.blobs.intern(entity_refs);
    sink_.end_resource(resource, bad);
    return true;
  }

  bool read_resource(Json value, model::Resource& resource, std::string& entity_refs) {
    return json_.each_field(value, [&](Name name, Json field) {
      switch (name) {
        case Name::Attributes:
          return read_attributes(field, scratch_.resource);
        case Name::DroppedAttributesCount:
          return json_.uint32(field, resource.dropped_attributes);
        case Name::EntityRefs:
          return json_.each_element(field, [&](Json element) { return read_entity_ref(element, entity_refs); });
        default:
          return true;
      }
    });
  }

  bool read_entity_ref(Json value, std::string& out) {
    namespace f = field::entity_ref;
    Text schema_url;
    Text type;
    std::string id_keys;
    std::string description_keys;
    const auto keys = [&](Json list, uint32_t number, std::string& to) {
      return json_.each_element(list, [&](Json element) {
        Text key;
        if (!json_.text(element, key)) return false;
        check_text(key);
        ProtoWriter(to).text(number, key);
        return true;
      });
    };
    const bool sound = json_.each_field(value, [&](Name name, Json field) {
      switch (name) {
        case Name::SchemaUrl:
          return json_.text(field, schema_url);
        case Name::Type:
          return json_.text(field, type);
        case Name::IdKeys:
          return keys(field, f::kIdKeys, id_keys);
        case Name::DescriptionKeys:
          return keys(field, f::kDescriptionKeys, description_keys);
        default:
          return true;
      }
    });
    check_text(schema_url);
    check_text(type);
    ProtoWriter writer(out);
    writer.message(field::resource::kEntityRefs, [&] {
      if (!schema_url.empty()) writer.text(f::kSchemaUrl, schema_url);
      if (!type.empty()) writer.text(f::kType, type);
      out.append(id_keys).append(description_keys);
    });
    return sound;
  }
  void check_text(Text text) {
    if (!codec::valid_utf8(text)) faults_.reject(Reason::Utf8);
  }

  bool read_scope_spans(Json value) {
    bool is_object = false;
    if (!json_.is_object(value, is_object)) return false;
    if (!is_object) return misshapen();
    if (!sink_.begin_scope()) return too_much();
    model::Scope scope;
    Text name_text;
    Text version;
    Text schema_url;
    bool bad = false;
    scratch_.lists.begin(scratch_.scope, Level::Scope);
    const auto note = [&](bool sound) {
      bad |= faults_.bad.has_value();
      faults_.bad.reset();
      return sound;
    };
    const bool sound = json_.each_field(value, [&](Name name, Json field) {
      switch (name) {
        case Name::Scope:
          return note(read_scope(field, scope, name_text, version));
        case Name::Spans:
          return outside_groups(json_.each_element(field, [&](Json element) { return read_span(element); }));
        case Name::SchemaUrl:
          return note(json_.text(field, schema_url));
        default:
          return true;
      }
    });
    if (!sound) return false;
    scope.attributes = scratch_.lists.finish(scratch_.scope);
    scope.name = intern(name_text);
    scope.version = intern(version);
    scope.schema_url = intern(schema_url);
    note(true);
    sink_.end_scope(scope, bad);
    return true;
  }

  bool read_scope(Json value, model::Scope& scope, Text& name_text, Text& version) {
    return json_.each_field(value, [&](Name name, Json field) {
      switch (name) {
        case Name::Name:
          return json_.text(field, name_text);
        case Name::Version:
          return json_.text(field, version);
        case Name::Attributes:
          return read_attributes(field, scratch_.scope);
        case Name::DroppedAttributesCount:
          return json_.uint32(field, scope.dropped_attributes);
        default:
          return true;
      }
    });
  }

  struct SpanTexts {
    Text trace_id, span_id, parent_span_id, name, trace_state, status_message;
  };

  bool read_span(Json value) {
    sink_.begin_span();
    SpanRow span;
    SpanTexts texts;
    scratch_.lists.begin(scratch_.span, Level::Span);
    const bool sound =
        json_.each_field(value, [&](Name name, Json field) { return read_span_field(name, field, span, texts); });
    if (!sound) return false;
    const auto trace_id = read_id<model::TraceId>(texts.trace_id);
    const auto span_id = read_id<model::SpanId>(texts.span_id);
    const auto parent = read_id<model::SpanId>(texts.parent_span_id);
    if (!trace_id || trace_id->is_zero()) {
      faults_.reject(Reason::TraceId);
    } else if (!span_id || span_id->is_zero()) {
      faults_.reject(Reason::SpanId);
    } else if (!parent) {
      faults_.reject(Reason::ParentSpanId);
    } else {
      span.trace_id = *trace_id;
      span.span_id = *span_id;
      span.parent_span_id = *parent;
    }
    span.name = intern(texts.name);
    span.rare.trace_state = intern(texts.trace_state);
    span.rare.status_message = intern(texts.status_message);
    span.attributes = scratch_.lists.finish(scratch_.span);
    const std::optional<Reason> bad = faults_.bad;
    faults_.bad.reset();
    return sink_.add(span, bad) || too_much();
  }

  bool read_span_field(Name name, Json field, SpanRow& span, SpanTexts& texts) {
    switch (name) {
      case Name::TraceId:
        return json_.text(field, texts.trace_id);
      case Name::SpanId:
        return json_.text(field, texts.span_id);
      case Name::TraceState:
        return json_.text(field, texts.trace_state);
      case Name::ParentSpanId:
        return json_.text(field, texts.parent_span_id);
      case Name::Name:
        return json_.text(field, texts.name);
      case Name::Kind:
        return json_.enumeration(field, kKinds, span.kind);
      case Name::StartTime:
        return json_.uint64(field, span.start);
      case Name::EndTime:
        return json_.uint64(field, span.end);
      case Name::Attributes:
        return read_attributes(field, scratch_.span);
      case Name::DroppedAttributesCount:
        return json_.uint32(field, span.rare.dropped_attributes);
      case Name::Events:
        return json_.each_element(field, [&](Json element) { return read_event(element); });
      case Name::DroppedEventsCount:
        return json_.uint32(field, span.rare.dropped_events);
      case Name::Links:
        return json_.each_element(field, [&](Json element) { return read_link(element); });
      case Name::DroppedLinksCount:
        return json_.uint32(field, span.rare.dropped_links);
      case Name::Status:
        return read_status(field, span, texts);
      case Name::Flags:
        return json_.uint32(field, span.flags);
      default:
        return true;
    }
  }

  // Zero for an id that is not there; nothing for a text that is none.
  template <class Id>
  static std::optional<Id> read_id(Text text) {
    if (text.empty()) return Id{};
    uint8_t bytes[Id::kBytes];
    if (!codec::decode_hex(text, bytes, sizeof bytes)) return std::nullopt;
    return Id::from_bytes(bytes);
  }

  bool read_status(Json value, SpanRow& span, SpanTexts& texts) {
    return json_.each_field(value, [&](Name name, Json field) {
      switch (name) {
        case Name::Message:
          return json_.text(field, texts.status_message);
        case Name::Code:
          return json_.enumeration(field, kStatusCodes, span.status_code);
        default:
          return true;
      }
    });
  }

  bool read_event(Json value) {
    model::Event event;
    Text name_text;
    scratch_.lists.begin(scratch_.child, Level::Event);
    const bool sound = json_.each_field(value, [&](Name name, Json field) {
      switch (name) {
        case Name::Time:
          return json_.uint64(field, event.time);
        case Name::Name:
          return json_.text(field, name_text);
        case Name::Attributes:
          return read_attributes(field, scratch_.child);
        case Name::DroppedAttributesCount:
          return json_.uint32(field, event.dropped_attributes);
        default:
          return true;
      }
    });
    if (!sound || !charge(kEventCharge)) return false;
    event.name = intern(name_text);
    event.attributes = scratch_.lists.finish(scratch_.child);
    batch_.events.push_back(event);
    return true;
  }

  bool read_link(Json value) {
    model::Link link;
    Text trace_id;
    Text span_id;
    Text trace_state;
    scratch_.lists.begin(scratch_.child, Level::Link);
    const bool sound = json_.each_field(value, [&](Name name, Json field) {
      switch (name) {
        case Name::TraceId:
          return json_.text(field, trace_id);
        case Name::SpanId:
          return json_.text(field, span_id);
        case Name::TraceState:
          return json_.text(field, trace_state);
        case Name::Attributes:
          return read_attributes(field, scratch_.child);
        case Name::DroppedAttributesCount:
          return json_.uint32(field, link.dropped_attributes);
        case Name::Flags:
          return json_.uint32(field, link.flags);
        default:
          return true;
      }
    });
    if (!sound || !charge(kLinkCharge)) return false;
    const auto trace = read_id<model::TraceId>(trace_id);
    const auto span = read_id<model::SpanId>(span_id);
    if (!trace || !span) faults_.reject(Reason::LinkId);
    link.trace_id = trace.value_or(model::TraceId{});
    link.span_id = span.value_or(model::SpanId{});
    link.trace_state = intern(trace_state);
    link.attributes = scratch_.lists.finish(scratch_.child);
    batch_.links.push_back(link);
    return true;
  }

  bool read_attributes(Json value, Open& open) {
    return json_.each_element(value, [&](Json element) {
      Text key;
      value_.type = ValueType::Empty;
      const bool sound = read_key_value(element, 1, key, value_);
      return sound && charge(kAttributeCharge) && scratch_.lists.add(open, key, value_);
    });
  }

  bool read_key_value(Json element, uint32_t depth, Text& key, WireValue& value) {
    return json_.each_field(element, [&](Name name, Json field) {
      switch (name) {
        case Name::Key:
          return json_.text(field, key);
        case Name::Value:
          return read_value(field, depth, value);
        case Name::KeyStrindex:
          ++faults_.string_table_references;
          return true;
        default:
          return true;
      }
    });
  }

  // `depth` is the depth of this value. A list is left in value.merged as a message of its own.
  bool read_value(Json json, uint32_t depth, WireValue& value) {
    if (depth > kValueDepthMax) {
      faults_.reject(Reason::Nesting);
      return true;
    }
    return json_.each_field(json, [&](Name name, Json field) {
      Text text;
      switch (name) {
        case Name::StringValue:
          value.type = ValueType::String;
          value.bytes = {};
          if (!json_.text(field, text)) return false;
          value.bytes = as_bytes(text);
          return true;
        case Name::BoolValue: {
          bool truth = false;
          value.type = ValueType::Bool;
          if (!json_.boolean(field, truth)) return false;
          value.number = truth ? 1 : 0;
          return true;
        }
        case Name::IntValue: {
          int64_t number = 0;
          value.type = ValueType::Int;
          if (!json_.int64(field, number)) return false;
          value.number = static_cast<uint64_t>(number);
          return true;
        }
        case Name::DoubleValue: {
          double number = 0;
          value.type = ValueType::Double;
          if (!json_.real(field, number)) return false;
          value.number = std::bit_cast<uint64_t>(number);
          return true;
        }
        case Name::BytesValue:
          value.type = ValueType::Bytes;
          value.merged.clear();
          if (!json_.text(field, text)) return false;
          if (!codec::decode_base64(text, value.merged)) faults_.reject(Reason::Malformed);
          value.bytes = as_bytes(value.merged);
          return true;
        case Name::ArrayValue:
          return read_list(field, depth, ValueType::Array, value);
        case Name::KvListValue:
          return read_list(field, depth, ValueType::KvList, value);
        case Name::StringValueStrindex:
          value.type = ValueType::Empty;
          ++faults_.string_table_references;
          return true;
        default:
          return true;
      }
    });
  }

  bool read_list(Json json, uint32_t depth, ValueType type, WireValue& value) {
    value.type = type;
    std::string message;
    const auto element = [&](Json item) {
      WireValue inside;
      Text key;
      ProtoWriter writer(message);
      if (type == ValueType::Array) {
        if (!read_value(item, depth + 1, inside)) return false;
        append_wire_value(inside, field::list::kValues, message);
        return true;
      }
      if (!read_key_value(item, depth + 1, key, inside)) return false;
      writer.message(field::list::kValues, [&] {
        writer.text(field::key_value::kKey, key);
        append_wire_value(inside, field::key_value::kValue, message);
      });
      return true;
    };
    const bool sound = json_.each_field(
        json, [&](Name name, Json field) { return name != Name::Values || json_.each_element(field, element); });
    value.merged = std::move(message);
    value.bytes = as_bytes(value.merged);
    return sound;
  }

  SpanBatch& batch_;
  ListScratch& scratch_;
  Faults faults_;
  JsonReader json_;
  SpanSink sink_;
  WireValue value_;  // of the attribute being read: keeps its memory
  bool too_much_ = false;
  bool malformed_ = false;
};

}  // namespace

Result<Verdict> decode_traces_json(Bytes body, size_t padding, SpanBatch& batch) {
  if (body.size() > kBodyBytesMax) return Error(Code::ResourceExhausted, "the request is too large to decode");
  thread_local ListScratch scratch;
  BadGroups bad;
  for (;;) {  // twice at most: the second time all bad groups are known
    Decoder decoder(body.size(), batch, scratch, bad);
    Result<void> done = decoder.read(body, padding);
    if (done.ok() && !decoder.found_bad_groups(bad)) return decoder.verdict();
    batch = SpanBatch();
    if (!done.ok()) return std::move(done).error();
  }
}

}  // namespace clew::decode::otlp
