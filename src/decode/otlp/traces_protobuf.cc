// SPDX-License-Identifier: Apache-2.0
//
// A span is read field by field as it comes. Its attributes go into one open list, each event and link is read when it
// is met with an open list of its own, and what may come again (ids, name, status) is kept as a borrowed run of bytes
// until the end, where the last one counts.
#include "decode/otlp/traces_protobuf.h"

#include <fmt/format.h>

#include "codec/proto_reader.h"
#include "codec/proto_writer.h"
#include "codec/utf8.h"
#include "decode/otlp/attribute_lists.h"
#include "decode/otlp/fields.h"
#include "decode/otlp/limits.h"
#include "decode/otlp/span_sink.h"

namespace clew::decode::otlp {
namespace {

using codec::fixed32_tag;
using codec::fixed64_tag;
using codec::length_tag;
using codec::ProtoReader;
using codec::varint_tag;
using model::SpanBatch;
using model::SpanRow;
using model::StringId;
using Level = AttributeLists::Level;
using Open = AttributeLists::Open;

class Decoder {
 public:
  Decoder(Bytes body, SpanBatch& batch, ListScratch& scratch, const BadGroups& known)
      : body_(body), batch_(batch), scratch_(scratch), sink_(batch, body.size(), known) {
    scratch.lists.reset(batch, faults_);
  }
  Decoder(const Decoder&) = delete;
  ~Decoder() { scratch_.trim(); }

  bool read_request() {
    ProtoReader reader(body_);
    span_at_ = body_.data();
    while (reader.next_tag()) {
      if (reader.tag() != length_tag(field::request::kResourceSpans)) {
        reader.skip();
        continue;
      }
      Bytes message;
      if (reader.read_bytes(message) && !read_resource_spans(message)) return false;
    }
    return finished(reader);
  }

  bool found_bad_groups(BadGroups& bad) const { return sink_.found_bad_groups(bad); }
  Verdict verdict() { return sink_.take_verdict(faults_.string_table_references); }
  Error error() const {
    if (too_much_) return {Code::ResourceExhausted, "the request decodes to too much memory for its size"};
    return {Code::InvalidArgument, fmt::format("malformed protobuf at byte {} of {}", offset(), body_.size())};
  }

 private:
  // Where the framing broke. A list that was merged from parts lies outside the body: then its span's beginning.
  size_t offset() const {
    const uint8_t* at = faults_.framing_at;
    if (at < body_.data() || at > body_.data() + body_.size()) at = span_at_;
    return static_cast<size_t>(at - body_.data());
  }
  bool finished(const ProtoReader& reader) { return !reader.failed() || faults_.framing(reader.position()); }
  bool charge(size_t bytes) { return sink_.charge(bytes) || too_much(); }
  bool too_much() {
    too_much_ = true;
    return false;
  }

  StringId intern(Bytes text) {
    if (text.empty()) return 0;
    const auto id = batch_.strings.intern_if(as_text(text), codec::valid_utf8);
    if (!id) faults_.reject(Reason::Utf8);
    return id.value_or(0);
  }

  bool read_resource_spans(Bytes message) {
    namespace f = field::resource_spans;
    span_at_ = message.data();
    if (!sink_.begin_resource()) return too_much();
    model::Resource resource;
    std::string entity_refs;
    Bytes schema_url;
    bool bad = false;
    scratch_.lists.begin(scratch_.resource, Level::Resource);
    ProtoReader reader(message);
    while (reader.next_tag()) {
      Bytes part;
      switch (reader.tag()) {
        case length_tag(f::kResource):
          faults_.bad.reset();
          if (reader.read_bytes(part) && !read_resource(part, resource, entity_refs)) return false;
          bad |= faults_.bad.has_value();
          break;
        case length_tag(f::kScopeSpans):
        case length_tag(f::kInstrumentationLibrarySpans):
          if (reader.read_bytes(part) && !read_scope_spans(part)) return false;
          break;
        case length_tag(f::kSchemaUrl):
          reader.read_bytes(schema_url);
          break;
        default:
          reader.skip();
      }
    }
    if (!finished(reader)) return false;
    faults_.bad.reset();
    resource.attributes = scratch_.lists.finish(scratch_.resource);
    resource.schema_url = intern(schema_url);
    bad |= faults_.bad.has_value();
    if (!bad) resource.entity_refs = batch_.blobs.intern(entity_refs);
    sink_.end_resource(resource, bad);
    return true;
  }

