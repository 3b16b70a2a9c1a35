// SPDX-License-Identifier: Apache-2.0
//
// GrpcClient makes unary calls with messages that are bytes already: for `clew load` and for tests. A call is started
// and its end told to a function on one of gRPC's threads, so that one caller keeps many calls in flight.
//
//   GrpcClient client("127.0.0.1:4317", {});
//   client.call("/opentelemetry.proto.collector.trace.v1.TraceService/Export", body, {}, [](GrpcAnswer answer) { ...
//   });
//
// Threads: any. The destructor waits until every started call has ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::net {

struct GrpcAnswer {
  int status = 0;       // gRPC's status code; 0 is OK
  std::string message;  // of the status
  std::string details;  // serialized google.rpc.Status from grpc-status-details-bin, or empty
  std::string body;     // the response message
};

class GrpcClient {
 public:
  struct Options {
    // Compressed by gRPC at every call. For zstd, which this gRPC does not know, pass a body that is compressed
    // already: Clew's doors look at its first bytes.
    bool gzip = false;
    uint64_t message_bytes_max = 64 << 20;
    // Clients with different numbers do not share a connection even within one process.
    int connection = 0;
  };
  struct CallOptions {
    std::vector<std::pair<std::string, std::string>> metadata = {};
    std::chrono::milliseconds timeout{30'000};
  };

  // `target` is host:port. Connects when first needed; a call fails Unavailable if nobody listens.
  GrpcClient(const std::string& target, const Options& options);
  ~GrpcClient();

  // Copies `body`. `done` is called exactly once and must not block.
  void call(std::string_view method, std::string_view body, const CallOptions& options,
            std::function<void(GrpcAnswer)> done);
  // Waits for the answer.
  GrpcAnswer call(std::string_view method, std::string_view body, const CallOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::net
