// SPDX-License-Identifier: Apache-2.0
//
// `clew serve`: every part wired together in one process, until SIGTERM or SIGINT.
//
//   way in    otlp_grpc, otlp_http → Intake → Store
//   way out   Store → serve::Server (http)
//
// Stopping: /ready says no, the doors take no more and finish what has begun, the store commits what it was given.
// A second signal ends the process at once; what was acknowledged is on disk in any case.
#pragma once

#include "app/configuration.h"
#include "base/result.h"

namespace clew::app {

// Returns when the process shall end.
Result<void> serve(const Configuration& configuration);

}  // namespace clew::app
