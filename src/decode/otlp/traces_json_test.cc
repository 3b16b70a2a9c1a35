// SPDX-License-Identifier: Apache-2.0
//
// A request in JSON, strictly written or as leniently as the Collector reads, means what the same request means in
// protobuf, for every field of the schema. What is bad costs what it must: tables of single deviations from a good
// request, each with its verdict.
#include "decode/otlp/traces_json.h"

#include <gtest/gtest.h>

#include "decode/otlp/encode.h"
#include "decode/otlp/limits.h"
#include "decode/otlp/testing/generate.h"
#include "decode/otlp/testing/json.h"
#include "decode/otlp/testing/recorded.h"
#include "decode/otlp/traces_protobuf.h"

namespace clew::decode::otlp {
namespace {

using model::SpanBatch;
using testing::JsonStyle;

std::string reencoded(const std::string& json) {
  SpanBatch batch;
  const Result<Verdict> verdict = decode_traces_json(as_bytes(json), 0, batch);
  if (!verdict.ok()) return "error: " + verdict.error().what();
  return encode_traces_protobuf(batch) + verdict->reason;
}

TEST(TracesJson, EveryFieldMeansWhatItMeansInProtobuf) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const std::string request = testing::generate_request(seed, 1 + seed / 2);
    for (const JsonStyle style : {JsonStyle::Strict, JsonStyle::Lenient}) {
      const std::string json = testing::to_json(request, style);
      ASSERT_EQ(reencoded(json), request) << "seed " << seed << "\n" << json;
    }
  }
}

TEST(TracesJson, TheRecordedDemoShopComesBack) {
  const std::vector<std::string> messages = testing::recorded_messages();
  if (messages.empty()) GTEST_SKIP() << "CLEW_TEST_DATA does not name the folder with otel-demo.otlp.zst";
  for (size_t i = 0; i < messages.size(); i += 7) {
    const std::string request = testing::tidied(messages[i]);
    ASSERT_TRUE(reencoded(testing::to_json(request, JsonStyle::Strict)) == request) << i;
  }
}

TEST(TracesJson, PaddingSavesACopyAndChangesNothing) {
  const std::string request = testing::generate_request(5, 10);
  std::string json = testing::to_json(request, JsonStyle::Strict);
  const size_t size = json.size();
  json.append(kJsonPadding, '{');  // what lies behind must not matter
  SpanBatch batch;
  ASSERT_TRUE(decode_traces_json(as_bytes(json).first(size), kJsonPadding, batch).ok());
  EXPECT_EQ(encode_traces_protobuf(batch), request);
}

constexpr std::string_view kGood =
    R"({"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"n"})";

// A request with one span: kGood with `fields` in front.
std::string span_with(std::string_view fields) {
  std::string span(kGood);
  if (!fields.empty()) span.insert(1, std::string(fields) + ",");
  return span;
}
std::string request_of(const std::string& spans, std::string_view beside_spans = "",
                       std::string_view beside_scopes = "") {
  return R"({"resourceSpans":[{)" + std::string(beside_scopes) + R"("scopeSpans":[{)" + std::string(beside_spans) +
         R"("spans":[)" + spans + "]}]}]}";
}
std::string attribute(std::string_view value) {
  return R"("attributes":[{"key":"k","value":)" + std::string(value) + "}]";
}
std::string nested(uint32_t depth) {
  std::string value = R"({"stringValue":"x"})";
  for (uint32_t i = 1; i < depth; ++i) value = R"({"arrayValue":{"values":[)" + value + "]}}";
  return value;
}

// How the span fares that stands between two good ones.
struct Case {
  Reason reason;
  std::string span;
};

