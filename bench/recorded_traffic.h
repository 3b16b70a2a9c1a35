// SPDX-License-Identifier: Apache-2.0
//
// The recorded traffic of the OpenTelemetry demo shop as OTLP requests, for benchmarks: the file otel-demo.otlp.zst in
// the folder that the environment variable CLEW_TEST_DATA names.
#pragma once

#include <string>
#include <vector>

namespace clew::bench {

// The recorded messages (some 140 spans each), joined so that each request holds about `spans` spans; 0: as recorded.
// Empty if the file is not there.
std::vector<std::string> recorded_requests(size_t spans);

}  // namespace clew::bench
