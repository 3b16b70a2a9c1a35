// SPDX-License-Identifier: Apache-2.0
//
// The requests that `clew load` sends: encoded once, then changed in place before each sending, so that the generator
// costs little beside what it measures.
//
// Replaying the same bytes would flatter a store: its dictionaries would hold everything after one round. So what
// varies in life varies here:
//   - trace and span ids get new bits in each round, the same for all requests of a round, so that traces stay whole;
//   - times move so that the newest of a round is the moment at which the round began, and no two rounds have the same
//     nanoseconds: a span starts up to 16 µs later, lasts up to an eighth longer, and its events come up to 4 µs later;
//   - a value model by key finds the keys whose values hardly repeat (ids, addresses, query texts); in their values
//     digits become other digits, hexadecimal ids other ids, numbers other numbers of the same size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/span_batch.h"

namespace clew::app {

// A place in an encoded request that changes with each sending.
struct Patch {
  enum class Kind : uint8_t { TraceId, SpanId, Start, End, EventTime, Text, HexText, Varint, Double };
  uint32_t offset;
  uint16_t bytes;
  Kind kind;
};

struct LoadRequest {
  std::string body;  // an ExportTraceServiceRequest
  uint32_t spans = 0;
  std::vector<Patch> patches;
};

struct LoadRequests {
  std::vector<LoadRequest> requests;
  UnixNanos newest = 0;  // end of a span, as encoded
};

// What one round of all requests adds to ids and times.
struct Round {
  uint64_t salt = 0;
  uint64_t time_shift = 0;  // added modulo 2^64, so it may stand for less than nothing
};

// Spans of a value model need this many values before a key counts as one whose values hardly repeat.
constexpr uint32_t kModelValuesMin = 16;

// Requests of `batch_spans` spans each, in the order of the rows.
LoadRequests make_requests(const model::SpanBatch& spans, size_t batch_spans);

// Writes the request as it is to be sent into `out`. `random` is the sender's state and moves on.
void write_request(const LoadRequest& request, const Round& round, uint64_t& random, std::string& out);

}  // namespace clew::app
