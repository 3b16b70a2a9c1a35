// SPDX-License-Identifier: Apache-2.0
//
// One walk over the encoded bytes serves twice: first it shows every value to the model, then it notes the places to
// patch. Paths are those of trace.proto.
#include "app/load_requests.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "codec/proto_reader.h"
#include "decode/otlp/encode.h"

namespace clew::app {
namespace {

using codec::fixed64_tag;
using codec::length_tag;
using codec::ProtoReader;
using codec::varint_tag;

// Values of one key that are told apart; beyond, the key's values are taken to go on as they began.
constexpr size_t kDistinctMax = 100'000;

enum class Level : uint8_t { Resource, Scope, Span, Event, Link };
enum class Scalar : uint8_t { Text, Integer, Double };

class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void id(Bytes bytes) = 0;
  virtual void time(Patch::Kind kind, const uint8_t* place) = 0;
  virtual void value(Level level, std::string_view key, Scalar type, Bytes bytes) = 0;
};

// Calls visit(field bytes) for every field `tag` of `message`.
template <class Visit>
void each_field(Bytes message, uint32_t tag, Visit visit) {
  ProtoReader reader(message);
  while (reader.next_tag()) {
    Bytes bytes;
    if (reader.tag() == tag) {
      if (reader.read_bytes(bytes)) visit(bytes);
    } else {
      reader.skip();
    }
  }
}

void walk_attribute(Level level, Bytes attribute, Visitor& visitor) {
  std::string_view key;
  ProtoReader reader(attribute);
  while (reader.next_tag()) {
    Bytes bytes;
    if (reader.tag() == length_tag(1)) {
      if (reader.read_bytes(bytes)) key = as_text(bytes);
    } else if (reader.tag() == length_tag(2)) {
      if (!reader.read_bytes(bytes)) return;
      ProtoReader any(bytes);
      while (any.next_tag()) {
        const uint8_t* const begin = any.position();
        const uint32_t tag = any.tag();
        Bytes text;
        if (tag == length_tag(1) ? !any.read_bytes(text) : !any.skip()) return;
        if (tag == length_tag(1)) visitor.value(level, key, Scalar::Text, text);
        if (tag == varint_tag(3)) visitor.value(level, key, Scalar::Integer, Bytes(begin, any.position()));
        if (tag == fixed64_tag(4)) visitor.value(level, key, Scalar::Double, Bytes(begin, any.position()));
      }
    } else {
      reader.skip();
    }
  }
}

void walk_attributes(Level level, uint32_t field, Bytes message, Visitor& visitor) {
  each_field(message, length_tag(field), [&](Bytes attribute) { walk_attribute(level, attribute, visitor); });
}

void walk_event(Bytes event, Visitor& visitor) {
  ProtoReader reader(event);
  while (reader.next_tag()) {
    if (reader.tag() == fixed64_tag(1)) visitor.time(Patch::Kind::EventTime, reader.position());
    reader.skip();
  }
  walk_attributes(Level::Event, 3, event, visitor);
}

void walk_link(Bytes link, Visitor& visitor) {
  each_field(link, length_tag(1), [&](Bytes id) { visitor.id(id); });
  each_field(link, length_tag(2), [&](Bytes id) { visitor.id(id); });
  walk_attributes(Level::Link, 4, link, visitor);
}

void walk_span(Bytes span, Visitor& visitor) {
  ProtoReader reader(span);
  while (reader.next_tag()) {
    const uint32_t tag = reader.tag();
    Bytes bytes;
    if (tag == fixed64_tag(7) || tag == fixed64_tag(8)) {
      visitor.time(tag == fixed64_tag(7) ? Patch::Kind::Start : Patch::Kind::End, reader.position());
      reader.skip();
    } else if (reader.type() == codec::WireType::Length) {
      if (!reader.read_bytes(bytes)) return;
      if (tag == length_tag(1) || tag == length_tag(2) || tag == length_tag(4)) visitor.id(bytes);
      if (tag == length_tag(9)) walk_attribute(Level::Span, bytes, visitor);
      if (tag == length_tag(11)) walk_event(bytes, visitor);
      if (tag == length_tag(13)) walk_link(bytes, visitor);
    } else {
      reader.skip();
    }
  }
}

uint32_t walk_request(Bytes request, Visitor& visitor) {
  uint32_t spans = 0;
  each_field(request, length_tag(1), [&](Bytes resource_spans) {
    each_field(resource_spans, length_tag(1),
               [&](Bytes resource) { walk_attributes(Level::Resource, 1, resource, visitor); });
    each_field(resource_spans, length_tag(2), [&](Bytes scope_spans) {
      each_field(scope_spans, length_tag(2), [&](Bytes span) {
        walk_span(span, visitor);
        ++spans;
      });
    });
  });
  return spans;
}

// Learns how often the values of each key repeat.
class ValueModel : public Visitor {
 public:
  void id(Bytes) override {}
  void time(Patch::Kind, const uint8_t*) override {}
  void value(Level level, std::string_view key, Scalar, Bytes bytes) override {
    Values& values = values_[{level, std::string(key)}];
    if (values.distinct.size() >= kDistinctMax) return;
    ++values.count;
    values.distinct.insert(model::InternTable::hash(as_text(bytes)));
  }

  // More than half of the values were new when they came.
  bool hardly_repeats(Level level, std::string_view key) const {
    const auto found = values_.find({level, std::string(key)});
    if (found == values_.end() || level == Level::Resource || level == Level::Scope) return false;
    return found->second.count >= kModelValuesMin && found->second.distinct.size() * 2 > found->second.count;
  }

