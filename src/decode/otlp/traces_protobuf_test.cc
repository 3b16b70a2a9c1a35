// SPDX-License-Identifier: Apache-2.0
//
// Decoding loses nothing: a request that uses every field of the schema comes out of decode and encode byte for byte,
// however its sender spelt it, and so does every recorded request of the demo shop. What is bad costs what it must and
// nothing else: one row of a table for each kind of bad input.
#include "decode/otlp/traces_protobuf.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <unordered_set>

#include "codec/proto_writer.h"
#include "decode/otlp/encode.h"
#include "decode/otlp/limits.h"
#include "decode/otlp/testing/generate.h"
#include "decode/otlp/testing/recorded.h"

namespace clew::decode::otlp {
namespace {

using codec::ProtoWriter;
using model::SpanBatch;
using namespace std::string_literals;

std::string reencoded(std::string_view request) {
  SpanBatch batch;
  const Result<Verdict> verdict = decode_traces_protobuf(as_bytes(request), batch);
  if (!verdict.ok()) return "error: " + verdict.error().what();
  return encode_traces_protobuf(batch) + verdict->reason;
}

TEST(TracesProtobuf, TheGeneratorReachesEveryFieldOfTheSchema) {
  std::set<std::string> found;
  for (uint32_t seed = 0; seed < 20; ++seed) found.merge(testing::fields_in(testing::generate_request(seed, 20)));
  EXPECT_EQ(found, testing::fields_of_schema());
}

TEST(TracesProtobuf, EveryFieldComesBackByteForByte) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const std::string request = testing::generate_request(seed, 1 + seed);
    ASSERT_EQ(reencoded(request), request) << "seed " << seed;
  }
}

TEST(TracesProtobuf, EverySpellingMeansTheSame) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const std::string request = testing::generate_request(seed, 20);
    ASSERT_EQ(reencoded(testing::respell(request, seed)), request) << "seed " << seed;
  }
}

TEST(TracesProtobuf, TheRecordedDemoShopComesBack) {
  const std::vector<std::string> messages = testing::recorded_messages();
  if (messages.empty()) GTEST_SKIP() << "CLEW_TEST_DATA does not name the folder with otel-demo.otlp.zst";
  size_t spans = 0;
  std::unordered_set<model::TraceId> traces;
  for (const std::string& message : messages) {
    SpanBatch batch;
    const Result<Verdict> verdict = decode_traces_protobuf(as_bytes(message), batch);
    ASSERT_TRUE(verdict.ok());
    EXPECT_EQ(verdict->rejected, 0u);
    EXPECT_EQ(verdict->accepted, batch.span_count());
    spans += batch.span_count();
    for (size_t row = 0; row < batch.span_count(); ++row) traces.insert(batch.trace_id[row]);
    ASSERT_TRUE(encode_traces_protobuf(batch) == testing::tidied(message));
  }
  EXPECT_EQ(spans, 64151u);
  EXPECT_EQ(traces.size(), 13211u);
}

// Requests built by hand: one resource, one scope, spans as the test wants them.
struct Build {
  std::string resource, scope;
  std::vector<std::string> spans;

  std::string request() const {
    std::string out;
    ProtoWriter writer(out);
    writer.message(1, [&] {
      writer.text(1, resource);
      writer.message(2, [&] {
        writer.text(1, scope);
        for (const std::string& span : spans) writer.text(2, span);
      });
    });
    return out;
  }
};

template <class Fill>
std::string message(Fill fill) {
  std::string out;
  ProtoWriter writer(out);
  fill(writer);
  return out;
}

std::string span_with(const std::function<void(ProtoWriter&)>& more, const std::string& trace_id = std::string(16, 't'),
                      const std::string& span_id = std::string(8, 's')) {
  return message([&](ProtoWriter& writer) {
    writer.text(1, trace_id);
    writer.text(2, span_id);
    writer.text(5, "name");
    more(writer);
  });
}
std::string good_span() {
  return span_with([](ProtoWriter&) {});
}
std::string attribute(const std::string& key, const std::string& value) {
  return message([&](ProtoWriter& writer) {
    writer.text(1, key);
    writer.text(2, value);
  });
}
// An AnyValue of arrays inside one another, `depth` AnyValues in all.
std::string nested(uint32_t depth) {
  std::string value;
  for (uint32_t i = 1; i < depth; ++i) {
    value = message([&](ProtoWriter& writer) { writer.message(5, [&] { writer.text(1, value); }); });
  }
  return value;
}

