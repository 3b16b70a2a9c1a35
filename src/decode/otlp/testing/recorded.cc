// SPDX-License-Identifier: Apache-2.0
//
// The file is a zstd stream; inside, each message follows its length as a big-endian u32.
#include "decode/otlp/testing/recorded.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/bytes.h"
#include "codec/compress.h"

namespace clew::decode::otlp::testing {

std::vector<std::string> recorded_messages() {
  constexpr size_t kFileBytesMax = size_t{1} << 28;
  const char* folder = std::getenv("CLEW_TEST_DATA");
  if (folder == nullptr) return {};
  std::ifstream file(std::string(folder) + "/otel-demo.otlp.zst", std::ios::binary);
  const std::string packed((std::istreambuf_iterator<char>(file)), {});
  codec::Inflater inflater;
  const auto inflated = inflater.inflate(codec::Encoding::Zstd, as_bytes(packed), kFileBytesMax);
  if (!inflated.ok()) return {};
  std::vector<std::string> messages;
  for (Bytes rest = *inflated; rest.size() > 4;) {
    const size_t size = __builtin_bswap32(load<uint32_t>(rest.data()));
    if (size > rest.size() - 4) break;
    messages.emplace_back(as_text(rest.subspan(4, size)));
    rest = rest.subspan(4 + size);
  }
  return messages;
}

}  // namespace clew::decode::otlp::testing
