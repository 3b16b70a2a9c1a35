// SPDX-License-Identifier: Apache-2.0
//
// Jaeger's JSON by hand: the expected texts follow Jaeger's own translation of OTLP (pkg/translator/jaeger of the
// OpenTelemetry Collector, fixture otlp2jaeger-out.json of Jaeger), rule by rule.
#include "render/jaeger_json.h"

#include <gmock/gmock.h>

#include "render/testing/trace_builder.h"

namespace clew::render {
namespace {

using testing::Attributes;
using testing::Blob;
using ::testing::HasSubstr;
using testing::Nested;
using ::testing::Not;
using testing::TraceBuilder;

std::string jaeger(const model::SpanBatch& batch) {
  std::string out;
  write_jaeger_json(batch, [&](std::string_view run) {
    out += run;
    return true;
  });
  return out;
}

TEST(JaegerJson, WritesAWholeTrace) {
  TraceBuilder trace;
  trace.scope("lib", "1.2");
  trace.resource_attributes({{"host.name", "h1"}});
  trace.attributes({{"http.method", "GET"}, {"n", int64_t{7}}});
  trace.event("exception", 5, {{"exception.type", "E"}});
  trace.span({.id = 1,
              .name = "GET /",
              .service = "web",
              .end_ms = 450,
              .kind = 2,
              .status = 2,
              .status_message = "bad",
              .trace_state = "a=b",
              .flags = 0x101});
  trace.span({.id = 2, .parent = 1, .name = "q", .service = "web", .start_ms = 1, .end_ms = 2, .kind = 0, .status = 1});
  EXPECT_EQ(
      jaeger(trace.batch),
      R"({"traceID":"5b8aa5a2d2c872e8321cf37308d69df2","spans":[)"
      R"({"traceID":"5b8aa5a2d2c872e8321cf37308d69df2","spanID":"0000000000000001","flags":1,"operationName":"GET /",)"
      R"("references":[],"startTime":1795200536000000,"duration":450000,"tags":[)"
      R"({"key":"otel.scope.name","type":"string","value":"lib"},)"
      R"({"key":"otel.scope.version","type":"string","value":"1.2"},)"
      R"({"key":"http.method","type":"string","value":"GET"},{"key":"n","type":"int64","value":7},)"
      R"({"key":"span.kind","type":"string","value":"server"},)"
      R"({"key":"otel.status_code","type":"string","value":"ERROR"},)"
      R"({"key":"error","type":"bool","value":true},{"key":"otel.status_description","type":"string","value":"bad"},)"
      R"({"key":"w3c.tracestate","type":"string","value":"a=b"}],)"
      R"("logs":[{"timestamp":1795200536005000,"fields":[{"key":"event","type":"string","value":"exception"},)"
      R"({"key":"exception.type","type":"string","value":"E"}]}],"processID":"p1","warnings":null},)"
      R"({"traceID":"5b8aa5a2d2c872e8321cf37308d69df2","spanID":"0000000000000002","operationName":"q",)"
      R"("references":[{"refType":"CHILD_OF","traceID":"5b8aa5a2d2c872e8321cf37308d69df2",)"
      R"("spanID":"0000000000000001"}],)"
      R"("startTime":1795200536001000,"duration":1000,"tags":[)"
      R"({"key":"otel.scope.name","type":"string","value":"lib"},)"
      R"({"key":"otel.scope.version","type":"string","value":"1.2"},)"
      R"({"key":"otel.status_code","type":"string","value":"OK"}],"logs":[],"processID":"p1","warnings":null}],)"
      R"("processes":{"p1":{"serviceName":"web","tags":[{"key":"host.name","type":"string","value":"h1"}]}},)"
      R"("warnings":null})");
}

TEST(JaegerJson, ShortensTheIdWithoutHighHalf) {
  TraceBuilder trace;
  trace.span({.id = 1, .name = "a", .trace = {0, 0xabc}});
  EXPECT_THAT(jaeger(trace.batch), HasSubstr(R"({"traceID":"0000000000000abc","spans")"));
}

std::string tags_of(const Attributes& list) {
  TraceBuilder trace;
  trace.attributes(list);
  trace.span({.id = 1, .name = "a", .kind = 0});
  const std::string text = jaeger(trace.batch);
  const size_t begin = text.find("\"tags\":[") + 8;
  return text.substr(begin, text.find("],\"logs\"") - begin);
}

TEST(JaegerJson, WritesEveryTypeOfValue) {
  EXPECT_EQ(tags_of({{"k", true}}), R"({"key":"k","type":"bool","value":true})");
  EXPECT_EQ(tags_of({{"k", 72.5}}), R"({"key":"k","type":"float64","value":72.5})");
  EXPECT_EQ(tags_of({{"k", Blob{std::string("\0\xFF", 2)}}}), R"({"key":"k","type":"binary","value":"AP8="})");
  EXPECT_EQ(tags_of({{"k", std::monostate()}}), R"({"key":"k","type":"string","value":""})");
  EXPECT_EQ(tags_of({{"k", int64_t{9007199254740991}}}), R"({"key":"k","type":"int64","value":9007199254740991})");
  EXPECT_EQ(tags_of({{"k", int64_t{9007199254740992}}}), R"({"key":"k","type":"int64","value":"9007199254740992"})");
  EXPECT_EQ(tags_of({{"k", INT64_MIN}}), R"({"key":"k","type":"int64","value":"-9223372036854775808"})");
}

TEST(JaegerJson, WritesArraysAndListsAsTextOfJson) {
  // ArrayValue{values: ["a", 1]}; KeyValueList{values: [{key: "x", value: true}]}
  const std::string array(
      "\x0a\x03\x0a\x01"
      "a"
      "\x0a\x02\x18\x01",
      9);
  const std::string list(
      "\x0a\x07\x0a\x01"
      "x"
      "\x12\x02\x10\x01",
      9);
  EXPECT_EQ(tags_of({{"k", Nested{model::ValueType::Array, array}}}),
            R"({"key":"k","type":"string","value":"[\"a\",1]"})");
  EXPECT_EQ(tags_of({{"k", Nested{model::ValueType::KvList, list}}}),
            R"({"key":"k","type":"string","value":"{\"x\":true}"})");
}

TEST(JaegerJson, TurnsLinksIntoReferences) {
  TraceBuilder trace;
  trace.link({1, 2}, 3);
  trace.link({1, 2}, 4, {{"opentracing.ref_type", "child_of"}});
  trace.link(testing::kTraceId, 9);  // the parent itself
  trace.span({.id = 1, .parent = 9, .name = "a"});
  EXPECT_THAT(
      jaeger(trace.batch),
      HasSubstr(
          R"("references":[{"refType":"CHILD_OF","traceID":"5b8aa5a2d2c872e8321cf37308d69df2",)"
          R"("spanID":"0000000000000009"},)"
          R"({"refType":"FOLLOWS_FROM","traceID":"00000000000000010000000000000002","spanID":"0000000000000003"},)"
          R"({"refType":"CHILD_OF","traceID":"00000000000000010000000000000002","spanID":"0000000000000004"}])"));
}

TEST(JaegerJson, ALinkToTheParentMayChangeItsType) {
  TraceBuilder trace;
  trace.link(testing::kTraceId, 9, {{"opentracing.ref_type", "follows_from"}});
  trace.span({.id = 1, .parent = 9, .name = "a"});
  EXPECT_THAT(jaeger(trace.batch), HasSubstr(R"("references":[{"refType":"FOLLOWS_FROM")"));
  EXPECT_THAT(jaeger(trace.batch), Not(HasSubstr("CHILD_OF")));
}

TEST(JaegerJson, AnAttributeEventStandsForTheName) {
  TraceBuilder trace;
  trace.event("name", 1, {{"event", "own"}});
  trace.span({.id = 1, .name = "a"});
  EXPECT_THAT(jaeger(trace.batch), HasSubstr(R"("fields":[{"key":"event","type":"string","value":"own"}])"));
}

TEST(JaegerJson, JoinsEqualProcesses) {
  TraceBuilder trace;
  trace.span({.id = 1, .name = "a", .service = "one"});
  trace.span({.id = 2, .name = "b", .service = "two"});
  trace.span({.id = 3, .name = "c", .service = ""});
  trace.batch.resources.push_back(trace.batch.resources[0]);  // the same again, as another resource
  trace.span({.id = 4, .name = "d", .service = "one"});
  trace.batch.resource[3] = 3;
  const std::string text = jaeger(trace.batch);
  EXPECT_THAT(text,
              HasSubstr(R"("processes":{"p1":{"serviceName":"one","tags":[]},"p2":{"serviceName":"two","tags":[]},)"
                        R"("p3":{"serviceName":"OTLPResourceNoServiceName","tags":[]}})"));
  EXPECT_THAT(text, HasSubstr(R"("operationName":"d","references":[],"startTime":1795200536000000,"duration":0,)"
                              R"("tags":[{"key":"span.kind","type":"string","value":"internal"}],"logs":[],)"
                              R"("processID":"p1")"));
}

TEST(JaegerJson, WarnsOfASpanThatEndsBeforeItStarts) {
  TraceBuilder trace;
  trace.span({.id = 1, .name = "a", .start_ms = 10, .end_ms = 5});
  EXPECT_THAT(jaeger(trace.batch), HasSubstr(R"("duration":0,)"));
  EXPECT_THAT(jaeger(trace.batch), HasSubstr(R"("warnings":["the span ends before it starts)"));
}

}  // namespace
}  // namespace clew::render
