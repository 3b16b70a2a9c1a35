// SPDX-License-Identifier: Apache-2.0
//
// `clew import`: reads OTLP files in any form (file/otlp_file.h) and sends their spans to a server, one request
// after the other. It accounts for every span: read, refused here or there and why, acknowledged, or unknown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/compress.h"

namespace clew::app {

struct ImportCommand {
  std::vector<std::string> files;  // "-" is standard input
  std::string target = "grpc://127.0.0.1:4317";
  std::string tenant;
  codec::Encoding compression = codec::Encoding::None;
  uint32_t batch = 2'000;  // spans in a request
  bool now = false;        // moves all times so that the newest span ends now
};

constexpr uint32_t kImportBatchMax = 20'000;
// A request of fewer spans is sent when these are so large; far below what doors take.
constexpr size_t kImportRequestBytesMax = size_t{4} << 20;
// Parts of a file that could not be read, named one by one; more are only counted.
constexpr uint64_t kProblemsShownMax = 20;

// False: something was not read, refused, or not acknowledged; what it was has been said.
Result<bool> import_files(const ImportCommand& command);

}  // namespace clew::app
