// SPDX-License-Identifier: Apache-2.0
//
// HttpServer is a door that speaks HTTP/1.1: it reads requests under limits of size, time and memory, gives them to
// handlers, and sends what they answer. The library behind it (Boost.Beast) is not seen by its users.
//
//   HttpServer server(options);
//   server.route("GET", "/api/traces/{id}", [&](std::shared_ptr<HttpExchange> exchange) {
//     pool.run([exchange] { exchange->respond({.body = read(exchange->request().parameters[0])}); });
//   });
//   TRY(server.start());
//
// A handler is called on a network thread and must hand long work over; its answer may come later from any thread. A
// handler that lets go of its exchange without an answer has answered 500.
//
// Bodies. A route without `admit` takes up to kPlainBodyMax. With it, `admit` sees the headers before any byte of the
// body is read and refuses, or names the largest body and who pays for its memory: BodyMemory::grow is asked as the
// bytes arrive, never for what is only announced.
//
// Limits: Options names them all. A sender that is too slow gets 408, one with too large a body 413, too large a header
// 431; a reader that does not take its answer is cut off. Requests on one connection are handled one after the other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "net/address.h"
#include "net/cors.h"
#include "net/http_message.h"

namespace clew::net {

// The body that a route without `admit` takes: enough for a query in a form.
constexpr uint64_t kPlainBodyMax = 64 << 10;

// Pays for one request's body. Called on one thread at a time; gives everything back when it goes.
class BodyMemory {
 public:
  virtual ~BodyMemory() = default;
  // May the request hold `bytes` more? False: it is answered 503 and forgotten.
  virtual bool grow(uint64_t bytes) = 0;
  virtual void shrink(uint64_t bytes) = 0;
};

struct AcceptBody {
  uint64_t bytes_max = kPlainBodyMax;
  std::unique_ptr<BodyMemory> memory;  // null: nobody counts it
};
using Admission = std::variant<AcceptBody, HttpResponse>;

class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual HttpRequest& request() = 0;
  // What the body was paid with; the handler may take it along with the body.
  virtual std::unique_ptr<BodyMemory> take_memory() = 0;

  // Sets *flag when the client has hung up before its answer began, so that nobody works for it any longer. Call it
  // once, in the handler.
  virtual void tell_when_gone(std::shared_ptr<std::atomic<bool>> flag) = 0;

  // Answers; once, from any thread.
  virtual void respond(HttpResponse response) = 0;

  // Or answers in pieces: begin() once, write() any number of times, end(). write() waits until the piece before it is
  // on its way, so that an answer never piles up in memory: it must not be called on a network thread. False: the
  // reader is gone or does not read; stop. Letting go of the exchange before end() breaks the connection, so that the
  // reader knows that the answer is incomplete.
  virtual void begin(HttpResponse head) = 0;
  virtual bool write(std::string piece) = 0;
  virtual void end() = 0;
};

class HttpServerCore;

class HttpServer {
 public:
  using Handler = std::function<void(std::shared_ptr<HttpExchange>)>;
  using Admit = std::function<Admission(const HttpRequest& head)>;
  // The answer to what the server itself refuses: 400, 404, 405, 408, 413, 431, 500, 503. `head` is null if there is
  // none yet. The server adds Allow and Connection.
  using Refuse = std::function<HttpResponse(const HttpRequest* head, int status, std::string_view message)>;

  struct Options {
    Address address = {};
    std::string setting = {};  // the setting that `address` came from, for errors: "listen.otlp_http"
    unsigned threads = 2;
    uint32_t connections_max = 4096;             // beyond it, new ones wait in the kernel's queue
    uint32_t header_bytes_max = 32 << 10;        // request line and headers together
    std::chrono::milliseconds idle{75'000};      // between requests
    std::chrono::milliseconds header{10'000};    // from a request's first byte to the end of its headers
    std::chrono::milliseconds body{120'000};     // from the end of the headers to the end of the body
    std::chrono::milliseconds progress{10'000};  // window in which a body or an answer must move on
    uint32_t body_rate_min = 1024;               // bytes per second over a window, below which a sender is cut with 408
    CorsPolicy cors = {};
    Refuse refuse = {};  // null: plain text
  };

  explicit HttpServer(Options options);
  ~HttpServer();  // drains for no time

  // Routes are added before start(); patterns as in router.h.
  void route(std::string_view method, std::string_view pattern, Handler handle, Admit admit = nullptr);

  // Listens. AlreadyExists if the port is taken, naming address and setting; InvalidArgument if the host is unknown.
  Result<void> start();
  // With the real port; after start().
  const Address& address() const;

  // Takes no more connections, lets requests that have begun finish until `limit` is over, then cuts the rest.
  // Returns how many were cut. Handlers must still be able to run.
  uint32_t drain(std::chrono::milliseconds limit);

  uint32_t connections() const;

 private:
  std::shared_ptr<HttpServerCore> core_;
};

}  // namespace clew::net
