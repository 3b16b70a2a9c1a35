// SPDX-License-Identifier: Apache-2.0
//
// The OTLP/HTTP door: POST /v1/traces, /v1/logs and /v1/metrics, in protobuf or JSON, uncompressed, gzip or zstd. The
// tenant is in the header X-Scope-OrgID. Every refusal carries a google.rpc.Status in the form of the request, or in
// JSON where the request named none that is known.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/result.h"
#include "net/http_server.h"
#include "receive/intake.h"
#include "receive/request_counts.h"

namespace clew::receive {

class OtlpHttp {
 public:
  struct Options {
    net::Address address = {};
    std::string setting = "listen.otlp_http";
    net::CorsPolicy cors = {};
    // A body that brings less than HttpServer::Options::body_rate_min in this window is cut.
    std::chrono::milliseconds progress{10'000};
  };

  // `intake` and `metrics` must outlive it.
  OtlpHttp(const Options& options, Intake& intake, Metrics& metrics);

  Result<void> start() { return server_.start(); }
  const net::Address& address() const { return server_.address(); }
  // See HttpServer::drain(). The store must still be committing.
  uint32_t drain(std::chrono::milliseconds limit) { return server_.drain(limit); }

 private:
  net::HttpServer::Options server_options(const Options& options);
  void add(Signal signal, std::string_view path);
  net::Admission admit(const net::HttpRequest& head);
  void handle(Signal signal, const std::shared_ptr<net::HttpExchange>& exchange);
  // Of what the server itself refuses.
  net::HttpResponse refuse(const net::HttpRequest* head, int status, std::string_view message);
  net::HttpResponse refusal(const Error& error, decode::otlp::Encoding format, int status = 0);

  Intake& intake_;
  std::shared_ptr<RequestCounts> requests_;  // answers may come after the door has gone
  net::HttpServer server_;
};

}  // namespace clew::receive
