// SPDX-License-Identifier: Apache-2.0
//
// One flag is all the state that commas need: it is set by every value and cleared by every opening bracket and key.
// Texts are copied in runs between the bytes that need an escape.
#include "codec/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "codec/base64.h"
#include "codec/utf8.h"

namespace clew::codec {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kHexDigits = "0123456789abcdef";

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHexDigits[static_cast<unsigned char>(c) >> 4];
      out += kHexDigits[static_cast<unsigned char>(c) & 15];
  }
}

// Bytes of the UTF-8 sequence at the front of `text`, or 0 if there is none.
size_t sequence_bytes(std::string_view text) {
  for (size_t bytes = 2; bytes <= 4 && bytes <= text.size(); ++bytes)
    if (valid_utf8(text.substr(0, bytes))) return bytes;
  return 0;
}

template <class T>
void append_number(std::string& out, T value) {
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

}  // namespace

void append_json_text(std::string& out, std::string_view value) {
  out += '"';
  const bool valid = valid_utf8(value);
  size_t copied = 0;
  size_t at = 0;
  while (at < value.size()) {
    const auto byte = static_cast<unsigned char>(value[at]);
    if (byte >= 0x80 && !valid) {
      const size_t length = sequence_bytes(value.substr(at));
      if (length == 0) {
        out.append(value, copied, at - copied);
        out += kReplacement;
        copied = ++at;
      } else {
        at += length;
      }
    } else if (byte < 0x20 || byte == '"' || byte == '\\') {
      out.append(value, copied, at - copied);
      append_escape(out, value[at]);
      copied = ++at;
    } else {
      ++at;
    }
  }
  out.append(value, copied, at - copied);
  out += '"';
}

JsonWriter& JsonWriter::open(char bracket) {
  before_value();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

void JsonWriter::before_value() {
  if (comma_) out_ += ',';
  comma_ = true;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  before_value();
  append_json_text(out_, name);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  before_value();
  append_json_text(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(int64_t value) {
  before_value();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(uint64_t value) {
  before_value();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  if (std::isnan(value)) return text("NaN");
  if (std::isinf(value)) return text(value > 0 ? "Infinity" : "-Infinity");
  before_value();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::quoted(int64_t value) {
  before_value();
  out_ += '"';
  append_number(out_, value);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::quoted(uint64_t value) {
  before_value();
  out_ += '"';
  append_number(out_, value);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  before_value();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::base64(Bytes value) {
  before_value();
  out_ += '"';
  out_ += encode_base64(value);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  before_value();
  out_ += json;
  return *this;
}

}  // namespace clew::codec
