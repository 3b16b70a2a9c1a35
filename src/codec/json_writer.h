// SPDX-License-Identifier: Apache-2.0
//
// JsonWriter appends strict JSON (RFC 8259) to a string, with no tree in between: whoever writes calls its functions in
// the order of the text. Commas and quotes are its business; that objects and arrays are closed is the caller's.
//
//   JsonWriter json(out);
//   json.begin_object().key("id").text("7").key("n").number(int64_t{7}).end_object();   // {"id":"7","n":7}
//
// Texts that are not UTF-8 have each bad byte replaced by U+FFFD, so that the output is always valid. U+2028, U+2029
// and U+007F are written as they are, as JSON allows.
//
// Lifetime: `out` must outlive the writer. Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace clew::codec {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& text(std::string_view value);
  JsonWriter& number(int64_t value);
  JsonWriter& number(uint64_t value);
  // The shortest digits that read back as the same number; what JSON has no number for is written as protobuf's JSON
  // mapping does: the texts "NaN", "Infinity" and "-Infinity".
  JsonWriter& number(double value);
  // The number in quotes, as protobuf's JSON mapping writes 64-bit integers.
  JsonWriter& quoted(int64_t value);
  JsonWriter& quoted(uint64_t value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  // Standard base64 with padding, in quotes.
  JsonWriter& base64(Bytes value);
  // A complete JSON value that was written before.
  JsonWriter& raw(std::string_view json);

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void before_value();

  std::string& out_;
  bool comma_ = false;  // does a comma come before the next key or element?
};

// Appends `value` as a quoted JSON text.
void append_json_text(std::string& out, std::string_view value);

}  // namespace clew::codec
