// SPDX-License-Identifier: Apache-2.0
//
// `clew serve`: every part wired together in one process, until SIGTERM or SIGINT.
//
//   way in    otlp_grpc, otlp_http → Intake → Store
//   way out   Store → serve::Server (http)
//
// Stopping: /ready says no, the doors take no more and finish what has begun, the store commits what it was given.
// A second signal ends the process at once; what was acknowledged is on disk in any case.
//
// SIGHUP reads the configuration again: what is_live() is applied, the rest is named in the log, and a configuration
// with a mistake changes nothing.
#pragma once

#include <functional>
#include <vector>

#include "app/configuration.h"
#include "base/result.h"

namespace clew::app {

// Reads the configuration anew, from where it came from.
using ReadAgain = std::function<std::vector<Problem>(Configuration&)>;

// Returns when the process shall end.
Result<void> serve(Configuration configuration, const ReadAgain& read_again);

}  // namespace clew::app