  bool read_resource(Bytes message, model::Resource& resource, std::string& entity_refs) {
    namespace f = field::resource;
    ProtoReader reader(message);
    while (reader.next_tag()) {
      Bytes part;
      switch (reader.tag()) {
        case length_tag(f::kAttributes):
          if (reader.read_bytes(part) && !read_attribute(scratch_.resource, part)) return false;
          break;
        case varint_tag(f::kDroppedAttributesCount):
          reader.read_uint32(resource.dropped_attributes);
          break;
        case length_tag(f::kEntityRefs):
          if (reader.read_bytes(part) && !read_entity_ref(part, entity_refs)) return false;
          break;
        default:
          reader.skip();
      }
    }
    return finished(reader);
  }

  // Appends the reference with known fields in order.
  bool read_entity_ref(Bytes message, std::string& out) {
    namespace f = field::entity_ref;
    Bytes schema_url;
    Bytes type;
    std::string keys;
    codec::ProtoWriter keys_writer(keys);
    for (const uint32_t key_field : {f::kIdKeys, f::kDescriptionKeys}) {
      ProtoReader reader(message);
      while (reader.next_tag()) {
        Bytes part;
        if (reader.type() != codec::WireType::Length) {
          reader.skip();
        } else if (reader.read_bytes(part)) {
          if (reader.field() == f::kSchemaUrl) schema_url = part;
          if (reader.field() == f::kType) type = part;
          if (reader.field() == key_field) keys_writer.bytes(key_field, part);
          if (reader.field() <= f::kDescriptionKeys && !codec::valid_utf8(as_text(part))) faults_.reject(Reason::Utf8);
        }
      }
      if (!finished(reader)) return false;
    }
    codec::ProtoWriter writer(out);
    writer.message(field::resource::kEntityRefs, [&] {
      if (!schema_url.empty()) writer.bytes(f::kSchemaUrl, schema_url);
      if (!type.empty()) writer.bytes(f::kType, type);
      out.append(keys);
    });
    return true;
  }

  struct ScopeParts {
    model::Scope scope;
    Bytes name, version, schema_url;
  };

  bool read_scope_spans(Bytes message) {
    namespace f = field::scope_spans;
    span_at_ = message.data();
    if (!sink_.begin_scope()) return too_much();
    ScopeParts parts;
    bool bad = false;
    scratch_.lists.begin(scratch_.scope, Level::Scope);
    ProtoReader reader(message);
    while (reader.next_tag()) {
      Bytes part;
      switch (reader.tag()) {
        case length_tag(f::kScope):
          faults_.bad.reset();
          if (reader.read_bytes(part) && !read_scope(part, parts)) return false;
          bad |= faults_.bad.has_value();
          break;
        case length_tag(f::kSpans):
          if (reader.read_bytes(part) && !read_span(part)) return false;
          break;
        case length_tag(f::kSchemaUrl):
          reader.read_bytes(parts.schema_url);
          break;
        default:
          reader.skip();
      }
    }
    if (!finished(reader)) return false;
    faults_.bad.reset();
    parts.scope.attributes = scratch_.lists.finish(scratch_.scope);
    parts.scope.name = intern(parts.name);
    parts.scope.version = intern(parts.version);
    parts.scope.schema_url = intern(parts.schema_url);
    sink_.end_scope(parts.scope, bad || faults_.bad.has_value());
    return true;
  }