TEST(TracesJson, ABadSpanCostsOnlyItself) {
  const std::vector<Case> cases = {
      {Reason::TraceId, "{}"},
      {Reason::TraceId, R"({"traceId":"","spanId":"0102030405060708"})"},
      {Reason::TraceId, R"({"traceId":"0102","spanId":"0102030405060708"})"},
      {Reason::TraceId, R"({"traceId":"0102030405060708090a0b0c0d0e0f1g","spanId":"0102030405060708"})"},
      {Reason::TraceId, R"({"traceId":"00000000000000000000000000000000","spanId":"0102030405060708"})"},
      {Reason::SpanId, R"({"traceId":"0102030405060708090a0b0c0d0e0f10"})"},
      {Reason::SpanId, R"({"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0000000000000000"})"},
      {Reason::ParentSpanId, span_with(R"("parentSpanId":"01")")},
      {Reason::LinkId, span_with(R"("links":[{"traceId":"01"}])")},
      {Reason::Utf8, span_with(attribute(R"({"stringValue":"\ud800"})"))},
      {Reason::Utf8, span_with(attribute(R"({"stringValue":"\udc00"})"))},
      {Reason::Utf8, span_with(attribute(R"({"arrayValue":{"values":[{"stringValue":"\udc00"}]}})"))},
      {Reason::Nesting, span_with(attribute(nested(kValueDepthMax + 1)))},
      {Reason::Nesting, span_with(attribute(nested(300)))},
      {Reason::Malformed, "7"},
      {Reason::Malformed, "[]"},
      {Reason::Malformed, span_with(R"("name":7)")},
      {Reason::Malformed, span_with(R"("name":{})")},
      {Reason::Malformed, span_with(R"("attributes":{})")},
      {Reason::Malformed, span_with(R"("attributes":["x"])")},
      {Reason::Malformed, span_with(R"("startTimeUnixNano":"x")")},
      {Reason::Malformed, span_with(R"("startTimeUnixNano":"")")},
      {Reason::Malformed, span_with(R"("startTimeUnixNano":-1)")},
      {Reason::Malformed, span_with(R"("startTimeUnixNano":1.5)")},
      {Reason::Malformed, span_with(R"("startTimeUnixNano":"18446744073709551616")")},
      {Reason::Malformed, span_with(R"("flags":4294967296)")},
      {Reason::Malformed, span_with(R"("kind":"SPAN_KIND_NONE")")},
      {Reason::Malformed, span_with(attribute(R"({"intValue":"9223372036854775808"})"))},
      {Reason::Malformed, span_with(attribute(R"({"intValue":true})"))},
      {Reason::Malformed, span_with(attribute(R"({"boolValue":1})"))},
      {Reason::Malformed, span_with(attribute(R"({"doubleValue":"nan"})"))},
      {Reason::Malformed, span_with(attribute(R"({"doubleValue":"0x1p3"})"))},
      {Reason::Malformed, span_with(attribute(R"({"bytesValue":"*"})"))},
      {Reason::Malformed, span_with(attribute(R"({"arrayValue":[]})"))},
      {Reason::Malformed, span_with(attribute(R"("bare")"))},
  };
  SpanBatch good;
  ASSERT_TRUE(decode_traces_json(as_bytes(request_of(span_with("") + "," + span_with(""))), 0, good).ok());
  for (const Case& row : cases) {
    const std::string json = request_of(span_with("") + "," + row.span + "," + span_with(""));
    SpanBatch batch;
    const Result<Verdict> verdict = decode_traces_json(as_bytes(json), 0, batch);
    ASSERT_TRUE(verdict.ok()) << row.span << verdict.error().what();
    EXPECT_EQ(verdict->accepted, 2u) << row.span;
    EXPECT_EQ(verdict->rejected_by[static_cast<size_t>(row.reason)], 1u) << row.span << verdict->reason;
    EXPECT_EQ(encode_traces_protobuf(batch), encode_traces_protobuf(good)) << row.span;
  }
}

TEST(TracesJson, WhatIsLenientlyRead) {
  const std::vector<std::pair<std::string, std::string>> same = {
      {R"("startTimeUnixNano":"1500")", R"("startTimeUnixNano":1.5e3)"},
      {R"("startTimeUnixNano":"18446744073709551615")", R"("startTimeUnixNano":18446744073709551615)"},
      {attribute(R"({"doubleValue":1e20})"), attribute(R"({"doubleValue":100000000000000000000})")},
      {attribute(R"({"doubleValue":-2.5})"), attribute(R"({"doubleValue":"-2.5"})")},
      {attribute(R"({"doubleValue":5})"), attribute(R"({"doubleValue":5.0})")},
      {attribute(R"({"intValue":"-9223372036854775808"})"), attribute(R"({"intValue":-9223372036854775808})")},
      {attribute(R"({"intValue":"5"})"), attribute(R"({"intValue":5.0})")},
      {attribute(R"({"intValue":5})"), attribute(R"({"stringValue":"x","intValue":5})")},
      {attribute("{}"), attribute("null")},
      {R"("kind":2)", R"("kind":"SPAN_KIND_SERVER")"},
      {R"("kind":-7)", R"("kind":"-7")"},
      {R"("status":{"code":2})", R"("status":{"code":"STATUS_CODE_ERROR","message":null})"},
      {R"("events":null)", R"("events":[])"},
      {R"("parentSpanId":"")", R"("parentSpanId":"0000000000000000")"},
      {R"("name2":"\ud800")", R"("\ud800":1)"},
  };
  for (const auto& [strict, lenient] : same) {
    const std::string expected = reencoded(request_of(span_with(strict)));
    EXPECT_NE(expected.substr(0, 5), "error") << strict << expected;
    EXPECT_EQ(reencoded(request_of(span_with(lenient))), expected) << lenient;
  }
}

