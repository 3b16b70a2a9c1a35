// SPDX-License-Identifier: Apache-2.0
//
// JsonReader is the adapter to simdjson's on-demand reader (so this header, unlike others, shows a third party): it
// walks objects and arrays in the order of the text, reads the scalars of protobuf's JSON mapping as leniently as the
// Collector does, and turns what goes wrong into two kinds. Text that is no JSON ends the request: functions return
// false. A value of the wrong type or an unreadable number is reported to the faults, and reading goes on.
//
// null stands for a field that is not there. Texts live until document() returns.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "decode/otlp/json_names.h"
#include "decode/otlp/wire_value.h"

namespace clew::decode::otlp {

class JsonReader {
 public:
  using Value = simdjson::ondemand::value;

  explicit JsonReader(Faults& faults) : faults_(faults) {}

  // Calls read(Value) for the document in `body`, which has `padding` readable bytes behind it; with too few of them
  // it is copied. What read returns false for, and what is no JSON, is an InvalidArgument.
  template <class Read>
  Result<void> document(Bytes body, size_t padding, Read read) {
    Result<void> done = read_document(body, padding, read);
    trim();
    return done;
  }

  // Calls visit(Name, Value) for the fields of an object; those it does not look at are skipped.
  template <class Visit>
  bool each_field(Value value, Visit visit) {
    simdjson::ondemand::object object;
    if (const auto error = value.get_object().get(object)) return absent_or_wrong(value, error);
    for (auto item : object) {
      simdjson::ondemand::field field;
      if (const auto error = std::move(item).get(field)) return broken(error);
      Name name = Name::Unknown;
      if (!read_name(field, name)) return false;
      if (!visit(name, field.value())) return false;
    }
    return true;
  }

  // Calls visit(Value) for the elements of an array.
  template <class Visit>
  bool each_element(Value value, Visit visit) {
    simdjson::ondemand::array array;
    if (const auto error = value.get_array().get(array)) return absent_or_wrong(value, error);
    for (auto item : array) {
      Value element;
      if (const auto error = std::move(item).get(element)) return broken(error);
      if (!visit(element)) return false;
    }
    return true;
  }

  // May each_field read it?
  bool is_object(Value value, bool& out) {
    simdjson::ondemand::json_type type{};
    if (!kind(value, type)) return false;
    out = type == simdjson::ondemand::json_type::object || type == simdjson::ondemand::json_type::null;
    return true;
  }

  // Scalars. They leave the output as it was when the value is null or wrong.
  bool text(Value value, std::string_view& out);
  bool boolean(Value value, bool& out);
  // Numbers, or texts that are numbers.
  bool uint64(Value value, uint64_t& out);
  bool int64(Value value, int64_t& out);
  bool uint32(Value value, uint32_t& out);
  bool real(Value value, double& out);
  // A number, or the name of one.
  struct EnumName {
    std::string_view name;
    int32_t value;
  };
  bool enumeration(Value value, std::span<const EnumName> names, int32_t& out);

 private:
  template <class Read>
  Result<void> read_document(Bytes body, size_t padding, Read& read) {
    simdjson::ondemand::document document;
    const auto opened = open(body, padding).get(document);
    if (opened != simdjson::SUCCESS) return malformed(opened, nullptr, body.size());
    Value root;
    const auto error = document.get_value().get(root);
    if (error != simdjson::SUCCESS) return malformed(error, nullptr, body.size());
    if (!read(root)) return malformed(error_, &document, body.size());
    const char* behind = nullptr;  // there is a location only while there is something left to read
    if (document.current_location().get(behind) == simdjson::SUCCESS)
      return malformed(simdjson::TRAILING_CONTENT, &document, body.size());
    return {};
  }

  // Gives back what a large document made grow.
  static void trim();
  simdjson::simdjson_result<simdjson::ondemand::document> open(Bytes body, size_t padding);
  Error malformed(simdjson::error_code code, simdjson::ondemand::document* document, size_t body_bytes);

  bool kind(Value& value, simdjson::ondemand::json_type& type) {
    const auto error = value.type().get(type);
    return error == simdjson::SUCCESS || broken(error);
  }
  bool broken(simdjson::error_code error) {
    error_ = error;
    return false;
  }
  // What a failed attempt to read `value` as some type means: null is nothing, another type is a fault.
  bool absent_or_wrong(Value& value, simdjson::error_code error);
  bool read_name(simdjson::ondemand::field& field, Name& name);
  bool wrong_type() {
    faults_.reject(Reason::Malformed);
    return true;
  }
  // The digits of a number, bare or in quotes; empty for null and for what is none (which is reported).
  bool number_text(Value value, std::string_view& out);

  Faults& faults_;
  simdjson::error_code error_ = simdjson::SUCCESS;
  const uint8_t* begin_ = nullptr;
};

}  // namespace clew::decode::otlp
