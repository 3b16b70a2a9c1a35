// SPDX-License-Identifier: Apache-2.0
//
// A protobuf request as OTLP/JSON, for tests: field by field from the wire, without SpanBatch and without the product's
// own writer of OTLP/JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clew::decode::otlp::testing {

enum class JsonStyle : uint8_t {
  Strict,   // as the OTLP specification wants it written
  Lenient,  // snake_case, names of enums, numbers as texts and texts as numbers, upper case hex, base64 for URLs,
            // null for what is not there, unknown fields, white space
};

// `request` has its fields in order, as generate_request and the encoder write them.
std::string to_json(std::string_view request, JsonStyle style);

}  // namespace clew::decode::otlp::testing
