// SPDX-License-Identifier: Apache-2.0
//
// Logs and metrics sent to a store of traces are declined, not failed: SDKs would log an error at every export. The
// answer says how many records were declined, so they are counted here; nothing else of them is read.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "decode/otlp/response.h"

namespace clew::receive {

// The log records of an ExportLogsServiceRequest, and the data points of an ExportMetricsServiceRequest.
// InvalidArgument if the body is broken.
Result<uint64_t> count_log_records(Bytes body, decode::otlp::Encoding format);
Result<uint64_t> count_data_points(Bytes body, decode::otlp::Encoding format);

}  // namespace clew::receive
