// SPDX-License-Identifier: Apache-2.0
//
// OTLP JSON field by field against texts written after the mapping's rules. That reading it back gives the same spans
// is proved where the reader is (tests of serve and of the real server).
#include "render/otlp_json.h"

#include <gmock/gmock.h>

#include <limits>

#include "render/testing/trace_builder.h"

namespace clew::render {
namespace {

using testing::Blob;
using ::testing::HasSubstr;
using testing::Nested;
using testing::TraceBuilder;

std::string otlp(const model::SpanBatch& batch) {
  std::string out;
  write_otlp_json(batch, [&](std::string_view run) {
    out += run;
    return true;
  });
  return out;
}

TEST(OtlpJson, WritesEveryFieldOfASpan) {
  TraceBuilder trace;
  trace.scope("lib", "1.2");
  trace.attributes(
      {{"s", "text"}, {"b", true}, {"i", int64_t{-7}}, {"d", 0.5}, {"x", Blob{"\x01\x02"}}, {"e", std::monostate()}});
  trace.event("ev", 5, {{"k", int64_t{1}}});
  trace.link({0xA, 0xB}, 0xC, {{"l", "v"}});
  trace.span({.id = 0xAB,
              .parent = 0xCD,
              .name = "n\"\n",
              .service = "web",
              .end_ms = 1,
              .kind = 3,
              .status = 2,
              .status_message = "m",
              .trace_state = "a=b",
              .flags = 0x301});
  EXPECT_EQ(otlp(trace.batch),
            R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},)"
            R"("scopeSpans":[{"scope":{"name":"lib","version":"1.2"},"spans":[)"
            R"({"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"00000000000000ab","traceState":"a=b",)"
            R"("parentSpanId":"00000000000000cd","flags":769,"name":"n\"\n","kind":3,)"
            R"("startTimeUnixNano":"1795200536000000000","endTimeUnixNano":"1795200536001000000",)"
            R"("attributes":[{"key":"s","value":{"stringValue":"text"}},{"key":"b","value":{"boolValue":true}},)"
            R"({"key":"i","value":{"intValue":"-7"}},{"key":"d","value":{"doubleValue":0.5}},)"
            R"({"key":"x","value":{"bytesValue":"AQI="}},{"key":"e","value":{}}],)"
            R"("events":[{"timeUnixNano":"1795200536005000000","name":"ev",)"
            R"("attributes":[{"key":"k","value":{"intValue":"1"}}]}],)"
            R"("links":[{"traceId":"000000000000000a000000000000000b","spanId":"000000000000000c",)"
            R"("attributes":[{"key":"l","value":{"stringValue":"v"}}]}],)"
            R"("status":{"message":"m","code":2}}]}]}]})");
}

TEST(OtlpJson, NestsValues) {
  const std::string array(
      "\x0a\x03\x0a\x01"
      "a"
      "\x0a\x00",
      7);
  const std::string list(
      "\x0a\x07\x0a\x01"
      "x"
      "\x12\x02\x10\x01",
      9);
  TraceBuilder trace;
  trace.attributes({{"a", Nested{model::ValueType::Array, array}}, {"l", Nested{model::ValueType::KvList, list}}});
  trace.span({.id = 1, .name = "n"});
  EXPECT_THAT(otlp(trace.batch),
              HasSubstr(R"([{"key":"a","value":{"arrayValue":{"values":[{"stringValue":"a"},{}]}}},)"
                        R"({"key":"l","value":{"kvlistValue":{"values":[{"key":"x","value":{"boolValue":true}}]}}}])"));
}

TEST(OtlpJson, EndsWhereNestedBytesAreDamaged) {
  TraceBuilder trace;
  trace.attributes({{"a", Nested{model::ValueType::Array, "\x0a\x7F"}}});
  trace.span({.id = 1, .name = "n"});
  EXPECT_THAT(otlp(trace.batch), HasSubstr(R"({"arrayValue":{"values":[]}})"));
}

TEST(OtlpJson, SpellsNumbersThatJsonHasNot) {
  TraceBuilder trace;
  trace.attributes({{"a", std::numeric_limits<double>::quiet_NaN()}, {"b", -std::numeric_limits<double>::infinity()}});
  trace.span({.id = 1, .name = "n"});
  EXPECT_THAT(otlp(trace.batch), HasSubstr(R"({"doubleValue":"NaN"})"));
  EXPECT_THAT(otlp(trace.batch), HasSubstr(R"({"doubleValue":"-Infinity"})"));
}

TEST(OtlpJson, KeepsSpansOfAResourceTogether) {
  TraceBuilder trace;
  trace.span({.id = 1, .name = "first", .service = "a"});
  trace.span({.id = 2, .name = "second", .service = "b"});
  trace.span({.id = 3, .name = "third", .service = "a"});
  const std::string text = otlp(trace.batch);
  EXPECT_LT(text.find("first"), text.find("third"));
  EXPECT_LT(text.find("third"), text.find("second"));
  EXPECT_EQ(text.find("\"resource\"", text.find("second")), std::string::npos);
}

}  // namespace
}  // namespace clew::render
