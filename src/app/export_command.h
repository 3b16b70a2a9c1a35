// SPDX-License-Identifier: Apache-2.0
//
// `clew export`: writes the whole traces of which a query chooses spans, newest first, as OTLP that `clew import` and
// other tools read. It goes through the server's search page by page and fetches each trace when its turn comes, so
// that neither holds more than a page and a trace.
#pragma once

#include <cstdint>
#include <string>

#include "app/server_client.h"
#include "base/result.h"

namespace clew::app {

enum class ExportFormat : uint8_t {
  JsonLines,  // a TracesData in JSON on each line: a trace
  Json,       // one TracesData in JSON
  Protobuf,   // one TracesData
  Frames,     // a big-endian u32 and so many bytes of a TracesData: a trace
};

struct ExportCommand {
  ServerOptions server;
  std::string query;
  std::string since;
  std::string from;
  std::string to;
  ExportFormat format = ExportFormat::JsonLines;
  std::string output;  // empty: standard output
  uint64_t limit = 0;  // traces at most; 0: all
};

// Traces asked for at once.
constexpr uint32_t kExportPage = 200;

// False: what was written is not all that was asked for; why has been said.
Result<bool> export_traces(const ExportCommand& command);

}  // namespace clew::app
