// SPDX-License-Identifier: Apache-2.0
#include "receive/otlp_grpc.h"

#include <algorithm>
#include <array>

#include "receive/answers.h"

namespace clew::receive {
namespace {

using decode::otlp::Encoding;

constexpr std::string_view kTenantKey = "x-scope-orgid";
constexpr std::string_view kTraces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr std::string_view kLogs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr std::string_view kMetrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

class GrpcPayload final : public Payload {
 public:
  explicit GrpcPayload(std::shared_ptr<net::GrpcCall> call) : call_(std::move(call)) {}
  ~GrpcPayload() override { call_->drop_message(); }
  Bytes bytes() override { return call_->message(); }

 private:
  std::shared_ptr<net::GrpcCall> call_;
};

net::GrpcServer::Options server_options(const OtlpGrpc::Options& options, Intake& intake) {
  net::GrpcServer::Options server;
  server.address = options.address;
  server.setting = options.setting;
  server.message_bytes_max = intake.body_bytes_max();
  server.quota_bytes = std::max(options.quota_bytes, intake.body_bytes_max());
  server.connection_age_max = options.connection_age_max;
  server.refuse = [&intake](Code code, std::string_view message) {
    return grpc_refusal(Error(code, std::string(message)), intake.retry_after());
  };
  return server;
}

}  // namespace

OtlpGrpc::OtlpGrpc(const Options& options, Intake& intake, Metrics& metrics)
    : intake_(intake),
      requests_(std::make_shared<RequestCounts>("grpc", metrics)),
      server_(server_options(options, intake)) {
  add(Signal::Traces, kTraces);
  add(Signal::Logs, kLogs);
  add(Signal::Metrics, kMetrics);
}

void OtlpGrpc::add(Signal signal, std::string_view path) {
  server_.method(
      path, [this, signal](const std::shared_ptr<net::GrpcCall>& call) { handle(signal, call); },
      [this](const net::GrpcCall& call) -> std::optional<net::GrpcRefusal> {
        const Result<std::string> tenant = intake_.tenant(call.metadata(kTenantKey));
        if (!tenant.ok()) return refusal(tenant.error());
        if (const Result<void> room = intake_.admit(); !room.ok()) return refusal(room.error());
        return std::nullopt;
      });
}

net::GrpcRefusal OtlpGrpc::refusal(const Error& error) {
  requests_->count(error.code());
  return grpc_refusal(error, intake_.retry_after());
}

void OtlpGrpc::handle(Signal signal, const std::shared_ptr<net::GrpcCall>& call) {
  Request request;
  request.door = store::Door::OtlpGrpc;
  request.signal = signal;
  request.tenant = MUST(intake_.tenant(call->metadata(kTenantKey)));  // admitted by it
  request.memory = intake_.memory();
  if (!request.memory->grow(call->message_size())) {
    return call->refuse(refusal(Error(Code::Unavailable, "too much is in flight; try again later")));
  }
  request.payload = std::make_unique<GrpcPayload>(call);
  request.answer = [counts = requests_, signal, call](const Outcome& outcome) {
    if (outcome.error) {
      counts->count(outcome.error->code());
      return call->refuse(grpc_refusal(*outcome.error, outcome.retry_after));
    }
    counts->count_ok();
    call->reply(encode_response(signal, outcome.verdict, Encoding::Protobuf));
  };
  intake_.take(std::move(request));
}

}  // namespace clew::receive
