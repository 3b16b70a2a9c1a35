// SPDX-License-Identifier: Apache-2.0
#include "decode/otlp/testing/generate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "codec/proto_reader.h"
#include "codec/proto_writer.h"

namespace clew::decode::otlp::testing {
namespace {

using codec::ProtoReader;
using codec::ProtoWriter;
using codec::WireType;

constexpr SchemaField kSchema[] = {
    {"Request", 1, "resource_spans", true, "ResourceSpans"},
    {"ResourceSpans", 1, "resource", false, "Resource"},
    {"ResourceSpans", 2, "scope_spans", true, "ScopeSpans"},
    {"ResourceSpans", 3, "schema_url", false, ""},
    {"Resource", 1, "attributes", true, "KeyValue"},
    {"Resource", 2, "dropped_attributes_count", false, ""},
    {"Resource", 3, "entity_refs", true, "EntityRef"},
    {"EntityRef", 1, "schema_url", false, ""},
    {"EntityRef", 2, "type", false, ""},
    {"EntityRef", 3, "id_keys", true, ""},
    {"EntityRef", 4, "description_keys", true, ""},
    {"ScopeSpans", 1, "scope", false, "InstrumentationScope"},
    {"ScopeSpans", 2, "spans", true, "Span"},
    {"ScopeSpans", 3, "schema_url", false, ""},
    {"InstrumentationScope", 1, "name", false, ""},
    {"InstrumentationScope", 2, "version", false, ""},
    {"InstrumentationScope", 3, "attributes", true, "KeyValue"},
    {"InstrumentationScope", 4, "dropped_attributes_count", false, ""},
    {"Span", 1, "trace_id", false, ""},
    {"Span", 2, "span_id", false, ""},
    {"Span", 3, "trace_state", false, ""},
    {"Span", 4, "parent_span_id", false, ""},
    {"Span", 5, "name", false, ""},
    {"Span", 6, "kind", false, ""},
    {"Span", 7, "start_time_unix_nano", false, ""},
    {"Span", 8, "end_time_unix_nano", false, ""},
    {"Span", 9, "attributes", true, "KeyValue"},
    {"Span", 10, "dropped_attributes_count", false, ""},
    {"Span", 11, "events", true, "Event"},
    {"Span", 12, "dropped_events_count", false, ""},
    {"Span", 13, "links", true, "Link"},
    {"Span", 14, "dropped_links_count", false, ""},
    {"Span", 15, "status", false, "Status"},
    {"Span", 16, "flags", false, ""},
    {"Event", 1, "time_unix_nano", false, ""},
    {"Event", 2, "name", false, ""},
    {"Event", 3, "attributes", true, "KeyValue"},
    {"Event", 4, "dropped_attributes_count", false, ""},
    {"Link", 1, "trace_id", false, ""},
    {"Link", 2, "span_id", false, ""},
    {"Link", 3, "trace_state", false, ""},
    {"Link", 4, "attributes", true, "KeyValue"},
    {"Link", 5, "dropped_attributes_count", false, ""},
    {"Link", 6, "flags", false, ""},
    {"Status", 2, "message", false, ""},
    {"Status", 3, "code", false, ""},
    {"KeyValue", 1, "key", false, ""},
    {"KeyValue", 2, "value", false, "AnyValue"},
    {"AnyValue", 1, "string_value", false, ""},
    {"AnyValue", 2, "bool_value", false, ""},
    {"AnyValue", 3, "int_value", false, ""},
    {"AnyValue", 4, "double_value", false, ""},
    {"AnyValue", 5, "array_value", false, "ArrayValue"},
    {"AnyValue", 6, "kvlist_value", false, "KeyValueList"},
    {"AnyValue", 7, "bytes_value", false, ""},
    {"ArrayValue", 1, "values", true, "AnyValue"},
    {"KeyValueList", 1, "values", true, "KeyValue"},
};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed), writer_(out_) {}

  std::string make(size_t spans) {
    while (spans > 0) writer_.message(1, [&] { resource_spans(spans); });
    return std::move(out_);
  }

 private:
  static constexpr uint32_t kDepthMax = 4;

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  bool one_in(uint32_t n) { return below(n) == 0; }

