// SPDX-License-Identifier: Apache-2.0
//
// What `clew load` sends: every request decodes, traces stay whole within a round and are others in the next, times
// move together, values that hardly repeat change and those that repeat stay.
#include "app/load_requests.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "app/load_source.h"
#include "codec/compress.h"
#include "decode/otlp/encode.h"
#include "decode/otlp/traces_protobuf.h"

namespace clew::app {
namespace {

using model::SpanBatch;

// All requests of a round, decoded into one batch.
SpanBatch sent(const LoadRequests& load, const Round& round, uint64_t random) {
  SpanBatch all;
  std::string body;
  for (const LoadRequest& request : load.requests) {
    write_request(request, round, random, body);
    SpanBatch batch;
    const Result<decode::Verdict> verdict = decode::otlp::decode_traces_protobuf(as_bytes(body), batch);
    EXPECT_TRUE(verdict.ok());
    if (verdict.ok()) EXPECT_EQ(verdict->rejected, 0u);
    EXPECT_EQ(batch.span_count(), request.spans);
    all.append(batch);
  }
  return all;
}

// Of the last string attribute of that key, over all spans.
std::multiset<std::string> values_of(const SpanBatch& batch, std::string_view key) {
  std::multiset<std::string> values;
  for (size_t row = 0; row < batch.span_count(); ++row) {
    size_t slot = batch.first_slot[row];
    for (const model::KeyType entry : batch.keys(batch.attributes(row))) {
      if (batch.strings.at(entry.key()) == key && entry.type() == model::ValueType::String)
        values.emplace(batch.strings.at(static_cast<model::StringId>(batch.slots[slot])));
      ++slot;
    }
  }
  return values;
}

class LoadRequestsTest : public ::testing::Test {
 protected:
  const SpanBatch source_ = make_spans(Profile::Demo, 7, 3000);
  const LoadRequests load_ = make_requests(source_, 512);
};

TEST_F(LoadRequestsTest, KeepTheTreeAndRenewTheIds) {
  const SpanBatch first = sent(load_, {.salt = 0x1234567812345679, .time_shift = 0}, 1);
  const SpanBatch second = sent(load_, {.salt = 0x9876543298765433, .time_shift = 0}, 1);
  ASSERT_EQ(first.span_count(), source_.span_count());
  std::set<model::TraceId> traces;
  for (size_t row = 0; row < source_.span_count(); ++row) {
    traces.insert({first.trace_id[row], source_.trace_id[row], second.trace_id[row]});
    EXPECT_NE(first.span_id[row], source_.span_id[row]);
    EXPECT_EQ(first.parent_span_id[row].is_zero(), source_.parent_span_id[row].is_zero());
    // Equal ids before are equal ids after: so the parent is still the parent.
    EXPECT_EQ(first.span_id[row].value ^ source_.span_id[row].value, first.span_id[0].value ^ source_.span_id[0].value);
  }
  std::set<model::TraceId> source_traces;
  for (size_t row = 0; row < source_.span_count(); ++row) source_traces.insert(source_.trace_id[row]);
  EXPECT_EQ(traces.size(), 3 * source_traces.size());
}

TEST_F(LoadRequestsTest, MoveTimesAlmostTogether) {
  const uint64_t shift = 1'000'000'000'000;
  const SpanBatch moved = sent(load_, {.salt = 1, .time_shift = shift}, 1);
  size_t unlike = 0;
  for (size_t row = 0; row < source_.span_count(); ++row) {
    const uint64_t later = moved.start[row] - (source_.start[row] + shift);
    const uint64_t was = source_.end[row] - source_.start[row];
    const uint64_t is = moved.end[row] - moved.start[row];
    EXPECT_LT(later, 1u << 14);
    EXPECT_GE(is, was);
    EXPECT_LE(is, was + was / 8);
    unlike += later != 0 && is != was;
  }
  EXPECT_GT(unlike, source_.span_count() * 9 / 10);
  for (size_t event = 0; event < source_.events.size(); ++event)
    EXPECT_LT(moved.events[event].time - (source_.events[event].time + shift), 1u << 12);
}

TEST_F(LoadRequestsTest, ChangeTheValuesThatHardlyRepeat) {
  const SpanBatch one = sent(load_, {}, 1);
  const SpanBatch two = sent(load_, {}, 2);
  const std::multiset<std::string> before = values_of(one, "app.session");
  const std::multiset<std::string> after = values_of(two, "app.session");
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(before.size(), after.size());
  std::vector<std::string> both;
  std::set_intersection(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(both));
  EXPECT_TRUE(both.empty());
  for (const std::string& value : after) EXPECT_EQ(value.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(values_of(one, "rpc.method"), values_of(two, "rpc.method"));
}

TEST(MakeSpans, IsTheSameForTheSameSeed) {
  EXPECT_EQ(decode::otlp::encode_traces_protobuf(make_spans(Profile::Demo, 1, 200)),
            decode::otlp::encode_traces_protobuf(make_spans(Profile::Demo, 1, 200)));
  EXPECT_NE(decode::otlp::encode_traces_protobuf(make_spans(Profile::Demo, 1, 200)),
            decode::otlp::encode_traces_protobuf(make_spans(Profile::Demo, 2, 200)));
}

TEST(MakeSpans, HasTheSizesItSays) {
  const auto bytes_per_span = [](Profile profile) {
    const SpanBatch spans = make_spans(profile, 1, 1000);
    return decode::otlp::encode_traces_protobuf(spans).size() / spans.span_count();
  };
  EXPECT_GT(bytes_per_span(Profile::Demo), 450u);
  EXPECT_LT(bytes_per_span(Profile::Demo), 800u);
  EXPECT_GT(bytes_per_span(Profile::Fat), 1'500u);
  EXPECT_LT(bytes_per_span(Profile::Fat), 1'900u);
}

class ReadSpans : public ::testing::Test {
 protected:
  ~ReadSpans() override { std::filesystem::remove(path_); }

  Result<SpanBatch> read(std::string_view content) {
    std::ofstream(path_, std::ios::binary) << content;
    return read_spans(path_);
  }
  static std::string frame(std::string_view body) {
    std::string out;
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(body.size() >> shift & 0xFF);
    return out + std::string(body);
  }

  const std::string path_ = (std::filesystem::temp_directory_path() /
                             ("clew-load-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
                              ::testing::UnitTest::GetInstance()->current_test_info()->name()))
                                .string();
  const std::string body_ = decode::otlp::encode_traces_protobuf(make_spans(Profile::Demo, 1, 100));
};

TEST_F(ReadSpans, TakesPlainFramedAndPackedFiles) {
  codec::Deflater deflater;
  const size_t spans = make_spans(Profile::Demo, 1, 100).span_count();
  for (const std::string& content : {body_, frame(body_), deflater.deflate(codec::Encoding::Zstd, frame(body_)),
                                     deflater.deflate(codec::Encoding::Gzip, body_)}) {
    const Result<SpanBatch> read_back = read(content);
    ASSERT_TRUE(read_back.ok()) << read_back.error().what();
    EXPECT_EQ(read_back->span_count(), spans);
  }
  EXPECT_EQ(read(frame(body_) + frame(body_))->span_count(), 2 * spans);
}

TEST_F(ReadSpans, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(read(frame(body_).substr(0, 100)).error().code(), Code::InvalidArgument);
  EXPECT_EQ(read(std::string("\0\0", 2)).error().code(), Code::InvalidArgument);
  EXPECT_EQ(read("").error().code(), Code::InvalidArgument);
  EXPECT_EQ(read_spans(path_ + ".none").error().code(), Code::NotFound);
}

}  // namespace
}  // namespace clew::app
