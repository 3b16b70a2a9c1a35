// SPDX-License-Identifier: Apache-2.0
//
// `clew demo`: sends what a simulated shop of many services does (demo/traffic.h), live, until the user ends it; or the
// one trace of an order that takes 450 ms (demo/order_example.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace clew::app {

struct DemoCommand {
  std::string target = "grpc://127.0.0.1:4317";  // or http://host:port
  std::string tenant;
  double rate = 5;        // customers' requests a second
  uint64_t duration = 0;  // nanoseconds; 0: until SIGINT or SIGTERM
  uint64_t seed = 0;      // 0: another one each time
  std::string trace;      // "order": only the example
};

Result<void> demo(const DemoCommand& command);

}  // namespace clew::app