  std::string text() {
    static constexpr std::array<std::string_view, 12> kTexts = {"http.request.method",
                                                                "GET",
                                                                "ü€😀",
                                                                "a",
                                                                "service.name",
                                                                "two words",
                                                                "line\nbreak \"quoted\" \\ \t",
                                                                "\x01\x7f",
                                                                "0123456789012345678901234567890123456789",
                                                                "true",
                                                                "server.address",
                                                                "</script>"};
    if (one_in(12)) return std::string(below(400), 'x');
    if (one_in(20)) return std::string("nul\0inside", 10);
    if (one_in(8)) return "random-" + std::to_string(random_());
    return std::string(kTexts[below(kTexts.size())]);
  }
  std::string raw(size_t bytes) {
    std::string out(bytes, 0);
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }
  std::string id(size_t bytes) {
    std::string out = raw(bytes);
    out.back() = static_cast<char>(out.back() | 1);  // never zero
    return out;
  }
  uint64_t time() {
    static constexpr uint64_t kYear2500 = 16'725'225'600'000'000'000u;
    switch (below(12)) {
      case 0:
        return 0;
      case 1:
        return kYear2500;
      case 2:
        return UINT64_MAX;
      case 3:
        return 1;
      default:
        return 1'700'000'000'000'000'000u + random_() % 1'000'000'000'000u;
    }
  }

  // Writers that leave defaults out, as proto3 does.
  void maybe_text(uint32_t field) {
    if (one_in(3)) return;
    const std::string value = text();
    if (!value.empty()) writer_.text(field, value);
  }
  void maybe_count(uint32_t field) {
    if (one_in(2)) writer_.varint(field, one_in(4) ? UINT32_MAX : 1 + below(300));
  }
  void maybe_time(uint32_t field) {
    if (const uint64_t value = time(); value != 0) writer_.fixed64(field, value);
  }
  void maybe_enum(uint32_t field) {
    static constexpr std::array<int32_t, 9> kValues = {0, 1, 2, 3, 4, 5, 77, -1, std::numeric_limits<int32_t>::min()};
    if (const int32_t value = kValues[below(kValues.size())]; value != 0) writer_.int32(field, value);
  }
  void maybe_flags(uint32_t field) {
    if (one_in(2)) writer_.fixed32(field, 1 + below(UINT32_MAX));
  }

  void value(uint32_t depth) {
    switch (below(depth < kDepthMax ? 9 : 7)) {
      case 0:
        return;
      case 1:
      case 2:
        return writer_.text(1, one_in(8) ? "" : text());
      case 3:
        return writer_.varint(2, below(2));
      case 4:
        return writer_.varint(3, random_() >> below(64));
      case 5:
        return number();
      case 6:
        return writer_.text(7, raw(below(20)));
      case 7:
        return writer_.message(5, [&] {
          for (uint32_t i = below(4); i > 0; --i) writer_.message(1, [&] { value(depth + 1); });
        });
      default:
        return writer_.message(6, [&] { attributes(1, 4, depth + 1); });
    }
  }
  void number() {
    static const std::array<double, 7> kNumbers = {
        0.0,   -0.0, 1.5, 1e300, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        5e-324};
    const double number =
        one_in(2) ? kNumbers[below(kNumbers.size())] : static_cast<double>(static_cast<int64_t>(random_())) / 1e9;
    writer_.fixed64(4, std::bit_cast<uint64_t>(number));
  }
  void attributes(uint32_t field, uint32_t count_max, uint32_t depth = 1) {
    for (uint32_t i = below(count_max); i > 0; --i) {
      writer_.message(field, [&] {
        maybe_text(1);
        writer_.message(2, [&] { value(depth); });
      });
    }
  }