Verdict decode_good(const std::string& request, SpanBatch& batch) {
  Result<Verdict> verdict = decode_traces_protobuf(as_bytes(request), batch);
  EXPECT_TRUE(verdict.ok()) << (verdict.ok() ? "" : verdict.error().what());
  return verdict.ok() ? *verdict : Verdict();
}

TEST(TracesProtobuf, ABadSpanCostsOnlyItself) {
  const std::string bad_text = "\xff";
  const std::string bad_value = message([&](ProtoWriter& w) { w.text(1, bad_text); });
  const auto with_value = [&](const std::string& value) {
    return span_with([&](ProtoWriter& w) { w.text(9, attribute("k", value)); });
  };
  const std::vector<std::pair<Reason, std::string>> cases = {
      {Reason::TraceId, span_with([](ProtoWriter&) {}, "")},
      {Reason::TraceId, span_with([](ProtoWriter&) {}, std::string(15, 't'))},
      {Reason::TraceId, span_with([](ProtoWriter&) {}, std::string(17, 't'))},
      {Reason::TraceId, span_with([](ProtoWriter&) {}, std::string(16, 0))},
      {Reason::TraceId, ""},
      {Reason::SpanId, span_with([](ProtoWriter&) {}, std::string(16, 't'), "")},
      {Reason::SpanId, span_with([](ProtoWriter&) {}, std::string(16, 't'), std::string(16, 's'))},
      {Reason::SpanId, span_with([](ProtoWriter&) {}, std::string(16, 't'), std::string(8, 0))},
      {Reason::ParentSpanId, span_with([](ProtoWriter& w) { w.text(4, "1234567"); })},
      {Reason::LinkId, span_with([](ProtoWriter& w) { w.message(13, [&] { w.text(1, "short"); }); })},
      {Reason::LinkId, span_with([](ProtoWriter& w) { w.message(13, [&] { w.text(2, "short"); }); })},
      {Reason::Utf8, span_with([&](ProtoWriter& w) { w.text(5, bad_text); })},
      {Reason::Utf8, span_with([&](ProtoWriter& w) { w.text(3, bad_text); })},
      {Reason::Utf8, span_with([&](ProtoWriter& w) { w.message(15, [&] { w.text(2, bad_text); }); })},
      {Reason::Utf8, span_with([&](ProtoWriter& w) { w.text(9, attribute(bad_text, "")); })},
      {Reason::Utf8, with_value(bad_value)},
      {Reason::Utf8, with_value(message([&](ProtoWriter& w) { w.message(5, [&] { w.text(1, bad_value); }); }))},
      {Reason::Utf8,
       with_value(message([&](ProtoWriter& w) { w.message(6, [&] { w.text(1, attribute(bad_text, "")); }); }))},
      {Reason::Utf8, span_with([&](ProtoWriter& w) { w.message(11, [&] { w.text(2, bad_text); }); })},
      {Reason::Utf8, span_with([&](ProtoWriter& w) { w.message(11, [&] { w.text(3, attribute("k", bad_value)); }); })},
      {Reason::Utf8, span_with([&](ProtoWriter& w) { w.message(13, [&] { w.text(3, bad_text); }); })},
      {Reason::Nesting, with_value(nested(kValueDepthMax + 1))},
      {Reason::Nesting, with_value(nested(5000))},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    const Build build = {"", "", {good_span(), cases[i].second, good_span()}};
    SpanBatch batch;
    const Verdict verdict = decode_good(build.request(), batch);
    EXPECT_EQ(verdict.accepted, 2u) << i;
    EXPECT_EQ(verdict.rejected, 1u) << i;
    EXPECT_EQ(verdict.rejected_by[static_cast<size_t>(cases[i].first)], 1u) << i << " " << verdict.reason;
    EXPECT_EQ(encode_traces_protobuf(batch), (Build{"", "", {good_span(), good_span()}}.request())) << i;
  }
}

TEST(TracesProtobuf, ABadResourceOrScopeCostsItsSpans) {
  const std::string bad = attribute("k", message([](ProtoWriter& w) { w.text(1, "\xff"); }));
  const std::string good = Build{"", "", {good_span()}}.request();
  const std::string bad_resource = message([&](ProtoWriter& w) { w.text(1, bad); });
  const std::string bad_entity = message([&](ProtoWriter& w) { w.message(3, [&] { w.text(2, "\xff"); }); });
  const std::string bad_scope = message([&](ProtoWriter& w) { w.text(1, "\xff"); });
  const std::vector<std::pair<Reason, Build>> cases = {
      {Reason::Resource, {bad_resource, "", {good_span(), "", good_span()}}},
      {Reason::Resource, {bad_entity, "", {good_span(), good_span(), good_span()}}},
      {Reason::Scope, {"", bad_scope, {good_span(), good_span(), good_span()}}},
  };
  for (const auto& [reason, build] : cases) {
    SpanBatch batch;
    const Verdict verdict = decode_good(good + build.request() + good, batch);
    EXPECT_EQ(verdict.accepted, 2u);
    EXPECT_EQ(verdict.rejected, 3u);
    EXPECT_EQ(verdict.rejected_by[static_cast<size_t>(reason)], 3u);
    EXPECT_EQ(encode_traces_protobuf(batch), good + good);
  }
}

