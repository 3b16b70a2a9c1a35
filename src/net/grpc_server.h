// SPDX-License-Identifier: Apache-2.0
//
// GrpcServer is a door for unary gRPC calls whose messages stay bytes. The library (gRPC C++) is not seen by its users.
//
//   GrpcServer server(options);
//   server.method("/pkg.Service/Method", [&](std::shared_ptr<GrpcCall> call) { pool.run([call] { ... call->reply("");
//   }); }); TRY(server.start());
//
// Nothing of a message is read before `admit` has agreed; what is read lies in gRPC's memory, which `quota_bytes`
// bounds for all calls together. Messages come as they were sent, still compressed: gRPC hides the encoding then, so
// look at the first bytes. A message that does not arrive in time is cut with DEADLINE_EXCEEDED, and when as many calls
// are reading as may, the one that has been at it longest makes room.
//
// Handlers are called on gRPC's threads and must hand over. A handler that lets go of its call without an answer has
// answered INTERNAL. Unknown methods are UNIMPLEMENTED. Keepalive pings are taken every 10 seconds, also without calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "net/address.h"

namespace clew::net {

// A status other than OK. `details` is a serialized google.rpc.Status for grpc-status-details-bin, or empty.
struct GrpcRefusal {
  Code code = Code::Internal;
  std::string message;
  std::string details;
};

class GrpcCall {
 public:
  virtual ~GrpcCall() = default;

  // These three only until the call is ended.
  virtual std::string_view method() const = 0;
  // The first value of a metadata key (lower case), or "".
  virtual std::string_view metadata(std::string_view key) const = 0;
  virtual std::string peer() const = 0;

  virtual size_t message_size() const = 0;
  // The message in one piece, joined at the first call (do that on a worker) and alive until drop_message(). Not for
  // two threads at once.
  virtual Bytes message() = 0;
  virtual void drop_message() = 0;

  // Ends the call; one of them, once, from any thread.
  virtual void reply(std::string_view response) = 0;
  virtual void refuse(GrpcRefusal refusal) = 0;
};

class GrpcServerCore;

class GrpcServer {
 public:
  using Handler = std::function<void(std::shared_ptr<GrpcCall>)>;
  // Sees method, metadata and peer; nothing means: read the message.
  using Admit = std::function<std::optional<GrpcRefusal>(const GrpcCall& call)>;

  // What the server itself refuses: too slow, too many, nothing sent. For details such as RetryInfo.
  using Refuse = std::function<GrpcRefusal(Code code, std::string_view message)>;

  struct Options {
    Address address = {};
    std::string setting = {};  // the setting that `address` came from, for errors
    Refuse refuse = {};        // null: without details
    uint64_t message_bytes_max = 64 << 20;
    uint64_t quota_bytes = 128 << 20;  // gRPC's memory for all connections; at least message_bytes_max
    uint32_t reading_max = 1024;       // calls whose message is being read
    // For a message to arrive; and when so many are arriving that the largest ones would not fit the quota together.
    std::chrono::milliseconds read_limit{30'000};
    std::chrono::milliseconds crowded_read_limit{5'000};
    // After it a connection is asked to end, so that balancers spread clients anew; calls get the grace to finish.
    std::chrono::milliseconds connection_age_max{30 * 60'000};
    std::chrono::milliseconds connection_age_grace{60'000};
  };

  explicit GrpcServer(Options options);
  ~GrpcServer();  // drains for no time

  // Methods are added before start().
  void method(std::string_view path, Handler handle, Admit admit = nullptr);

  // Listens. AlreadyExists if the port is taken, naming address and setting.
  Result<void> start();
  const Address& address() const;

  // Takes no more calls, lets those that have begun finish until `limit` is over, then cancels the rest. Handlers must
  // still be able to run: returns when every call has ended.
  void drain(std::chrono::milliseconds limit);

 private:
  std::unique_ptr<GrpcServerCore> core_;
};

}  // namespace clew::net
