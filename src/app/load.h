// SPDX-License-Identifier: Apache-2.0
//
// `clew load`: sends spans to a server over OTLP and measures how it takes them. With a rate, requests are sent on a
// schedule whether or not the server keeps up (open loop), and the time to the acknowledgement counts from the moment
// at which the request was due: a server that stalls does not hide it by slowing the generator down. Without a rate,
// each connection keeps a few requests in flight.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/load_source.h"
#include "base/result.h"
#include "codec/compress.h"

namespace clew::app {

struct LoadOptions {
  std::string target;  // grpc://host:port or http://host:port
  std::string file;    // empty: `profile`
  Profile profile = Profile::Demo;
  double rate = 0;        // spans per second over all connections; 0: as fast as they are acknowledged
  uint64_t duration = 0;  // nanoseconds; 0: until `spans`
  uint64_t spans = 0;     // stop after so many; 0: until `duration`
  uint32_t connections = 2;
  uint32_t batch = 512;  // spans in a request
  codec::Encoding compression = codec::Encoding::None;
  std::string tenant;  // X-Scope-OrgID, if not empty
  uint64_t seed = 0;
};

constexpr uint32_t kConnectionsMax = 1024;
constexpr uint32_t kBatchMax = 100'000;
// Requests in flight on one connection: without a rate enough that the line is never idle, with a rate so many that
// only a server that stands still holds the schedule up.
constexpr uint32_t kInFlightClosed = 4;
constexpr uint32_t kInFlightOpen = 256;
// Bytes in flight over all connections, so that the generator does not grow with a server that stands still.
constexpr uint64_t kInFlightBytesMax = 512 << 20;

struct LoadResult {
  uint64_t sent = 0;          // spans in requests that were begun
  uint64_t acknowledged = 0;  // spans that the server said it keeps
  uint64_t rejected = 0;      // spans that it refused, with the request or alone
  uint64_t unanswered = 0;    // spans of which nobody knows: the connection broke, or no answer in time
  uint64_t unsent = 0;        // spans that were due by the rate, but that no connection was free to send in time
  double seconds = 0;
  double p50 = 0, p95 = 0, p99 = 0, max = 0;  // milliseconds to the acknowledgement
  std::map<std::string, uint64_t> refusals;   // requests by what was answered instead of OK
};

Result<LoadResult> run_load(const LoadOptions& options);

// One line of JSON.
std::string load_json(const LoadResult& result);

}  // namespace clew::app
