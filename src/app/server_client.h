// SPDX-License-Identifier: Apache-2.0
//
// ServerClient asks the API of a running server, for the commands that do: over one connection, which is kept. An
// answer other than 200 becomes the Error that the server described.
//
// Threads: one at a time.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_client.h"

namespace clew::app {

struct ServerOptions {
  std::string url = "http://127.0.0.1:16686";
  std::string tenant;  // X-Scope-OrgID, if not empty
};

class ServerClient {
 public:
  // InvalidArgument if the URL is none. Does not connect yet.
  static Result<ServerClient> to(const ServerOptions& server, const net::HttpClient::Options& options = {});

  // The body of an answer of 200.
  Result<std::string> get(const std::string& target) { return ask("GET", target); }
  Result<std::string> ask(std::string_view method, const std::string& target);

 private:
  ServerClient(ServerOptions server, net::HttpClient client) : server_(std::move(server)), client_(std::move(client)) {}

  ServerOptions server_;
  net::HttpClient client_;
};

// Appends "name=value" to the query of a target, unless the value is empty.
void add_parameter(std::string& target, std::string_view name, std::string_view value);

}  // namespace clew::app
