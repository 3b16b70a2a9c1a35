// SPDX-License-Identifier: Apache-2.0
//
// gRPC starts the threads that run callbacks with the first server or channel and ends them with the last. In gRPC 1.51
// that end is a race: when the last one goes on a callback thread, its completion queue is given back twice. Clew takes
// no part in it: the threads, once started, stay until the process ends.
#pragma once

namespace clew::net {

// Starts gRPC's callback threads if they are not there, and routes its log lines to base/log.h. Every server and client
// calls it first. Threads: any.
void start_grpc_runtime();

}  // namespace clew::net