 private:
  struct Values {
    uint64_t count = 0;
    std::unordered_set<uint64_t> distinct;  // hashes
  };
  std::map<std::pair<Level, std::string>, Values> values_;
};

bool looks_like_hex(std::string_view text) {
  constexpr size_t kShortest = 8;
  return text.size() >= kShortest && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
         });
}

class PatchFinder : public Visitor {
 public:
  PatchFinder(const ValueModel& model, std::string_view body, std::vector<Patch>& patches)
      : model_(model), base_(as_bytes(body).data()), patches_(patches) {}

  void id(Bytes bytes) override {
    const bool all_zero = std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
    if (all_zero) return;
    if (bytes.size() == model::TraceId::kBytes) add(bytes, Patch::Kind::TraceId);
    if (bytes.size() == model::SpanId::kBytes) add(bytes, Patch::Kind::SpanId);
  }
  void time(Patch::Kind kind, const uint8_t* place) override { add({place, sizeof(uint64_t)}, kind); }
  void value(Level level, std::string_view key, Scalar type, Bytes bytes) override {
    if (bytes.size() > UINT16_MAX || !model_.hardly_repeats(level, key)) return;
    switch (type) {
      case Scalar::Text:
        return add(bytes, looks_like_hex(as_text(bytes)) ? Patch::Kind::HexText : Patch::Kind::Text);
      case Scalar::Integer:
        return add(bytes, Patch::Kind::Varint);
      case Scalar::Double:
        return add(bytes, Patch::Kind::Double);
    }
  }

 private:
  void add(Bytes bytes, Patch::Kind kind) {
    patches_.push_back({static_cast<uint32_t>(bytes.data() - base_), static_cast<uint16_t>(bytes.size()), kind});
  }

  const ValueModel& model_;
  const uint8_t* base_;
  std::vector<Patch>& patches_;
};

// splitmix64: one addition and three shifts a number.
uint64_t next_random(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void change_text(char* text, size_t bytes, bool hex, uint64_t& random) {
  uint64_t bits = 0;
  unsigned left = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (!hex || c == '-')) continue;
    if (left == 0) {
      bits = next_random(random);
      left = 16;
    }
    text[i] = hex ? "0123456789abcdef"[bits & 15] : static_cast<char>('0' + (bits & 15) % 10);
    bits >>= 4;
    --left;
  }
}

constexpr uint64_t kStartNoise = (1 << 14) - 1;  // nanoseconds
constexpr uint64_t kEventNoise = (1 << 12) - 1;

// The start of the span whose end comes next: as encoded, and as sent.
struct SpanStart {
  uint64_t encoded = 0;
  uint64_t sent = 0;
};

// A span's start stands before its end.
void move_time(Patch::Kind kind, const Round& round, uint64_t& random, SpanStart& start, char* place) {
  const auto time = load<uint64_t>(place);
  if (kind == Patch::Kind::Start) start = {time, time};
  if (time == 0) return;
  uint64_t moved = time + round.time_shift;
  if (kind == Patch::Kind::Start) moved += next_random(random) & kStartNoise;
  if (kind == Patch::Kind::EventTime) moved += next_random(random) & kEventNoise;
  if (kind == Patch::Kind::End && start.encoded != 0 && time >= start.encoded) {
    const uint64_t duration = time - start.encoded;
    moved = start.sent + duration + next_random(random) % (duration / 8 + 1);
  }
  if (kind == Patch::Kind::Start) start.sent = moved;
  put(place, moved);
}

void apply(const Patch& patch, const Round& round, uint64_t& random, SpanStart& start, char* place) {
  switch (patch.kind) {
    case Patch::Kind::TraceId:
      put(place, load<uint64_t>(place) ^ round.salt);
      put(place + 8, load<uint64_t>(place + 8) ^ (round.salt * 0x9E3779B97F4A7C15u));
      break;
    case Patch::Kind::SpanId:
      put(place, load<uint64_t>(place) ^ round.salt);
      break;
    case Patch::Kind::Start:
    case Patch::Kind::End:
    case Patch::Kind::EventTime:
      move_time(patch.kind, round, random, start, place);
      break;
    case Patch::Kind::Text:
      change_text(place, patch.bytes, false, random);
      break;
    case Patch::Kind::HexText:
      change_text(place, patch.bytes, true, random);
      break;
    case Patch::Kind::Varint: {
      // All groups of seven bits but the highest, so that the number keeps its length.
      uint64_t bits = next_random(random);
      for (size_t i = 0; i + 1 < patch.bytes; ++i, bits >>= 7) place[i] = static_cast<char>(0x80 | (bits & 0x7F));
      break;
    }
    case Patch::Kind::Double:
      put(place, static_cast<uint32_t>(next_random(random)));
      break;
  }
}

}  // namespace

LoadRequests make_requests(const model::SpanBatch& spans, size_t batch_spans) {
  LoadRequests made;
  ValueModel model;
  for (size_t begin = 0; begin < spans.span_count(); begin += batch_spans) {
    const size_t end = std::min(begin + batch_spans, spans.span_count());
    LoadRequest& request = made.requests.emplace_back();
    request.body = decode::otlp::encode_traces_protobuf(spans, begin, end);
    request.spans = walk_request(as_bytes(request.body), model);
  }
  for (LoadRequest& request : made.requests) {
    PatchFinder finder(model, request.body, request.patches);
    walk_request(as_bytes(request.body), finder);
  }
  for (size_t row = 0; row < spans.span_count(); ++row)
    made.newest = std::max({made.newest, spans.start[row], spans.end[row]});
  return made;
}

void write_request(const LoadRequest& request, const Round& round, uint64_t& random, std::string& out) {
  out.assign(request.body);
  SpanStart start;
  for (const Patch& patch : request.patches) apply(patch, round, random, start, out.data() + patch.offset);
}

}  // namespace clew::app