  bool read_scope(Bytes message, ScopeParts& parts) {
    namespace f = field::scope;
    ProtoReader reader(message);
    while (reader.next_tag()) {
      Bytes part;
      switch (reader.tag()) {
        case length_tag(f::kName):
          reader.read_bytes(parts.name);
          break;
        case length_tag(f::kVersion):
          reader.read_bytes(parts.version);
          break;
        case length_tag(f::kAttributes):
          if (reader.read_bytes(part) && !read_attribute(scratch_.scope, part)) return false;
          break;
        case varint_tag(f::kDroppedAttributesCount):
          reader.read_uint32(parts.scope.dropped_attributes);
          break;
        default:
          reader.skip();
      }
    }
    return finished(reader);
  }

  bool read_attribute(Open& open, Bytes key_value) {
    return charge(kAttributeCharge) && scratch_.lists.add(open, key_value);
  }

  // The parts of a span that may come again and are looked at when it ends.
  struct SpanTexts {
    Bytes trace_id, span_id, parent_span_id, name, trace_state, status_message;
  };

  bool read_span(Bytes message) {
    namespace f = field::span;
    span_at_ = message.data();
    faults_.bad.reset();
    sink_.begin_span();
    SpanRow span;
    SpanTexts texts;
    scratch_.lists.begin(scratch_.span, Level::Span);
    ProtoReader reader(message);
    while (reader.next_tag()) {
      Bytes part;
      switch (reader.tag()) {
        case length_tag(f::kTraceId):
          reader.read_bytes(texts.trace_id);
          break;
        case length_tag(f::kSpanId):
          reader.read_bytes(texts.span_id);
          break;
        case length_tag(f::kTraceState):
          reader.read_bytes(texts.trace_state);
          break;
        case length_tag(f::kParentSpanId):
          reader.read_bytes(texts.parent_span_id);
          break;
        case length_tag(f::kName):
          reader.read_bytes(texts.name);
          break;
        case varint_tag(f::kKind):
          reader.read_int32(span.kind);
          break;
        case fixed64_tag(f::kStartTime):
          reader.read_fixed64(span.start);
          break;
        case fixed64_tag(f::kEndTime):
          reader.read_fixed64(span.end);
          break;
        case length_tag(f::kAttributes):
          if (reader.read_bytes(part) && !read_attribute(scratch_.span, part)) return false;
          break;
        case varint_tag(f::kDroppedAttributesCount):
          reader.read_uint32(span.rare.dropped_attributes);
          break;
        case length_tag(f::kEvents):
          if (reader.read_bytes(part) && !read_event(part)) return false;
          break;
        case varint_tag(f::kDroppedEventsCount):
          reader.read_uint32(span.rare.dropped_events);
          break;
        case length_tag(f::kLinks):
          if (reader.read_bytes(part) && !read_link(part)) return false;
          break;
        case varint_tag(f::kDroppedLinksCount):
          reader.read_uint32(span.rare.dropped_links);
          break;
        case length_tag(f::kStatus):
          if (reader.read_bytes(part) && !read_status(part, span, texts)) return false;
          break;
        case fixed32_tag(f::kFlags):
          reader.read_fixed32(span.flags);
          break;
        default:
          reader.skip();
      }
    }
    return finished(reader) && finish_span(span, texts);
  }

  bool finish_span(SpanRow& span, const SpanTexts& texts) {
    const auto trace_id = trace_id_of(texts.trace_id);
    const auto span_id = span_id_of(texts.span_id);
    if (!trace_id || trace_id->is_zero()) {
      faults_.reject(Reason::TraceId);
    } else if (!span_id || span_id->is_zero()) {
      faults_.reject(Reason::SpanId);
    } else {
      span.trace_id = *trace_id;
      span.span_id = *span_id;
    }
    if (!texts.parent_span_id.empty()) {
      const auto parent = span_id_of(texts.parent_span_id);
      if (!parent) faults_.reject(Reason::ParentSpanId);
      span.parent_span_id = parent.value_or(model::SpanId{});
    }
    span.name = intern(texts.name);
    span.rare.trace_state = intern(texts.trace_state);
    span.rare.status_message = intern(texts.status_message);
    span.attributes = scratch_.lists.finish(scratch_.span);
    return sink_.add(span, faults_.bad) || too_much();
  }

