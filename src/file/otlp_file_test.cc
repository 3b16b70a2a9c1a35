// SPDX-License-Identifier: Apache-2.0
//
// Every form of OTLP file, packed in every way, gives the spans that were put in; what is bad is named with its place,
// and reading goes on where that is possible.
#include "file/otlp_file.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "codec/varint.h"
#include "decode/otlp/encode.h"
#include "render/otlp_json.h"

namespace clew::file {
namespace {

using codec::Encoding;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = OtlpFile::Kind;

model::SpanBatch some_spans(uint64_t seed, size_t count) {
  model::SpanBatch spans;
  model::Resource resource;
  spans.resources.push_back(resource);
  spans.scopes.push_back({});
  for (size_t i = 0; i < count; ++i) {
    model::SpanRow row;
    row.trace_id = {seed, i + 1};
    row.span_id = {i + 1};
    row.start = 1'795'200'536 * kNanosPerSecond + i;
    row.end = row.start + 1000;
    row.name = spans.strings.intern("span \" {[ " + std::to_string(i));
    spans.add_span(row);
  }
  return spans;
}

std::string protobuf(uint64_t seed) { return decode::otlp::encode_traces_protobuf(some_spans(seed, 3)); }
std::string json(uint64_t seed) {
  std::string text;
  render::write_otlp_json(some_spans(seed, 3), [&](std::string_view run) {
    text += run;
    return true;
  });
  return text;
}
std::string fixed_frame(std::string_view body) {
  const auto size = static_cast<uint32_t>(body.size());
  std::string frame;
  for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(size >> shift));
  return frame.append(body);
}
std::string varint_frame(std::string_view body) {
  std::string frame;
  codec::append_varint(frame, body.size());
  return frame.append(body);
}
// As an editor would write it, over many lines.
std::string pretty(std::string text) {
  for (size_t at = 0; (at = text.find("{\"", at)) != std::string::npos; at += 6) text.replace(at, 2, "\n{\n  \"");
  return text;
}

// What a file gives, in words: the trace ids' seeds by part, or the problem with its place.
std::vector<std::string> read(std::string_view content) {
  const std::string path = ::testing::TempDir() + "otlp_file_test_input";
  std::ofstream(path, std::ios::binary) << content;
  std::vector<std::string> parts;
  Result<OtlpFile> file = OtlpFile::open(path);
  if (!file.ok()) return {file.error().what().substr(path.size())};
  for (OtlpFile::Part part = file->next(); part.kind != Kind::End; part = file->next()) {
    if (part.kind != Kind::Spans) {
      parts.push_back((part.kind == Kind::Bad ? "bad " : "broken ") + part.place + ": " + part.problem);
    } else if (part.spans.span_count() != 3) {
      parts.push_back(std::to_string(part.spans.span_count()) + " spans");
    } else {
      parts.push_back(std::to_string(part.spans.trace_id[0].high));
    }
  }
  std::filesystem::remove(path);
  return parts;
}

TEST(OtlpFile, ReadsEveryFormPackedInEveryWay) {
  codec::Deflater deflater;
  const std::string forms[] = {
      protobuf(1) + protobuf(2),
      json(1) + "\n" + json(2) + "\n",
      json(1) + "\n\n" + json(2),
      pretty(json(1)) + pretty(json(2)) + "\n",
      fixed_frame(protobuf(1)) + fixed_frame(protobuf(2)),
      fixed_frame(json(1)) + fixed_frame(json(2)),
      fixed_frame(deflater.deflate(Encoding::Zstd, protobuf(1))) +
          fixed_frame(deflater.deflate(Encoding::Gzip, json(2))),
      varint_frame(protobuf(1)) + varint_frame(protobuf(2)),
  };
  for (const std::string& form : forms) {
    for (const Encoding encoding : {Encoding::None, Encoding::Gzip, Encoding::Zstd})
      EXPECT_THAT(read(deflater.deflate(encoding, form)), ElementsAre("1", "2")) << form.substr(0, 20);
  }
}

TEST(OtlpFile, ReadsOneDocumentAndNothing) {
  EXPECT_THAT(read(json(7)), ElementsAre("7"));
  EXPECT_THAT(read(pretty(json(7))), ElementsAre("7"));
  EXPECT_THAT(read("{}"), ElementsAre("0 spans"));
  EXPECT_THAT(read(""), ElementsAre());
}

TEST(OtlpFile, GoesOnBehindABadLine) {
  const auto parts = read(json(1) + "\n{\"resourceSpans\":[{]}\nno json\n" + json(2) + "\n");
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[0], "1");
  EXPECT_THAT(parts[1], ::testing::StartsWith("bad line 2: "));
  EXPECT_EQ(parts[2], "bad line 3: is no JSON object");
  EXPECT_EQ(parts[3], "2");
}

TEST(OtlpFile, GoesOnBehindABadFrame) {
  const std::string good = fixed_frame(protobuf(1));
  const auto parts = read(good + fixed_frame("\x0A\x7Fno") + fixed_frame(protobuf(2)));
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_THAT(parts[1], HasSubstr("bad frame 2 at byte " + std::to_string(good.size())));
  EXPECT_EQ(parts[2], "2");
}

TEST(OtlpFile, SaysWhereAFileBreaksOff) {
  const std::string one = protobuf(1);
  EXPECT_THAT(read(one + one.substr(0, 9)),
              ElementsAre("1", "broken byte " + std::to_string(one.size()) + ": the file ends within resource_spans"));
  EXPECT_THAT(read(fixed_frame(one)), ElementsAre("1"));
  EXPECT_THAT(read(fixed_frame(one) + fixed_frame(one).substr(0, 30)),
              ElementsAre("1", HasSubstr("the file ends within a frame")));
  EXPECT_THAT(read(pretty(json(1)).substr(0, 200)), ElementsAre("broken byte 0: the file ends within a JSON document"));
  codec::Deflater deflater;
  for (const Encoding encoding : {Encoding::Gzip, Encoding::Zstd}) {
    const std::string packed = deflater.deflate(encoding, one + one);
    EXPECT_THAT(read(packed.substr(0, packed.size() - 12)), Contains(HasSubstr("cut off"))) << codec::name_of(encoding);
  }
}

TEST(OtlpFile, SaysWhatItDoesNotKnow) {
  EXPECT_THAT(read("[{\"traceId\":\"1\"}]"), ElementsAre(HasSubstr("is not OTLP")));
  EXPECT_THAT(read("hello"), ElementsAre(HasSubstr("it begins with 68 65 6c 6c 6f")));
  EXPECT_EQ(OtlpFile::open("/no/such/file").error().code(), Code::NotFound);
  EXPECT_THAT(OtlpFile::open("/").error().what(), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace clew::file