  void resource_spans(size_t& spans) {
    writer_.message(1, [&] {
      attributes(1, 8);
      maybe_count(2);
      for (uint32_t i = below(3); i > 0; --i) {
        writer_.message(3, [&] {
          maybe_text(1);
          maybe_text(2);
          for (uint32_t k = below(3); k > 0; --k) writer_.text(3, text());
          for (uint32_t k = below(3); k > 0; --k) writer_.text(4, text());
        });
      }
    });
    for (uint32_t i = 1 + below(2); i > 0 && spans > 0; --i) {
      writer_.message(2, [&] { scope_spans(spans); });
    }
    maybe_text(3);
  }
  void scope_spans(size_t& spans) {
    writer_.message(1, [&] {
      maybe_text(1);
      maybe_text(2);
      attributes(3, 4);
      maybe_count(4);
    });
    for (uint32_t i = 1 + below(5); i > 0 && spans > 0; --i, --spans) {
      writer_.message(2, [&] { span(); });
    }
    maybe_text(3);
  }
  void span() {
    writer_.text(1, id(16));
    writer_.text(2, id(8));
    maybe_text(3);
    if (one_in(2)) writer_.text(4, id(8));
    maybe_text(5);
    maybe_enum(6);
    maybe_time(7);
    maybe_time(8);
    attributes(9, 12);
    maybe_count(10);
    for (uint32_t i = below(3); i > 0; --i) writer_.message(11, [&] { event(); });
    maybe_count(12);
    for (uint32_t i = below(3); i > 0; --i) writer_.message(13, [&] { link(); });
    maybe_count(14);
    if (one_in(2)) {
      writer_.message(15, [&] {
        maybe_text(2);
        writer_.int32(3, 1 + static_cast<int32_t>(below(5)));
      });
    }
    maybe_flags(16);
  }
  void event() {
    maybe_time(1);
    maybe_text(2);
    attributes(3, 5);
    maybe_count(4);
  }
  void link() {
    writer_.text(1, one_in(6) ? std::string(16, 0) : id(16));
    writer_.text(2, one_in(6) ? std::string(8, 0) : id(8));
    maybe_text(3);
    attributes(4, 4);
    maybe_count(5);
    maybe_flags(6);
  }

  std::mt19937_64 random_;
  std::string out_;
  ProtoWriter writer_;
};

// The bytes of each field of a message, tag included, and which field it is.
struct Piece {
  uint32_t field;
  std::string bytes;
};

class Respeller {
 public:
  explicit Respeller(uint32_t seed) : random_(seed) {}

  std::string respell(std::string_view message, std::string_view type) {
    std::vector<Piece> pieces = split(message, type);
    for (uint32_t i = below(3); i > 0; --i) pieces.push_back({0, unknown_field()});
    // A random order of the fields; a stable sort by it keeps the elements of a repeated field in theirs. Members of a
    // oneof never occur together, so their order does not matter either.
    std::vector<size_t> order(pieces.size());
    std::vector<std::pair<uint64_t, size_t>> keyed;
    keyed.reserve(pieces.size());
    for (size_t i = 0; i < pieces.size(); ++i) keyed.emplace_back(random_(), i);
    std::sort(keyed.begin(), keyed.end());
    for (size_t i = 0; i < keyed.size(); ++i) order[i] = keyed[i].second;
    restore_order_within_fields(pieces, order);
    std::string out;
    for (const size_t i : order) out += pieces[i].bytes;
    return out;
  }

 private:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  std::vector<Piece> split(std::string_view message, std::string_view type) {
    std::vector<Piece> pieces;
    ProtoReader reader(as_bytes(message));
    const uint8_t* begin = reader.position();
    while (reader.next_tag()) {
      const SchemaField* entry = find_field(type, reader.field());
      Piece piece{reader.field(), {}};
      if (entry != nullptr && !entry->inside.empty()) {
        Bytes inside;
        reader.read_bytes(inside);
        piece.bytes = rewritten(*entry, as_text(inside));
      } else {
        reader.skip();
        piece.bytes = as_text({begin, reader.position()});
      }
      begin = reader.position();
      pieces.push_back(std::move(piece));
    }
    return pieces;
  }

  std::string rewritten(const SchemaField& entry, std::string_view inside) {
    std::string out;
    ProtoWriter writer(out);
    const std::string body = respell(inside, entry.inside);
    if (!entry.repeated && below(4) == 0) {  // a singular message in two parts, which a reader must merge
      ProtoReader reader(as_bytes(body));
      const uint8_t* cut = reader.position();
      if (reader.next_tag() && reader.skip()) cut = reader.position();
      const auto first = static_cast<size_t>(cut - as_bytes(body).data());
      writer.text(entry.number, std::string_view(body).substr(0, first));
      writer.text(entry.number, std::string_view(body).substr(first));
    } else {
      writer.text(entry.number, body);
    }
    return out;
  }

