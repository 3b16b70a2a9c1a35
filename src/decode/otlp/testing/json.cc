// SPDX-License-Identifier: Apache-2.0
#include "decode/otlp/testing/json.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <vector>

#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json_writer.h"
#include "codec/proto_reader.h"
#include "decode/otlp/testing/generate.h"

namespace clew::decode::otlp::testing {
namespace {

using codec::ProtoReader;
using codec::WireType;

constexpr std::string_view kKinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                       "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
constexpr std::string_view kCodes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};

class Converter {
 public:
  explicit Converter(JsonStyle style) : lenient_(style == JsonStyle::Lenient), json_(out_) {}

  std::string convert(std::string_view request) {
    message(as_bytes(request), "Request");
    if (lenient_) out_ += " \n\t ";
    return std::move(out_);
  }

 private:
  std::string name(const SchemaField& field) const {
    if (lenient_) return std::string(field.name);
    std::string camel;
    for (size_t i = 0; i < field.name.size(); ++i) {
      const bool raise = field.name[i] == '_' && i + 1 < field.name.size();
      camel += raise ? static_cast<char>(std::toupper(static_cast<unsigned char>(field.name[++i]))) : field.name[i];
    }
    return camel;
  }

  void message(Bytes bytes, std::string_view type) {
    json_.begin_object();
    if (lenient_) json_.key("unknown").raw(R"({"a":[1,{"b":"}]"}],"traceId":null})");
    const SchemaField* open = nullptr;  // the repeated field whose array is open
    ProtoReader reader(bytes);
    while (reader.next_tag()) {
      const SchemaField* field = find_field(type, reader.field());
      if (open != nullptr && open != field) json_.end_array();
      if (open == nullptr || open != field) json_.key(name(*field));
      if (field->repeated && open != field) json_.begin_array();
      open = field->repeated ? field : nullptr;
      value(reader, *field);
    }
    if (open != nullptr) json_.end_array();
    if (lenient_ && type == "Span") json_.key("never_heard_of").null();
    json_.end_object();
  }

  void value(ProtoReader& reader, const SchemaField& field) {
    Bytes bytes;
    uint64_t number = 0;
    uint32_t narrow = 0;
    switch (reader.type()) {
      case WireType::Length:
        reader.read_bytes(bytes);
        return field.inside.empty() ? text(bytes, field) : message(bytes, field.inside);
      case WireType::Varint:
        reader.read_uint64(number);
        return integer(number, field);
      case WireType::Fixed64:
        reader.read_fixed64(number);
        if (field.name == "double_value") return real(std::bit_cast<double>(number));
        lenient_ ? json_.number(number) : json_.quoted(number);
        return;
      default:
        reader.read_fixed32(narrow);
        lenient_ ? json_.quoted(uint64_t{narrow}) : json_.number(uint64_t{narrow});
    }
  }

  void text(Bytes bytes, const SchemaField& field) {
    if (field.name.ends_with("_id")) {
      std::string hex = codec::encode_hex(bytes);
      if (lenient_)
        std::transform(hex.begin(), hex.end(), hex.begin(), [](unsigned char c) { return std::toupper(c); });
      json_.text(hex);
    } else if (field.name == "bytes_value") {
      std::string base64 = codec::encode_base64(bytes);
      if (lenient_) {
        std::replace(base64.begin(), base64.end(), '+', '-');
        std::replace(base64.begin(), base64.end(), '/', '_');
        base64.erase(std::find(base64.begin(), base64.end(), '='), base64.end());
      }
      json_.text(base64);
    } else {
      json_.text(as_text(bytes));
    }
  }

  void integer(uint64_t number, const SchemaField& field) {
    const auto value = static_cast<int64_t>(number);
    if (field.name == "bool_value") {
      lenient_ ? json_.text(number != 0 ? "true" : "false") : json_.boolean(number != 0);
    } else if (field.name == "kind" && lenient_ && number < std::size(kKinds)) {
      json_.text(kKinds[number]);
    } else if (field.name == "code" && lenient_ && number < std::size(kCodes)) {
      json_.text(kCodes[number]);
    } else if ((field.name == "int_value") != lenient_) {
      json_.quoted(value);
    } else {
      json_.number(value);
    }
  }

  void real(double number) {
    if (!lenient_) {
      json_.number(number);
      return;
    }
    std::string digits;
    codec::JsonWriter(digits).number(number);
    digits.starts_with('"') ? json_.raw(digits) : json_.text(digits);
  }

  bool lenient_;
  std::string out_;
  codec::JsonWriter json_;
};

}  // namespace

std::string to_json(std::string_view request, JsonStyle style) { return Converter(style).convert(request); }

}  // namespace clew::decode::otlp::testing
