// SPDX-License-Identifier: Apache-2.0
//
// Receipt is what a server answered to an OTLP request, in one form for gRPC and HTTP: accepted, accepted in part,
// refused, or no answer at all; and whether and when the same request may be tried again (OTLP specification 1.x,
// "OTLP/gRPC Throttling" and "OTLP/HTTP Response").
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/grpc_client.h"
#include "net/http_client.h"

namespace clew::transfer {

struct Receipt {
  bool arrived = true;          // an answer came; without one nobody knows whether the spans are kept
  std::string refusal;          // empty: accepted. Else gRPC's name of the status, or the HTTP status
  std::string message;          // the server's words: why it refused, or rejected some spans
  uint64_t rejected_spans = 0;  // of an accepted request
  bool retryable = false;
  std::optional<uint64_t> retry_after_nanos;  // if the server said so

  bool accepted() const { return arrived && refusal.empty(); }
};

Receipt read_receipt(const net::GrpcAnswer& answer);
Receipt read_receipt(const Result<net::HttpAnswer>& answer);

}  // namespace clew::transfer
