// SPDX-License-Identifier: Apache-2.0
//
// The simulated shop as a table: which services there are, what their operations do step by step, how long that takes
// and how often it goes wrong. demo/traffic.h plays it. To change the shop, change the table in shop.cc; the checks at
// its end refuse what does not fit together.
//
// Durations are medians in microseconds; percentages are of the times at which the line is reached.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace clew::demo {

struct Release {
  std::string_view version;
  uint32_t percent = 100;       // of the service's requests
  uint32_t slower_percent = 0;  // its own work takes so much longer
};

struct Service {
  std::string_view name;
  std::string_view language;  // telemetry.sdk.language
  std::string_view scope;     // the instrumentation library that makes its spans
  uint16_t port;
  uint16_t instances;
  std::array<Release, 2> releases;  // a second one without a version is none
};

enum class StepKind : uint8_t {
  None,     // fills up a list of steps
  Work,     // a span inside the service; `what` is its name
  Call,     // `what` is an operation: "service/name"
  Cache,    // redis GET of `what`; in `percent` of the cases it is there, and the next step is left out
  Query,    // a statement `what` on the database system `with`
  Publish,  // a message to the topic `what` of the broker system `with`
  External  // HTTP to the host `with`, which sends no spans; `what` is "METHOD /path"
};

struct Step {
  StepKind kind = StepKind::None;
  std::string_view what = "";
  std::string_view with = "";
  uint32_t micros = 0;
  uint32_t percent = 100;
  uint32_t times_max = 1;  // it is done one to so many times
  bool parallel = false;   // begins together with the step before
  bool optional = false;   // when it fails, the operation goes on without
};

enum class Trigger : uint8_t {
  Http,     // `name` is "METHOD /route"
  Grpc,     // `name` is a method
  Message,  // `name` is a topic; goes on in the producer's trace
  Follow,   // `name` is a topic; begins a trace of its own, with a link to the producer
  Timer     // `name` is a job
};

constexpr size_t kStepsMax = 6;

struct Operation {
  std::string_view service;
  std::string_view name;
  Trigger trigger;
  uint32_t micros;               // of its own work
  uint32_t failures_per_10_000;  // of its own
  std::string_view failure;      // exception.type
  std::string_view message;      // exception.message
  bool transient;                // the caller tries again, up to two times
  std::array<Step, kStepsMax> steps;
};

// What customers do.
struct Visit {
  std::string_view operation;  // "service/name"
  uint32_t weight;
};

std::span<const Service> services();
std::span<const Operation> operations();
std::span<const Visit> visits();

constexpr bool takes_messages(const Operation& operation) {
  return operation.trigger == Trigger::Message || operation.trigger == Trigger::Follow;
}

// Place in services() or operations(); the name must be there.
size_t service_named(std::string_view name);
size_t operation_named(std::string_view service_and_name);

}  // namespace clew::demo
