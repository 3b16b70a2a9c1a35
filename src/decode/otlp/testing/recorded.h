// SPDX-License-Identifier: Apache-2.0
//
// The recorded traffic of the OpenTelemetry demo shop, for tests.
#pragma once

#include <string>
#include <vector>

namespace clew::decode::otlp::testing {

// The TracesData messages of otel-demo.otlp.zst in the folder that CLEW_TEST_DATA names; empty if it is not there.
std::vector<std::string> recorded_messages();

}  // namespace clew::decode::otlp::testing