  bool read_status(Bytes message, SpanRow& span, SpanTexts& texts) {
    namespace f = field::status;
    ProtoReader reader(message);
    while (reader.next_tag()) {
      switch (reader.tag()) {
        case length_tag(f::kMessage):
          reader.read_bytes(texts.status_message);
          break;
        case varint_tag(f::kCode):
          reader.read_int32(span.status_code);
          break;
        default:
          reader.skip();
      }
    }
    return finished(reader);
  }

  bool read_event(Bytes message) {
    namespace f = field::event;
    model::Event event;
    Bytes name;
    scratch_.lists.begin(scratch_.child, Level::Event);
    ProtoReader reader(message);
    while (reader.next_tag()) {
      Bytes part;
      switch (reader.tag()) {
        case fixed64_tag(f::kTime):
          reader.read_fixed64(event.time);
          break;
        case length_tag(f::kName):
          reader.read_bytes(name);
          break;
        case length_tag(f::kAttributes):
          if (reader.read_bytes(part) && !read_attribute(scratch_.child, part)) return false;
          break;
        case varint_tag(f::kDroppedAttributesCount):
          reader.read_uint32(event.dropped_attributes);
          break;
        default:
          reader.skip();
      }
    }
    if (!finished(reader) || !charge(kEventCharge)) return false;
    event.name = intern(name);
    event.attributes = scratch_.lists.finish(scratch_.child);
    batch_.events.push_back(event);
    return true;
  }

  bool read_link(Bytes message) {
    namespace f = field::link;
    model::Link link;
    Bytes trace_id;
    Bytes span_id;
    Bytes trace_state;
    scratch_.lists.begin(scratch_.child, Level::Link);
    ProtoReader reader(message);
    while (reader.next_tag()) {
      Bytes part;
      switch (reader.tag()) {
        case length_tag(f::kTraceId):
          reader.read_bytes(trace_id);
          break;
        case length_tag(f::kSpanId):
          reader.read_bytes(span_id);
          break;
        case length_tag(f::kTraceState):
          reader.read_bytes(trace_state);
          break;
        case length_tag(f::kAttributes):
          if (reader.read_bytes(part) && !read_attribute(scratch_.child, part)) return false;
          break;
        case varint_tag(f::kDroppedAttributesCount):
          reader.read_uint32(link.dropped_attributes);
          break;
        case fixed32_tag(f::kFlags):
          reader.read_fixed32(link.flags);
          break;
        default:
          reader.skip();
      }
    }
    if (!finished(reader) || !charge(kLinkCharge)) return false;
    // An id that is not there at all is a zero id: a link that points nowhere is still what the sender said.
    const auto trace = trace_id.empty() ? model::TraceId{} : trace_id_of(trace_id);
    const auto span = span_id.empty() ? model::SpanId{} : span_id_of(span_id);
    if (!trace || !span) faults_.reject(Reason::LinkId);
    link.trace_id = trace.value_or(model::TraceId{});
    link.span_id = span.value_or(model::SpanId{});
    link.trace_state = intern(trace_state);
    link.attributes = scratch_.lists.finish(scratch_.child);
    batch_.links.push_back(link);
    return true;
  }

  Bytes body_;
  SpanBatch& batch_;
  ListScratch& scratch_;
  SpanSink sink_;
  Faults faults_;
  const uint8_t* span_at_ = nullptr;  // the innermost message that is surely inside the body
  bool too_much_ = false;
};

}  // namespace

Result<Verdict> decode_traces_protobuf(Bytes body, model::SpanBatch& batch) {
  if (body.size() > kBodyBytesMax) return Error(Code::ResourceExhausted, "the request is too large to decode");
  thread_local ListScratch scratch;
  BadGroups bad;
  for (;;) {  // twice at most: the second time all bad groups are known
    Decoder decoder(body, batch, scratch, bad);
    const bool sound = decoder.read_request();
    if (sound && !decoder.found_bad_groups(bad)) return decoder.verdict();
    batch = SpanBatch();
    if (!sound) return decoder.error();
  }
}

}  // namespace clew::decode::otlp
