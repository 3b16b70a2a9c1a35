// SPDX-License-Identifier: Apache-2.0
#include "receive/otlp_http.h"

#include <fmt/core.h>

#include "receive/answers.h"

namespace clew::receive {
namespace {

using decode::otlp::Encoding;

constexpr std::string_view kTenantHeader = "X-Scope-OrgID";
constexpr std::string_view kFormats = "application/x-protobuf or application/json";

class HttpPayload final : public Payload {
 public:
  explicit HttpPayload(std::string body) : body_(std::move(body)) {}
  Bytes bytes() override { return as_bytes(body_); }

 private:
  std::string body_;
};

Encoding format_or_json(const net::HttpRequest* head) {
  return head == nullptr ? Encoding::Json : format_of(head->header("Content-Type")).value_or(Encoding::Json);
}

Code code_of(int status) {
  switch (status) {
    case 404:
    case 405:
    case 501:
      return Code::Unimplemented;
    case 408:
      return Code::DeadlineExceeded;
    case 413:
    case 431:
      return Code::ResourceExhausted;
    case 500:
      return Code::Internal;
    case 503:
      return Code::Unavailable;
    default:
      return Code::InvalidArgument;
  }
}

}  // namespace

OtlpHttp::OtlpHttp(const Options& options, Intake& intake, Metrics& metrics)
    : intake_(intake), requests_(std::make_shared<RequestCounts>("http", metrics)), server_(server_options(options)) {
  add(Signal::Traces, "/v1/traces");
  add(Signal::Logs, "/v1/logs");
  add(Signal::Metrics, "/v1/metrics");
}

net::HttpServer::Options OtlpHttp::server_options(const Options& options) {
  net::HttpServer::Options server;
  server.address = options.address;
  server.setting = options.setting;
  server.cors = options.cors;
  server.cors.allowed_headers.emplace_back(kTenantHeader);
  server.progress = options.progress;
  server.refuse = [this](const net::HttpRequest* head, int status, std::string_view message) {
    return refuse(head, status, message);
  };
  return server;
}

void OtlpHttp::add(Signal signal, std::string_view path) {
  server_.route(
      "POST", path, [this, signal](const std::shared_ptr<net::HttpExchange>& exchange) { handle(signal, exchange); },
      [this](const net::HttpRequest& head) { return admit(head); });
}

net::HttpResponse OtlpHttp::refuse(const net::HttpRequest* head, int status, std::string_view message) {
  return refusal(Error(code_of(status), std::string(message)), format_or_json(head), status);
}

net::HttpResponse OtlpHttp::refusal(const Error& error, Encoding format, int status) {
  requests_->count(error.code());
  return http_refusal(error, intake_.retry_after(), format, status);
}

net::Admission OtlpHttp::admit(const net::HttpRequest& head) {
  const std::optional<Encoding> format = format_of(head.header("Content-Type"));
  if (!format) {
    return refusal(Error(Code::InvalidArgument, fmt::format("the Content-Type must be {}", kFormats)), Encoding::Json,
                   415);
  }
  if (const Result<std::string> tenant = intake_.tenant(head.header(kTenantHeader)); !tenant.ok()) {
    return refusal(tenant.error(), *format);
  }
  if (!codec::encoding_from_name(head.header("Content-Encoding"))) {
    net::HttpResponse response =
        refusal(Error(Code::InvalidArgument, "the Content-Encoding must be gzip, zstd or none"), *format, 415);
    response.headers.emplace_back("Accept-Encoding", "gzip, zstd");
    return response;
  }
  if (const Result<void> room = intake_.admit(); !room.ok()) return refusal(room.error(), *format);
  return net::AcceptBody{intake_.body_bytes_max(), intake_.memory()};
}

void OtlpHttp::handle(Signal signal, const std::shared_ptr<net::HttpExchange>& exchange) {
  net::HttpRequest& head = exchange->request();
  Request request;
  request.door = store::Door::OtlpHttp;
  request.signal = signal;
  // All three were looked at by admit().
  request.format = format_or_json(&head);
  request.compression = codec::encoding_from_name(head.header("Content-Encoding"));
  request.tenant = MUST(intake_.tenant(head.header(kTenantHeader)));
  // What admit() handed out.
  request.memory.reset(static_cast<RequestMemory*>(exchange->take_memory().release()));
  request.payload = std::make_unique<HttpPayload>(std::move(head.body));
  request.answer = [counts = requests_, signal, format = request.format, exchange](const Outcome& outcome) {
    if (outcome.error) {
      counts->count(outcome.error->code());
    } else {
      counts->count_ok();
    }
    exchange->respond(http_answer(outcome, signal, format));
  };
  intake_.take(std::move(request));
}

}  // namespace clew::receive
