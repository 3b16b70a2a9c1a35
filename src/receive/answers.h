// SPDX-License-Identifier: Apache-2.0
//
// What the OTLP doors say: an Outcome as an HTTP response or a gRPC message, an Error as google.rpc.Status in the
// form that the request had (OTLP specification 1.x, "OTLP/gRPC Response" and "OTLP/HTTP Response").
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/grpc_server.h"
#include "net/http_message.h"
#include "receive/intake.h"

namespace clew::receive {

// The form that a Content-Type means, parameters such as charset aside; nothing if OTLP has none of that name.
std::optional<decode::otlp::Encoding> format_of(std::string_view content_type);

// The message of ExportTraceServiceResponse, or that of logs or metrics.
std::string encode_response(Signal signal, const decode::Verdict& verdict, decode::otlp::Encoding format);

// `status` is the HTTP status where the error's own is not meant (405, 408, 415); 0: the error's own.
// With Unavailable, `retry_after` becomes Retry-After and RetryInfo.
net::HttpResponse http_refusal(const Error& error, std::chrono::milliseconds retry_after, decode::otlp::Encoding format,
                               int status = 0);
net::HttpResponse http_answer(const Outcome& outcome, Signal signal, decode::otlp::Encoding format);

net::GrpcRefusal grpc_refusal(const Error& error, std::chrono::milliseconds retry_after);

}  // namespace clew::receive
