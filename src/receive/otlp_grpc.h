// SPDX-License-Identifier: Apache-2.0
//
// The OTLP/gRPC door: TraceService, LogsService and MetricsService, Export. Uncompressed, gzip and zstd messages, told
// apart by their first bytes. The tenant is in the metadata x-scope-orgid.
#pragma once

#include <chrono>
#include <memory>

#include "base/metrics.h"
#include "base/result.h"
#include "net/grpc_server.h"
#include "receive/intake.h"
#include "receive/request_counts.h"

namespace clew::receive {

class OtlpGrpc {
 public:
  struct Options {
    net::Address address = {};
    std::string setting = "listen.otlp_grpc";
    uint64_t quota_bytes = 128 << 20;  // gRPC's own memory: messages that have not all come yet
    std::chrono::milliseconds connection_age_max{30 * 60'000};
  };

  // `intake` and `metrics` must outlive it.
  OtlpGrpc(const Options& options, Intake& intake, Metrics& metrics);

  Result<void> start() { return server_.start(); }
  const net::Address& address() const { return server_.address(); }
  // See GrpcServer::drain(). The store must still be committing.
  void drain(std::chrono::milliseconds limit) { server_.drain(limit); }

 private:
  void add(Signal signal, std::string_view path);
  void handle(Signal signal, const std::shared_ptr<net::GrpcCall>& call);
  net::GrpcRefusal refusal(const Error& error);

  Intake& intake_;
  std::shared_ptr<RequestCounts> requests_;  // shared with answers under way
  net::GrpcServer server_;
};

}  // namespace clew::receive
