// SPDX-License-Identifier: Apache-2.0
#include "net/grpc_runtime.h"

#include <fmt/core.h>
#include <grpc/support/log.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include "base/log.h"

namespace clew::net {
namespace {

void write_log(gpr_log_func_args* args) {
  const LogLevel level = args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::Warning : LogLevel::Debug;
  log(level, fmt::format("grpc: {}", args->message));
}

// A server that listens nowhere: it has the callback threads as any other, and is never destroyed.
struct Anchor {
  grpc::CallbackGenericService service;
  std::unique_ptr<grpc::Server> server;

  Anchor() {
    gpr_set_log_function(write_log);
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(&service);
    server = builder.BuildAndStart();
  }
};

}  // namespace

void start_grpc_runtime() { [[maybe_unused]] static const Anchor* const anchor = new Anchor; }

}  // namespace clew::net
