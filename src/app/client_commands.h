// SPDX-License-Identifier: Apache-2.0
//
// The commands that ask a running server: search, trace and admin. What was asked for goes to standard output,
// everything said about it to standard error, so that output can be piped.
#pragma once

#include <cstdint>
#include <string>

#include "app/server_client.h"
#include "base/result.h"

namespace clew::app {

struct SearchCommand {
  ServerOptions server;
  std::string query;
  std::string since;
  std::string from;
  std::string to;
  std::string token;
  uint32_t limit = 20;
  std::string format = "table";
};

struct TraceCommand {
  ServerOptions server;
  std::string id;
  std::string format = "text";
  // Which spans, in tree order; a limit of 0: as many as the server gives.
  uint32_t offset = 0;
  uint32_t limit = 0;
};

struct AdminCommand {
  ServerOptions server;
  std::string action;  // flush, compact or storage
  std::string format = "table";
};

Result<void> search(const SearchCommand& command);
Result<void> trace(const TraceCommand& command);
Result<void> admin(const AdminCommand& command);

}  // namespace clew::app
