// SPDX-License-Identifier: Apache-2.0
//
// Sender brings OTLP requests to a server, one after the other, over gRPC or HTTP; deliver() tries again as the server
// asks. For the commands that send: demo and import.
//
//   Sender sender = TRY(Sender::to("grpc://127.0.0.1:4317", {}));
//   const Receipt receipt = deliver([&] { return sender.send(request); }, patience, wait);
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "codec/compress.h"
#include "transfer/receipt.h"

namespace clew::transfer {

// Full method of the gRPC service, and path of the HTTP one.
constexpr std::string_view kExportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr std::string_view kExportPath = "/v1/traces";

enum class Transport : uint8_t { Grpc, Http };

// Which of the two a target is of: grpc://host:port or http://host:port. InvalidArgument otherwise.
Result<Transport> transport_of(std::string_view target);
// "host:port" of a target of gRPC.
std::string grpc_address(std::string_view target);

class Sender {
 public:
  struct Options {
    std::string tenant = "";  // X-Scope-OrgID, if not empty
    codec::Encoding compression = codec::Encoding::None;
    std::chrono::milliseconds timeout{30'000};
  };

  static Result<Sender> to(std::string_view target, const Options& options);
  Sender(Sender&&) noexcept;
  Sender& operator=(Sender&&) noexcept;
  ~Sender();

  // `request` is an ExportTraceServiceRequest. Waits for the answer.
  Receipt send(std::string_view request);

 private:
  struct State;
  explicit Sender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// How long a request is tried again. Shared by the requests of one command.
struct Patience {
  uint64_t nanos = 60 * kNanosPerSecond;  // waited in all for one request
  bool reached = false;                   // an answer ever came: before, "nobody listens" is final
};

constexpr uint64_t kFirstBackoffNanos = kNanosPerSecond / 2;
constexpr uint64_t kBackoffNanosMax = 10 * kNanosPerSecond;

// Waits so long; false: the user wants an end.
using Wait = std::function<bool(uint64_t nanos)>;

// Calls `send` until the request is accepted, refused for good, or the patience is over; between two calls it waits as
// the server said, or longer each time. Returns the last receipt.
Receipt deliver(const std::function<Receipt()>& send, Patience& patience, const Wait& wait);

}  // namespace clew::transfer