TEST(TracesProtobuf, TheReasonIsInWords) {
  const Build build = {"", "", {"", "", span_with([](ProtoWriter& w) { w.text(4, "x"); })}};
  SpanBatch batch;
  EXPECT_EQ(decode_good(build.request(), batch).reason,
            "3 spans rejected: 2 with a trace_id of wrong length or zero, 1 with a parent_span_id of wrong length");
}

TEST(TracesProtobuf, WhatLooksOddIsKept) {
  const std::vector<std::string> spans = {
      span_with([](ProtoWriter& w) { w.text(9, attribute("deep", nested(kValueDepthMax))); }),
      span_with(
          [](ProtoWriter& w) { w.message(13, [&] { w.text(1, std::string(16, 0)), w.text(2, std::string(8, 0)); }); }),
      span_with([](ProtoWriter& w) { w.fixed64(7, 16'725'225'600'000'000'000u), w.fixed64(8, 1); }),
      span_with([](ProtoWriter& w) { w.text(9, attribute("k", "")), w.text(9, attribute("k", "")); }),
      span_with([](ProtoWriter& w) {
        w.text(9, attribute("large", message([](ProtoWriter& v) { v.text(1, std::string(10 << 20, 'v')); })));
      }),
  };
  const std::string request = Build{"", "", spans}.request();
  EXPECT_TRUE(reencoded(request) == request);
}

TEST(TracesProtobuf, AParentOfZerosIsNoParent) {
  SpanBatch batch;
  decode_good(Build{"", "", {span_with([](ProtoWriter& w) { w.text(4, std::string(8, 0)); })}}.request(), batch);
  ASSERT_EQ(batch.span_count(), 1u);
  EXPECT_TRUE(batch.parent_span_id[0].is_zero());
}

TEST(TracesProtobuf, KnownFieldsOfAnotherWireTypeAreUnknownFields) {
  const std::string odd = span_with([](ProtoWriter& w) {
    w.varint(1, 5), w.fixed64(5, 1), w.text(6, "kind"), w.varint(7, 1), w.text(16, "flags"), w.varint(9, 3);
    w.message(15, [&] { w.text(3, "code"), w.varint(2, 1); });
  });
  SpanBatch batch;
  const Verdict verdict = decode_good(Build{"", "", {odd}}.request(), batch);
  EXPECT_EQ(verdict.rejected, 0u);
  EXPECT_EQ(encode_traces_protobuf(batch), (Build{"", "", {good_span()}}.request()));
}

TEST(TracesProtobuf, TheLastOfARepeatedScalarCounts) {
  const std::string twice = "\x0a\x03"s + "bad" + "\x2a\x01\xff" + good_span();
  SpanBatch batch;
  EXPECT_EQ(decode_good(Build{"", "", {twice}}.request(), batch).rejected, 0u);
  EXPECT_EQ(encode_traces_protobuf(batch), (Build{"", "", {good_span()}}.request()));
}

TEST(TracesProtobuf, ListValuesThatComeInPartsAreOneList) {
  const auto text = [](const char* t) { return message([&](ProtoWriter& w) { w.message(1, [&] { w.text(1, t); }); }); };
  const std::string parts = message(
      [&](ProtoWriter& w) { w.text(5, text("lost")), w.varint(2, 1), w.text(5, text("a")), w.text(5, text("b")); });
  const std::string whole = message([&](ProtoWriter& w) { w.text(5, text("a") + text("b")); });
  const auto request = [&](const std::string& value) {
    return Build{"", "", {span_with([&](ProtoWriter& w) { w.text(9, attribute("k", value)); })}}.request();
  };
  EXPECT_EQ(reencoded(request(parts)), request(whole));
}

TEST(TracesProtobuf, TheOldNameOfScopeSpansIsRead) {
  const std::string today = Build{"", message([](ProtoWriter& w) { w.text(1, "library"); }), {good_span()}}.request();
  const std::string old = message([&](ProtoWriter& w) {
    w.message(1, [&] {
      w.text(1, "");
      w.message(1000, [&] { w.message(1, [&] { w.text(1, "library"); }), w.text(2, good_span()); });
    });
  });
  EXPECT_EQ(reencoded(old), today);
}

