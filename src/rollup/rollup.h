// SPDX-License-Identifier: Apache-2.0
//
// rollup::Rollup is what spans amount to, minute by minute: how many, how long, which failed, who called whom. Roll-ups
// are objects of their own beside blocks, outlive the spans, and are additive: that of two sets of spans is the merge
// of their roll-ups, whatever order. docs/format/rollup.md.
//
//   RED cell   (minute, service, name, kind, status code) → spans, and a histogram of their durations
//   edge       (minute, caller, callee, kind of peer) → calls, failed calls, durations
//
// Edges are a function of a whole trace. A part of a trace that comes late changes what its earlier parts amount to, so
// what is added for it is the difference: the edges of the trace with the part less those without it. Counts are
// therefore signed in a single roll-up, and never negative in the sum of all.
//
// The minute of a span is the one with start in (minute, minute + 60 s], for a span that is not sane that of its
// arrival. A histogram counts in base-2 exponential buckets of scale 5: bucket i holds (2^(i/32), 2^((i+1)/32)] ns, so
// a quantile read from it errs by 1.08 % at most.
//
// A trace's spans are added once: a duplicate is left out by who adds (model/identity.h).
// Threads: one writer, or any number of readers.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/span_batch.h"

namespace clew::rollup {

// Series (distinct cell keys without the minute) of one roll-up; beyond it the roll-up is marked as overflowed, and who
// asks has to scan spans.
constexpr uint32_t kSeriesMax = 100'000;
constexpr uint32_t kEdgesMax = 100'000;
constexpr int kScale = 5;

// Counts by bucket, sparse: ascending index, count not zero. Durations of zero have a count of their own.
struct Histogram {
  int64_t zero_count = 0;
  int64_t sum_nanos = 0;  // saturates
  std::vector<std::pair<int16_t, int64_t>> buckets;

  void add(uint64_t nanos, int64_t count = 1);
  void merge(const Histogram& other);
  int64_t count() const;
  // The upper bound of the bucket in which the q-th part (0 to 1) of the values ends; 0 for an empty one.
  uint64_t quantile(double q) const;
  friend bool operator==(const Histogram&, const Histogram&) = default;
};
int16_t bucket_of(uint64_t nanos);        // nanos > 0
uint64_t upper_bound_of(int16_t bucket);  // nanoseconds, rounded down

struct Series {
  std::string service;  // empty: the resource names none
  std::string name;
  int32_t kind = 0;
  int32_t status_code = 0;
  friend auto operator<=>(const Series&, const Series&) = default;
};

struct Edge {
  std::string caller;
  std::string callee;
  // How callee was learned. Server: from its own span. Others: from attributes of a client span whose other side never
  // came (a database, a queue, an external host).
  enum class Peer : uint8_t { Server = 0, Database = 1, Messaging = 2, External = 3 } peer = Peer::Server;
  friend auto operator<=>(const Edge&, const Edge&) = default;
};

struct EdgeCell {
  int64_t calls = 0;
  int64_t failed = 0;
  Histogram durations;  // of the callee's side where it is there
  friend bool operator==(const EdgeCell&, const EdgeCell&) = default;
};

}  // namespace clew::rollup
