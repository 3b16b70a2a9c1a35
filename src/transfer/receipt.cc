// SPDX-License-Identifier: Apache-2.0
#include "transfer/receipt.h"

#include <charconv>

#include "base/clock.h"
#include "codec/proto_reader.h"

namespace clew::transfer {
namespace {

using codec::length_tag;
using codec::ProtoReader;
using codec::varint_tag;

constexpr std::string_view kRetryInfo = "google.rpc.RetryInfo";
constexpr uint64_t kRetryAfterSecondsMax = 3600;  // more is no answer to somebody who waits

// ExportTraceServiceResponse: field 1 is the partial success {1: rejected_spans, 2: error_message}.
void read_response(std::string_view body, Receipt& receipt) {
  ProtoReader reader(as_bytes(body));
  while (reader.next_tag()) {
    Bytes partial;
    if (reader.tag() != length_tag(1) ? reader.skip() : !reader.read_bytes(partial)) continue;
    ProtoReader fields(partial);
    while (fields.next_tag()) {
      Bytes text;
      if (fields.tag() == varint_tag(1)) {
        fields.read_uint64(receipt.rejected_spans);
      } else if (fields.tag() == length_tag(2)) {
        if (fields.read_bytes(text)) receipt.message = as_text(text);
      } else {
        fields.skip();
      }
    }
  }
}

// google.protobuf.Duration {1: seconds, 2: nanos}.
uint64_t read_duration(Bytes message) {
  uint64_t seconds = 0;
  uint64_t nanos = 0;
  ProtoReader reader(message);
  while (reader.next_tag()) {
    if (reader.tag() == varint_tag(1)) {
      reader.read_uint64(seconds);
    } else if (reader.tag() == varint_tag(2)) {
      reader.read_uint64(nanos);
    } else {
      reader.skip();
    }
  }
  return std::min(seconds, kRetryAfterSecondsMax) * kNanosPerSecond + std::min(nanos, kNanosPerSecond);
}

// google.protobuf.Any {1: type_url, 2: value}, whose value is a RetryInfo {1: retry_delay}.
std::optional<uint64_t> read_retry_info(Bytes any) {
  Bytes type;
  Bytes value;
  ProtoReader reader(any);
  while (reader.next_tag()) {
    if (reader.tag() == length_tag(1)) {
      reader.read_bytes(type);
    } else if (reader.tag() == length_tag(2)) {
      reader.read_bytes(value);
    } else {
      reader.skip();
    }
  }
  if (!as_text(type).ends_with(kRetryInfo)) return std::nullopt;
  ProtoReader info(value);
  while (info.next_tag()) {
    Bytes delay;
    if (info.tag() != length_tag(1)) {
      info.skip();
    } else if (info.read_bytes(delay)) {
      return read_duration(delay);
    }
  }
  return 0;
}

// google.rpc.Status {1: code, 2: message, 3: details}.
void read_status(std::string_view body, Receipt& receipt) {
  ProtoReader reader(as_bytes(body));
  while (reader.next_tag()) {
    Bytes bytes;
    if (reader.tag() == length_tag(2)) {
      if (reader.read_bytes(bytes)) receipt.message = as_text(bytes);
    } else if (reader.tag() == length_tag(3)) {
      if (!reader.read_bytes(bytes)) return;
      if (const auto delay = read_retry_info(bytes)) receipt.retry_after_nanos = delay;
    } else {
      reader.skip();
    }
  }
}

}  // namespace

Receipt read_receipt(const net::GrpcAnswer& answer) {
  Receipt receipt;
  if (answer.status == 0) {
    read_response(answer.body, receipt);
    return receipt;
  }
  const auto code = static_cast<Code>(answer.status);
  read_status(answer.details, receipt);
  receipt.message = answer.message;
  receipt.refusal = std::string(info(code).name);
  // The client itself says these two, too, when no answer came; a server's UNAVAILABLE carries details.
  receipt.arrived = code != Code::DeadlineExceeded && (code != Code::Unavailable || !answer.details.empty());
  receipt.retryable = code == Code::Cancelled || code == Code::DeadlineExceeded || code == Code::Aborted ||
                      code == Code::OutOfRange || code == Code::Unavailable || code == Code::DataLoss ||
                      (code == Code::ResourceExhausted && receipt.retry_after_nanos);
  return receipt;
}

Receipt read_receipt(const Result<net::HttpAnswer>& answer) {
  Receipt receipt;
  if (!answer.ok()) {
    receipt.arrived = false;
    receipt.refusal = std::string(info(answer.error().code()).name);
    receipt.message = answer.error().what();
    receipt.retryable = answer.error().code() != Code::InvalidArgument;
    return receipt;
  }
  constexpr int kOk = 200;
  if (answer->status == kOk) {
    read_response(answer->body, receipt);
    return receipt;
  }
  const bool protobuf = answer->header("Content-Type") == "application/x-protobuf";
  if (protobuf) read_status(answer->body, receipt);
  receipt.refusal = std::to_string(answer->status);
  constexpr int kRetryable[] = {429, 502, 503, 504};
  for (const int status : kRetryable) receipt.retryable |= answer->status == status;
  const std::string_view after = answer->header("Retry-After");
  uint64_t seconds = 0;
  if (std::from_chars(after.data(), after.data() + after.size(), seconds).ec == std::errc() && !after.empty())
    receipt.retry_after_nanos = std::min(seconds, kRetryAfterSecondsMax) * kNanosPerSecond;
  return receipt;
}

}  // namespace clew::transfer