TEST(TracesProtobuf, ReferencesToAStringTableAreAWarning) {
  const std::string span =
      span_with([](ProtoWriter& w) { w.message(9, [&] { w.varint(3, 7), w.message(2, [&] { w.varint(8, 9); }); }); });
  SpanBatch batch;
  const Verdict verdict = decode_good(Build{"", "", {span}}.request(), batch);
  EXPECT_EQ(verdict.accepted, 1u);
  EXPECT_EQ(verdict.string_table_references, 2u);
  EXPECT_EQ(verdict.reason, "2 references to a string table, which traces do not have, read as empty");
}

TEST(TracesProtobuf, BrokenFramingKeepsNothingAndSaysWhere) {
  const std::string request = testing::generate_request(1, 12);
  std::set<size_t> whole;  // where a cut leaves a sound request: between two ResourceSpans
  codec::ProtoReader reader(as_bytes(request));
  do {
    whole.insert(static_cast<size_t>(reader.position() - as_bytes(request).data()));
  } while (reader.next_tag() && reader.skip());
  for (size_t size = 0; size < request.size(); ++size) {
    SpanBatch batch;
    const std::string cut = request.substr(0, size);
    const Result<Verdict> verdict = decode_traces_protobuf(as_bytes(cut), batch);
    ASSERT_EQ(verdict.ok(), whole.contains(size)) << size;
    if (verdict.ok()) continue;
    EXPECT_EQ(verdict.error().code(), Code::InvalidArgument);
    EXPECT_EQ(batch.span_count(), 0u);
    EXPECT_EQ(batch.strings.size(), 1u);
  }
  SpanBatch batch;
  const Result<Verdict> verdict = decode_traces_protobuf(as_bytes("\x0a\x02\x12\x07"), batch);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().what(), "malformed protobuf at byte 4 of 4");
}

TEST(TracesProtobuf, FramingIsCheckedAlsoUnderABadResource) {
  const std::string bad_resource = message([](ProtoWriter& w) { w.text(1, attribute("\xff", "")); });
  SpanBatch batch;
  const std::string request = Build{bad_resource, "", {good_span(), "\x0a\x10short"}}.request();
  EXPECT_EQ(decode_traces_protobuf(as_bytes(request), batch).error().code(), Code::InvalidArgument);
}

TEST(TracesProtobuf, ManyDistinctKeysAreShapesNotTrouble) {
  constexpr size_t kKeys = 100'000;
  const std::string one_list = span_with([](ProtoWriter& w) {
    for (size_t i = 0; i < kKeys; ++i) w.text(9, attribute("key" + std::to_string(i), ""));
  });
  std::vector<std::string> spans = {one_list};
  for (size_t i = 0; i < 10'000; ++i) {
    spans.push_back(span_with([&](ProtoWriter& w) {
      for (size_t k = 0; k < 10; ++k) w.text(9, attribute("key" + std::to_string(i * 10 + k), ""));
    }));
  }
  const std::string request = Build{"", "", spans}.request();
  EXPECT_TRUE(reencoded(request) == request);
}

TEST(TracesProtobuf, ASmallRequestCannotAskForMuchMemory) {
  for (const char* child : {"\x5a", "\x6a"}) {  // empty events, empty links: two bytes each
    std::string span = good_span();
    for (size_t i = 0; i < 1'000'000; ++i) span += child + "\0"s;
    SpanBatch batch;
    const std::string request = Build{"", "", {span}}.request();
    const Result<Verdict> verdict = decode_traces_protobuf(as_bytes(request), batch);
    ASSERT_FALSE(verdict.ok());
    EXPECT_EQ(verdict.error().code(), Code::ResourceExhausted);
    EXPECT_EQ(batch.span_count(), 0u);
  }
}

TEST(TracesProtobuf, AMillionBadSpansAreAVerdict) {
  SpanBatch batch;
  const Verdict verdict = decode_good(Build{"", "", std::vector<std::string>(1'000'000)}.request(), batch);
  EXPECT_EQ(verdict.rejected, 1'000'000u);
  EXPECT_EQ(batch.span_count(), 0u);
}

TEST(TracesProtobuf, AnEmptyRequestIsSuccess) {
  SpanBatch batch;
  const Verdict verdict = decode_good("", batch);
  EXPECT_EQ(verdict.accepted, 0u);
  EXPECT_EQ(verdict.reason, "");
}

}  // namespace
}  // namespace clew::decode::otlp