  std::string unknown_field() {
    std::string out;
    ProtoWriter writer(out);
    const uint32_t field = 500 + below(100);
    switch (below(5)) {
      case 0:
        writer.varint(field, random_());
        break;
      case 1:
        writer.fixed64(field, random_());
        break;
      case 2:
        writer.fixed32(field, below(UINT32_MAX));
        break;
      case 3:
        writer.text(field, "\xff unknown");
        break;
      default:
        codec::append_varint(out, codec::make_tag(field, WireType::GroupStart));
        writer.varint(1, 7);
        codec::append_varint(out, codec::make_tag(field, WireType::GroupEnd));
    }
    return out;
  }

  static void restore_order_within_fields(const std::vector<Piece>& pieces, std::vector<size_t>& order) {
    for (uint32_t field = 1; field <= 16; ++field) {
      std::vector<size_t> places;
      for (size_t i = 0; i < order.size(); ++i) {
        if (pieces[order[i]].field == field) places.push_back(i);
      }
      std::vector<size_t> members;
      members.reserve(places.size());
      for (const size_t place : places) members.push_back(order[place]);
      std::sort(members.begin(), members.end());
      for (size_t i = 0; i < places.size(); ++i) order[places[i]] = members[i];
    }
  }

  std::mt19937_64 random_;
};

void collect(Bytes message, std::string_view type, std::set<std::string>& found) {
  ProtoReader reader(message);
  while (reader.next_tag()) {
    const SchemaField* entry = find_field(type, reader.field());
    if (entry != nullptr) found.insert(std::string(type) + "." + std::string(entry->name));
    Bytes inside;
    if (entry == nullptr || entry->inside.empty()) {
      reader.skip();
    } else if (reader.read_bytes(inside)) {
      collect(inside, entry->inside, found);
    }
  }
}

bool is_default(ProtoReader& reader) {
  uint64_t number = 0;
  uint32_t narrow = 0;
  Bytes bytes;
  switch (reader.type()) {
    case WireType::Varint:
      return reader.read_uint64(number) && number == 0;
    case WireType::Fixed64:
      return reader.read_fixed64(number) && number == 0;
    case WireType::Fixed32:
      return reader.read_fixed32(narrow) && narrow == 0;
    default:
      return reader.read_bytes(bytes) && bytes.empty();
  }
}

std::string tidied_message(Bytes message, std::string_view type) {
  std::multimap<uint32_t, std::string> pieces;  // by field; equal keys keep their order
  ProtoReader reader(message);
  const uint8_t* begin = reader.position();
  while (reader.next_tag()) {
    const SchemaField* entry = find_field(type, reader.field());
    if (entry == nullptr) {
      reader.skip();
    } else if (entry->inside.empty()) {
      const bool keeps_default = type == "AnyValue" || entry->repeated;
      if (!is_default(reader) || keeps_default) pieces.emplace(reader.field(), as_text({begin, reader.position()}));
    } else {
      Bytes inside;
      reader.read_bytes(inside);
      std::string bytes;
      ProtoWriter(bytes).text(entry->number, tidied_message(inside, entry->inside));
      if (entry->inside != "Status" || bytes.size() > 2) pieces.emplace(entry->number, std::move(bytes));
    }
    begin = reader.position();
  }
  std::string out;
  for (const auto& [field, bytes] : pieces) out += bytes;
  return out;
}

}  // namespace

const SchemaField* find_field(std::string_view message, uint32_t number) {
  for (const SchemaField& entry : kSchema) {
    if (entry.message == message && entry.number == number) return &entry;
  }
  return nullptr;
}

std::string tidied(std::string_view request) { return tidied_message(as_bytes(request), "Request"); }

std::string generate_request(uint32_t seed, size_t spans) { return Generator(seed).make(spans); }

std::string respell(std::string_view request, uint32_t seed) { return Respeller(seed).respell(request, "Request"); }

std::set<std::string> fields_in(std::string_view request) {
  std::set<std::string> found;
  collect(as_bytes(request), "Request", found);
  return found;
}

std::set<std::string> fields_of_schema() {
  std::set<std::string> all;
  for (const SchemaField& entry : kSchema) all.insert(std::string(entry.message) + "." + std::string(entry.name));
  return all;
}

}  // namespace clew::decode::otlp::testing
