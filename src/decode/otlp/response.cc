// SPDX-License-Identifier: Apache-2.0
#include "decode/otlp/response.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/json_writer.h"
#include "codec/proto_writer.h"
#include "codec/utf8.h"

namespace clew::decode::otlp {
namespace {

using codec::JsonWriter;
using codec::ProtoWriter;
using std::chrono::nanoseconds;

constexpr std::string_view kRetryInfo = "type.googleapis.com/google.rpc.RetryInfo";
constexpr std::string_view kBadRequest = "type.googleapis.com/google.rpc.BadRequest";
// The field that a BadRequest blames: OTLP requests are one body.
constexpr std::string_view kBadField = "body";
constexpr int64_t kNanosPerSecond = 1'000'000'000;

// The text, cut between two characters; each byte that is no UTF-8 becomes a question mark.
std::string bounded(std::string_view text) {
  size_t size = std::min(text.size(), kMessageBytesMax);
  const auto continues = [&](size_t i) { return i < text.size() && (static_cast<uint8_t>(text[i]) & 0xC0) == 0x80; };
  while (size > 0 && size < text.size() && continues(size)) --size;
  std::string out(text.substr(0, size));
  if (codec::valid_utf8(out)) return out;
  std::replace_if(out.begin(), out.end(), [](char c) { return static_cast<uint8_t>(c) >= 0x80; }, '?');
  return out;
}

std::string encode_response(const Verdict& verdict, std::string_view rejected_name, Encoding encoding) {
  const bool partial = verdict.rejected > 0 || !verdict.reason.empty();
  std::string out;
  if (encoding == Encoding::Json) {
    JsonWriter json(out);
    json.begin_object();
    if (partial) {
      json.key("partialSuccess").begin_object();
      if (verdict.rejected > 0) json.key(rejected_name).quoted(verdict.rejected);
      json.key("errorMessage").text(bounded(verdict.reason)).end_object();
    }
    json.end_object();
  } else if (partial) {
    ProtoWriter writer(out);
    writer.message(1, [&] {
      if (verdict.rejected > 0) writer.varint(1, verdict.rejected);
      writer.text(2, bounded(verdict.reason));
    });
  }
  return out;
}

// protobuf's JSON form of a Duration: "1.500s", with 0, 3, 6 or 9 digits behind the point.
std::string duration_text(nanoseconds delay) {
  const int64_t seconds = delay.count() / kNanosPerSecond;
  const int64_t nanos = delay.count() % kNanosPerSecond;
  if (nanos == 0) return fmt::format("{}s", seconds);
  if (nanos % 1'000'000 == 0) return fmt::format("{}.{:03}s", seconds, nanos / 1'000'000);
  if (nanos % 1'000 == 0) return fmt::format("{}.{:06}s", seconds, nanos / 1'000);
  return fmt::format("{}.{:09}s", seconds, nanos);
}

std::string json_status(const Error& error, const std::string& message, const std::optional<nanoseconds>& delay) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("code").number(static_cast<int64_t>(error.code())).key("message").text(message);
  const bool bad_request = error.code() == Code::InvalidArgument;
  if (delay || bad_request) {
    json.key("details").begin_array();
    if (delay) {
      json.begin_object().key("@type").text(kRetryInfo).key("retryDelay").text(duration_text(*delay)).end_object();
    }
    if (bad_request) {
      json.begin_object().key("@type").text(kBadRequest).key("fieldViolations").begin_array();
      json.begin_object().key("field").text(kBadField).key("description").text(message).end_object();
      json.end_array().end_object();
    }
    json.end_array();
  }
  json.end_object();
  return out;
}

// Field numbers of google/rpc/status.proto, error_details.proto and google/protobuf/{any,duration}.proto.
std::string protobuf_status(const Error& error, const std::string& message, const std::optional<nanoseconds>& delay) {
  std::string out;
  ProtoWriter writer(out);
  writer.varint(1, static_cast<uint64_t>(error.code()));
  writer.text(2, message);
  if (delay) {
    writer.message(3, [&] {
      writer.text(1, kRetryInfo);
      writer.message(2, [&] {
        writer.message(1, [&] {
          if (const int64_t s = delay->count() / kNanosPerSecond; s != 0) writer.varint(1, static_cast<uint64_t>(s));
          if (const int64_t n = delay->count() % kNanosPerSecond; n != 0) writer.varint(2, static_cast<uint64_t>(n));
        });
      });
    });
  }
  if (error.code() == Code::InvalidArgument) {
    writer.message(3, [&] {
      writer.text(1, kBadRequest);
      writer.message(2, [&] {
        writer.message(1, [&] {
          writer.text(1, kBadField);
          writer.text(2, message);
        });
      });
    });
  }
  return out;
}

}  // namespace

std::string encode_traces_response(const Verdict& verdict, Encoding encoding) {
  return encode_response(verdict, "rejectedSpans", encoding);
}
std::string encode_logs_response(const Verdict& verdict, Encoding encoding) {
  return encode_response(verdict, "rejectedLogRecords", encoding);
}
std::string encode_metrics_response(const Verdict& verdict, Encoding encoding) {
  return encode_response(verdict, "rejectedDataPoints", encoding);
}

std::string encode_status(const Error& error, std::optional<nanoseconds> retry_delay, Encoding encoding) {
  const std::string message = bounded(error.what());
  if (retry_delay) retry_delay = std::max(*retry_delay, nanoseconds(0));
  return encoding == Encoding::Json ? json_status(error, message, retry_delay)
                                    : protobuf_status(error, message, retry_delay);
}

}  // namespace clew::decode::otlp
