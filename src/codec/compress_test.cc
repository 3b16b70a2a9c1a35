// SPDX-License-Identifier: Apache-2.0
//
// Inflating gives back what went in for every framing that senders use, and hostile bodies (bombs, false sizes, damage,
// bodies cut off at every place) end in the right code without the output ever passing its cap.
#include "codec/compress.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <random>
#include <vector>

namespace clew::codec {
namespace {

constexpr size_t kCap = size_t{4} << 20;

std::string sample(size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < bytes) text += "http.request.method=GET " + std::to_string(random() % 1000);
  text.resize(bytes);
  return text;
}

std::string streamed_zstd(const std::string& text) {  // a frame that does not tell its size
  ZSTD_CCtx* writer = ZSTD_createCCtx();
  std::string out(ZSTD_compressBound(text.size()) + 64, 0);
  ZSTD_inBuffer in{text.data(), text.size() / 2, 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_compressStream2(writer, &to, &in, ZSTD_e_flush);
  in.size = text.size();
  while (ZSTD_compressStream2(writer, &to, &in, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(writer);
  out.resize(to.pos);
  return out;
}

class Compress : public testing::TestWithParam<Encoding> {
 protected:
  std::string deflated(const std::string& text) { return deflater_.deflate(GetParam(), text); }
  Result<Bytes> inflate(const std::string& body, size_t cap = kCap) {
    return inflater_.inflate(GetParam(), as_bytes(body), cap);
  }
  void expect_code(const std::string& body, Code code, size_t cap = kCap) {
    const Result<Bytes> result = inflate(body, cap);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), code) << result.error().what();
  }
  Deflater deflater_;
  Inflater inflater_;
};

TEST_P(Compress, RoundTripAtManySizes) {
  for (const size_t size : {0u, 1u, 100u, 4096u, 65536u, 1000000u}) {
    const std::string text = sample(size, 1);
    const std::string body = deflated(text);
    EXPECT_EQ(sniff(as_bytes(body)), GetParam());
    const Result<Bytes> back = inflate(body);
    ASSERT_TRUE(back.ok()) << size;
    EXPECT_EQ(as_text(*back), text);
  }
}

TEST_P(Compress, MembersOneBehindTheOther) {
  const std::string body = deflated(sample(100000, 1)) + deflated("") + deflated(sample(300000, 2));
  const Result<Bytes> back = inflate(body);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(as_text(*back), sample(100000, 1) + sample(300000, 2));
}

TEST_P(Compress, TheCapIsExact) {
  const std::string body = deflated(std::string(100000, 'a'));
  EXPECT_TRUE(inflate(body, 100000).ok());
  expect_code(body, Code::ResourceExhausted, 99999);
  expect_code(body, Code::ResourceExhausted, 1);
}

TEST_P(Compress, ABombIsRefusedWithinTheCap) {
  const std::string body = deflated(std::string(size_t{256} << 20, 0));
  size_t asked_max = 0;
  const Result<Bytes> result = inflater_.inflate(GetParam(), as_bytes(body), kCap, [&](size_t bytes) {
    asked_max = std::max(asked_max, bytes);
    return true;
  });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::ResourceExhausted);
  EXPECT_LE(asked_max, kCap);
}

TEST_P(Compress, ARefusedReservationIsUnavailable) {
  const std::string body = deflated(sample(1000000, 1));
  const Result<Bytes> result = inflater_.inflate(GetParam(), as_bytes(body), kCap, [](size_t) { return false; });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::Unavailable);
}

TEST_P(Compress, CutOffAtEveryPlace) {
  const std::string body = deflated(sample(3000, 1));
  for (size_t size = 0; size < body.size(); ++size) expect_code(body.substr(0, size), Code::InvalidArgument);
}

TEST_P(Compress, EveryFlippedByteIsRefusedOrHarmless) {
  const std::string text = sample(2000, 1);
  const std::string body = deflated(text);
  for (size_t i = 0; i < body.size(); ++i) {
    std::string bad = body;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    const Result<Bytes> result = inflate(bad);
    if (result.ok()) EXPECT_LE(result->size(), kCap);
  }
}

TEST_P(Compress, TrailingBytesAreRefused) { expect_code(deflated(sample(1000, 1)) + "xyz", Code::InvalidArgument); }

TEST_P(Compress, MemoryIsTrimmedAndUsedAgain) {
  const std::string large = deflated(sample(Inflater::kKeepBytesMax + 1, 1));
  ASSERT_TRUE(inflate(large, Inflater::kKeepBytesMax * 2).ok());
  inflater_.trim();
  const Result<Bytes> back = inflate(deflated("again"));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(as_text(*back), "again");
}

INSTANTIATE_TEST_SUITE_P(Both, Compress, testing::Values(Encoding::Gzip, Encoding::Zstd),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(CompressZstd, FramesWithoutASize) {
  const std::string text(3000000, 'a');
  const std::string body = streamed_zstd(text);
  ASSERT_EQ(ZSTD_getFrameContentSize(body.data(), body.size()), ZSTD_CONTENTSIZE_UNKNOWN);
  Inflater inflater;
  const Result<Bytes> back = inflater.inflate(Encoding::Zstd, as_bytes(body), kCap);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(as_text(*back), text);
  EXPECT_EQ(inflater.inflate(Encoding::Zstd, as_bytes(body), text.size() - 1).error().code(), Code::ResourceExhausted);
}

TEST(CompressGzip, AFalseSizeCostsOnlyAttempts) {
  const std::string text = sample(500000, 1);
  for (const uint32_t claim : {0u, 1u, 499999u, 500001u, UINT32_MAX}) {
    std::string body = Deflater().deflate(Encoding::Gzip, text) + Deflater().deflate(Encoding::Gzip, "x");
    put<uint32_t>(body.data() + body.size() - 4, claim);  // of the last member: its claim is now false
    const Result<Bytes> back = Inflater().inflate(Encoding::Gzip, as_bytes(body), kCap);
    EXPECT_EQ(back.ok(), claim == 1) << claim;
  }
}

TEST(CompressNone, IsTheBodyItself) {
  const std::string body = "plain";
  Inflater inflater;
  EXPECT_EQ(inflater.inflate(Encoding::None, as_bytes(body), 5)->data(), as_bytes(body).data());
  EXPECT_EQ(inflater.inflate(Encoding::None, as_bytes(body), 4).error().code(), Code::ResourceExhausted);
  EXPECT_EQ(sniff(as_bytes("\x0a\x00")), Encoding::None);
  EXPECT_EQ(sniff({}), Encoding::None);
}

TEST(CompressNames, OfHeaders) {
  EXPECT_EQ(encoding_from_name(""), Encoding::None);
  EXPECT_EQ(encoding_from_name("GZIP"), Encoding::Gzip);
  EXPECT_EQ(encoding_from_name("x-gzip"), Encoding::Gzip);
  EXPECT_EQ(encoding_from_name("zstd"), Encoding::Zstd);
  EXPECT_EQ(encoding_from_name("br"), std::nullopt);
}

}  // namespace
}  // namespace clew::codec
