// SPDX-License-Identifier: Apache-2.0
//
// Random OTLP trace requests for tests, the same for the same seed, that use every field of trace.proto, common.proto
// and resource.proto. They are written straight to the wire, without SpanBatch and without the product's encoder, in
// the one form that the encoder promises (fields in order, defaults left out, each list value canonical): so a request
// that is decoded and encoded again must come out byte for byte.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace clew::decode::otlp::testing {

// One ExportTraceServiceRequest with some `spans` spans under several resources and scopes.
std::string generate_request(uint32_t seed, size_t spans);

// The same request in another spelling that means the same: the fields of every message shuffled (elements of one
// repeated field keep their order), unknown fields of every wire type put in between, singular messages split in two.
std::string respell(std::string_view request, uint32_t seed);

// A sender's request in the encoder's form: fields in order, defaults and empty statuses left out.
std::string tidied(std::string_view request);

// The schema, typed again from the .proto files.
struct SchemaField {
  std::string_view message;
  uint32_t number;
  std::string_view name;
  bool repeated;
  std::string_view inside;  // the message that the field holds, or empty
};
const SchemaField* find_field(std::string_view message, uint32_t number);

// Every "Message.field" that occurs in a request, found by a walk over the wire guided by a table of the schema.
std::set<std::string> fields_in(std::string_view request);
// Every "Message.field" of the schema that a trace may use.
std::set<std::string> fields_of_schema();

}  // namespace clew::decode::otlp::testing
