// SPDX-License-Identifier: Apache-2.0
//
// A thread keeps its parser, because its tables are as large as the largest document it has seen; above a limit they
// are given back. Numbers are read from their text by from_chars: one way for bare and quoted ones, and a double such
// as 100000000000000000000, which JavaScript writes without an exponent, is no integer overflow.
#include "decode/otlp/json_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <memory>

namespace clew::decode::otlp {
namespace {

using simdjson::ondemand::json_type;

// A parser for larger documents is not kept: its tables take up to six times the document.
constexpr size_t kKeepDocumentBytesMax = size_t{4} << 20;

struct Scratch {
  simdjson::ondemand::parser parser;
  std::string padded;
};

thread_local std::unique_ptr<Scratch> scratch;

template <class Number>
bool parse_whole(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_real(std::string_view text, double& out) {
  if (text == "NaN") {
    out = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity") {
    out = std::numeric_limits<double>::infinity();
  } else if (text == "-Infinity") {
    out = -std::numeric_limits<double>::infinity();
  } else {  // from_chars also knows "nan" and "inf", which are no numbers here
    return text.find_first_not_of("0123456789+-.eE") == std::string_view::npos && parse_whole(text, out);
  }
  return true;
}

// Integers may come as 1e3 or 5.0. `limit` is the first power of two that the type does not reach.
template <class Integer>
bool parse_integer(std::string_view text, double limit, Integer& out) {
  if (parse_whole(text, out)) return true;
  double number = 0;
  const double lowest = std::numeric_limits<Integer>::is_signed ? -limit : 0;
  if (!parse_real(text, number) || !(number >= lowest && number < limit) || std::trunc(number) != number) return false;
  // Digits without a point or exponent that did not parse are beyond the type, also if they round to its edge.
  if (text.find_first_of(".eE") == std::string_view::npos) return false;
  out = static_cast<Integer>(number);
  return true;
}

constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr double kTwoTo64 = 18446744073709551616.0;

}  // namespace

simdjson::simdjson_result<simdjson::ondemand::document> JsonReader::open(Bytes body, size_t padding) {
  if (scratch == nullptr) scratch = std::make_unique<Scratch>();
  if (padding < simdjson::SIMDJSON_PADDING) {
    scratch->padded.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    scratch->padded.assign(as_text(body));
    scratch->padded.append(simdjson::SIMDJSON_PADDING, ' ');
    body = as_bytes(scratch->padded).first(body.size());
  }
  begin_ = body.data();
  return scratch->parser.iterate(
      simdjson::padded_string_view(body.data(), body.size(), body.size() + simdjson::SIMDJSON_PADDING));
}

void JsonReader::trim() {
  if (scratch->parser.capacity() > kKeepDocumentBytesMax || scratch->padded.capacity() > kKeepDocumentBytesMax)
    scratch.reset();
}

Error JsonReader::malformed(simdjson::error_code code, simdjson::ondemand::document* document, size_t body_bytes) {
  std::string what = fmt::format("malformed JSON: {}", simdjson::error_message(code));
  const char* at = nullptr;
  if (document != nullptr && document->current_location().get(at) == simdjson::SUCCESS) {
    const auto offset = reinterpret_cast<const uint8_t*>(at) - begin_;
    if (offset >= 0 && static_cast<size_t>(offset) <= body_bytes)
      fmt::format_to(std::back_inserter(what), " near byte {} of {}", offset, body_bytes);
  }
  return {Code::InvalidArgument, std::move(what)};
}

bool JsonReader::absent_or_wrong(Value& value, simdjson::error_code error) {
  if (error != simdjson::INCORRECT_TYPE) return broken(error);
  json_type type{};
  if (!kind(value, type)) return false;
  return type == json_type::null || wrong_type();
}

// Names without an escape are read where they stand.
bool JsonReader::read_name(simdjson::ondemand::field& field, Name& name) {
  const char* begin = field.key().raw();
  size_t size = 0;
  while (size <= kNameBytesMax && begin[size] != '"' && begin[size] != '\\') ++size;
  if (begin[size] == '"') {
    name = name_of_field({begin, size});
    return true;
  }
  if (size > kNameBytesMax) return true;  // longer than any of ours
  std::string_view key;
  const auto error = field.unescaped_key().get(key);
  if (error == simdjson::STRING_ERROR) return true;  // no name of ours holds an escape that is wrong
  if (error) return broken(error);
  name = name_of_field(key);
  return true;
}

bool JsonReader::text(Value value, std::string_view& out) {
  std::string_view read;
  const auto error = value.get_string().get(read);
  if (error == simdjson::STRING_ERROR) {  // an escape for half a surrogate pair: no Unicode text has one
    faults_.reject(Reason::Utf8);
    return true;
  }
  if (error) return absent_or_wrong(value, error);
  out = read;
  return true;
}

bool JsonReader::boolean(Value value, bool& out) {
  json_type type{};
  if (!kind(value, type)) return false;
  if (type == json_type::null) return true;
  if (type == json_type::string) {
    std::string_view read;
    if (!text(value, read)) return false;
    if (read != "true" && read != "false") return wrong_type();
    out = read == "true";
    return true;
  }
  bool read = false;
  if (type != json_type::boolean || value.get_bool().get(read) != simdjson::SUCCESS) return wrong_type();
  out = read;
  return true;
}

bool JsonReader::number_text(Value value, std::string_view& out) {
  json_type type{};
  if (!kind(value, type)) return false;
  if (type == json_type::null) return true;
  if (type == json_type::string) return text(value, out) && (!out.empty() || wrong_type());
  if (type != json_type::number) return wrong_type();
  out = value.raw_json_token();
  while (!out.empty() && (out.back() == ' ' || out.back() == '\t' || out.back() == '\n' || out.back() == '\r'))
    out.remove_suffix(1);
  return true;
}

bool JsonReader::uint64(Value value, uint64_t& out) {
  std::string_view digits;
  if (!number_text(value, digits)) return false;
  return digits.empty() || parse_integer(digits, kTwoTo64, out) || wrong_type();
}

bool JsonReader::int64(Value value, int64_t& out) {
  std::string_view digits;
  if (!number_text(value, digits)) return false;
  return digits.empty() || parse_integer(digits, kTwoTo63, out) || wrong_type();
}

bool JsonReader::uint32(Value value, uint32_t& out) {
  uint64_t wide = out;
  if (!uint64(value, wide)) return false;
  if (wide > UINT32_MAX) return wrong_type();
  out = static_cast<uint32_t>(wide);
  return true;
}

bool JsonReader::real(Value value, double& out) {
  std::string_view digits;
  if (!number_text(value, digits)) return false;
  return digits.empty() || parse_real(digits, out) || wrong_type();
}

bool JsonReader::enumeration(Value value, std::span<const EnumName> names, int32_t& out) {
  std::string_view read;
  if (!number_text(value, read)) return false;
  for (const EnumName& entry : names) {
    if (entry.name != read) continue;
    out = entry.value;
    return true;
  }
  int64_t number = 0;
  if (read.empty()) return true;
  if (!parse_integer(read, kTwoTo63, number)) return wrong_type();
  if (number < INT32_MIN || number > INT32_MAX) return wrong_type();
  out = static_cast<int32_t>(number);
  return true;
}

}  // namespace clew::decode::otlp
