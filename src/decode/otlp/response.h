// SPDX-License-Identifier: Apache-2.0
//
// What an OTLP door answers, in the encoding of the request (opentelemetry-proto, docs/specification.md): the Export
// responses with their partial success, and google.rpc.Status for everything that is not success. The same bytes serve
// the HTTP body and, in protobuf, gRPC's message and its grpc-status-details-bin.
//
// Messages are cut at kMessageBytesMax and made valid UTF-8, whatever went into them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "decode/verdict.h"

namespace clew::decode::otlp {

enum class Encoding : uint8_t { Protobuf, Json };

// Far below the 4 MiB that OTLP allows a response; one line of a log.
constexpr size_t kMessageBytesMax = 1024;

// Export{Trace,Logs,Metrics}ServiceResponse. partial_success is there if something was rejected or there is a warning,
// and tells `rejected` and `reason`.
std::string encode_traces_response(const Verdict& verdict, Encoding encoding);
std::string encode_logs_response(const Verdict& verdict, Encoding encoding);
std::string encode_metrics_response(const Verdict& verdict, Encoding encoding);

// google.rpc.Status. With `retry_delay` it carries a RetryInfo, which is what makes clients try again; an
// InvalidArgument carries a BadRequest.
std::string encode_status(const Error& error, std::optional<std::chrono::nanoseconds> retry_delay, Encoding encoding);

}  // namespace clew::decode::otlp
