// SPDX-License-Identifier: Apache-2.0
//
// Answers are byte for byte what a client's protobuf and JSON readers expect; the bytes were checked once with the
// Python packages opentelemetry-proto and googleapis-common-protos.
#include "decode/otlp/response.h"

#include <gtest/gtest.h>

#include "codec/hex.h"
#include "codec/utf8.h"

namespace clew::decode::otlp {
namespace {

using namespace std::chrono_literals;

Verdict rejecting(uint64_t rejected, std::string reason) {
  Verdict verdict;
  verdict.rejected = rejected;
  verdict.reason = std::move(reason);
  return verdict;
}

TEST(Response, FullSuccessLeavesPartialSuccessUnset) {
  EXPECT_EQ(encode_traces_response({}, Encoding::Protobuf), "");
  EXPECT_EQ(encode_traces_response({}, Encoding::Json), "{}");
}

TEST(Response, PartialSuccess) {
  EXPECT_EQ(codec::encode_hex(as_bytes(encode_traces_response(rejecting(300, "why"), Encoding::Protobuf))),
            "0a0808ac021203776879");
  EXPECT_EQ(encode_traces_response(rejecting(300, "why"), Encoding::Json),
            R"({"partialSuccess":{"rejectedSpans":"300","errorMessage":"why"}})");
  EXPECT_EQ(encode_logs_response(rejecting(1, "why"), Encoding::Json),
            R"({"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"why"}})");
  EXPECT_EQ(encode_metrics_response(rejecting(1, "why"), Encoding::Json),
            R"({"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"why"}})");
  EXPECT_EQ(encode_logs_response(rejecting(1, "why"), Encoding::Protobuf),
            encode_traces_response(rejecting(1, "why"), Encoding::Protobuf));
}

TEST(Response, AWarningRejectsNothing) {
  EXPECT_EQ(codec::encode_hex(as_bytes(encode_traces_response(rejecting(0, "why"), Encoding::Protobuf))),
            "0a051203776879");
  EXPECT_EQ(encode_traces_response(rejecting(0, "why"), Encoding::Json),
            R"({"partialSuccess":{"errorMessage":"why"}})");
}

TEST(Response, StatusWithRetryInfo) {
  const Error error(Code::Unavailable, "later");
  EXPECT_EQ(encode_status(error, 1500ms, Encoding::Json),
            R"({"code":14,"message":"later","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo",)"
            R"("retryDelay":"1.500s"}]})");
  EXPECT_EQ(codec::encode_hex(as_bytes(encode_status(error, 1500ms, Encoding::Protobuf))),
            "080e12056c617465721a360a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f"
            "120a0a0808011080cab5ee01");
}

TEST(Response, StatusWithBadRequest) {
  const Error error(Code::InvalidArgument, "bad");
  EXPECT_EQ(encode_status(error, {}, Encoding::Json),
            R"({"code":3,"message":"bad","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest",)"
            R"("fieldViolations":[{"field":"body","description":"bad"}]}]})");
  EXPECT_EQ(codec::encode_hex(as_bytes(encode_status(error, {}, Encoding::Protobuf))),
            "080312036261641a3a0a29747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e42616452657175657374"
            "120d0a0b0a04626f64791203626164");
}

TEST(Response, PlainStatusHasNoDetails) {
  EXPECT_EQ(encode_status(Error(Code::Internal, "x"), {}, Encoding::Json), R"({"code":13,"message":"x"})");
  EXPECT_EQ(codec::encode_hex(as_bytes(encode_status(Error(Code::Internal, "x"), {}, Encoding::Protobuf))),
            "080d120178");
}

TEST(Response, DurationsInJson) {
  const auto delay = [](std::chrono::nanoseconds duration) {
    const std::string json = encode_status(Error(Code::Unavailable, ""), duration, Encoding::Json);
    const size_t begin = json.find("retryDelay\":\"") + 13;
    return json.substr(begin, json.find('"', begin) - begin);
  };
  EXPECT_EQ(delay(2s), "2s");
  EXPECT_EQ(delay(1us), "0.000001s");
  EXPECT_EQ(delay(1ns), "0.000000001s");
  EXPECT_EQ(delay(-5s), "0s");
}

TEST(Response, MessagesAreBoundedAndValid) {
  for (const std::string& text :
       {std::string(5000, 'x'), "xy" + std::string(5000, '\xe2'), std::string("\xff bad"), [] {
          std::string long_text = "x";
          for (int i = 0; i < 2000; ++i) long_text += "€";
          return long_text;
        }()}) {
    const std::string body = encode_status(Error(Code::Internal, text), {}, Encoding::Protobuf);
    EXPECT_LE(body.size(), kMessageBytesMax + 8);
    EXPECT_TRUE(codec::valid_utf8(std::string_view(body).substr(body.size() > 900 ? 5 : 4)));
  }
}

}  // namespace
}  // namespace clew::decode::otlp