TEST(TracesJson, TheSpanAtTheLimitOfNestingIsKept) {
  SpanBatch batch;
  const std::string json = request_of(span_with(attribute(nested(kValueDepthMax))));
  EXPECT_EQ(decode_traces_json(as_bytes(json), 0, batch)->accepted, 1u);
}

TEST(TracesJson, ABadResourceOrScopeCostsItsSpansAlsoFromBehind) {
  const std::string spans = span_with("") + ",{}," + span_with("");
  const std::string good = request_of(span_with(""));
  const auto joined = [](const std::string& a, const std::string& b) {
    return a.substr(0, a.size() - 2) + "," + b.substr(std::string_view(R"({"resourceSpans":[)").size());
  };
  const std::string behind = R"({"resourceSpans":[{"scopeSpans":[{"spans":[)" + spans +
                             R"(],"scope":{"name":"\udc00"}}],"resource":{"attributes":7}}]})";
  const std::vector<std::pair<Reason, std::string>> cases = {
      {Reason::Resource, request_of(spans, "", R"("resource":{"attributes":[{"key":"\udc00"}]},)")},
      {Reason::Resource, request_of(spans, "", R"("schemaUrl":7,)")},
      {Reason::Resource, request_of(spans, "", R"("resource":{"entityRefs":[{"type":"\udc00"}]},)")},
      {Reason::Scope, request_of(spans, R"("scope":{"name":"\udc00"},)")},
      {Reason::Scope, request_of(spans, R"("scope":7,)")},
      {Reason::Resource, behind},
  };
  for (const auto& [reason, json] : cases) {
    SpanBatch batch;
    const std::string request = joined(joined(good, json), good);
    const Result<Verdict> verdict = decode_traces_json(as_bytes(request), 0, batch);
    ASSERT_TRUE(verdict.ok()) << request << verdict.error().what();
    EXPECT_EQ(verdict->accepted, 2u) << request;
    EXPECT_EQ(verdict->rejected_by[static_cast<size_t>(reason)], 3u) << request << verdict->reason;
  }
}

TEST(TracesJson, WhatIsNotARequestIsRefused) {
  const std::vector<std::string> cases = {"",
                                          " ",
                                          "{",
                                          "[]",
                                          "7",
                                          "null",
                                          "\"x\"",
                                          "{]",
                                          "{}}",
                                          "{} x",
                                          "{}{}",
                                          R"({"resourceSpans":7})",
                                          R"({"resourceSpans":[7]})",
                                          R"({"resourceSpans":{}})",
                                          R"({"resourceSpans":[{"scopeSpans":[{"spans":[}]}]})",
                                          R"({"resourceSpans":[{"scopeSpans":7}]})",
                                          R"({"resourceSpans":[{"scopeSpans":[7]}]})",
                                          R"({"resourceSpans":[{"scopeSpans":[{"spans":7}]}]})",
                                          R"({"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]})",
                                          "{\"a\":\"\xff\"}",
                                          "\xef\xbb\xbf{",
                                          R"({"resourceSpans":[,]})",
                                          std::string(1000, '['),
                                          "{\"a\":\"\n\"}"};
  for (const std::string& json : cases) {
    SpanBatch batch;
    const Result<Verdict> verdict = decode_traces_json(as_bytes(json), 0, batch);
    if (verdict.ok()) {
      ADD_FAILURE() << json << " was accepted";
      continue;
    }
    EXPECT_EQ(verdict.error().code(), Code::InvalidArgument) << json;
    EXPECT_EQ(batch.span_count(), 0u);
  }
}

TEST(TracesJson, CutOffAtEveryPlace) {
  const std::string json = testing::to_json(testing::generate_request(3, 6), JsonStyle::Strict);
  for (size_t size = 0; size < json.size(); ++size) {
    SpanBatch batch;
    const std::string cut = json.substr(0, size);
    ASSERT_FALSE(decode_traces_json(as_bytes(cut), 0, batch).ok()) << cut;
    ASSERT_EQ(batch.span_count(), 0u);
  }
}

TEST(TracesJson, AnEmptyRequestIsSuccess) {
  for (const char* json : {"{}", " {\n} ", R"({"resourceSpans":[]})", R"({"resourceSpans":null})",
                           R"({"resourceSpans":[{}]})", R"({"resourceSpans":[{"scopeSpans":[{}]}]})"}) {
    SpanBatch batch;
    const Result<Verdict> verdict = decode_traces_json(as_bytes(std::string_view(json)), 0, batch);
    ASSERT_TRUE(verdict.ok()) << json;
    EXPECT_EQ(verdict->reason, "");
  }
}

}  // namespace
}  // namespace clew::decode::otlp
