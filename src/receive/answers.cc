// SPDX-License-Identifier: Apache-2.0
#include "receive/answers.h"

#include <algorithm>

namespace clew::receive {
namespace {

using decode::otlp::Encoding;
using std::chrono::milliseconds;

std::string_view content_type_of(Encoding format) {
  return format == Encoding::Json ? "application/json" : "application/x-protobuf";
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y; });
}

std::optional<std::chrono::nanoseconds> retry_info(const Error& error, milliseconds retry_after) {
  if (error.code() != Code::Unavailable) return std::nullopt;
  return retry_after;
}

}  // namespace

std::optional<Encoding> format_of(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  if (equal_ignoring_case(content_type, "application/x-protobuf")) return Encoding::Protobuf;
  if (equal_ignoring_case(content_type, "application/json")) return Encoding::Json;
  return std::nullopt;
}

std::string encode_response(Signal signal, const decode::Verdict& verdict, Encoding format) {
  switch (signal) {
    case Signal::Traces:
      return decode::otlp::encode_traces_response(verdict, format);
    case Signal::Logs:
      return decode::otlp::encode_logs_response(verdict, format);
    case Signal::Metrics:
      return decode::otlp::encode_metrics_response(verdict, format);
  }
  return {};
}

net::HttpResponse http_refusal(const Error& error, milliseconds retry_after, Encoding format, int status) {
  net::HttpResponse response;
  response.status = status != 0 ? status : info(error.code()).http_status;
  response.content_type = content_type_of(format);
  response.body = decode::otlp::encode_status(error, retry_info(error, retry_after), format);
  if (error.code() == Code::Unavailable) {
    // In whole seconds, rounded up.
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(retry_after).count();
    response.headers.emplace_back("Retry-After", std::to_string(std::max<int64_t>(1, seconds)));
  }
  return response;
}

net::HttpResponse http_answer(const Outcome& outcome, Signal signal, Encoding format) {
  if (outcome.error) return http_refusal(*outcome.error, outcome.retry_after, format);
  net::HttpResponse response;
  response.content_type = content_type_of(format);
  response.body = encode_response(signal, outcome.verdict, format);
  return response;
}

net::GrpcRefusal grpc_refusal(const Error& error, milliseconds retry_after) {
  return {error.code(), error.what().substr(0, decode::otlp::kMessageBytesMax),
          decode::otlp::encode_status(error, retry_info(error, retry_after), Encoding::Protobuf)};
}

}  // namespace clew::receive
