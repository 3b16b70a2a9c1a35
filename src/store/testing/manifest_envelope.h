// SPDX-License-Identifier: Apache-2.0
//
// An intact envelope of docs/format/manifest.md around any content, so that tests and the fuzzer get past the
// checksums.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/crc32c.h"
#include "store/manifest.h"

namespace clew::store::testing {

constexpr uint32_t kDelta = 1;
constexpr uint32_t kCheckpoint = 2;

// `kind` is one of the above.
inline std::string envelope(uint32_t kind, std::string_view content) {
  std::string bytes = encode_delta(7, {});
  put(bytes.data() + 20, kind);
  put(bytes.data() + 36, static_cast<uint32_t>(content.size()));
  put(bytes.data() + 40, codec::crc32c(as_bytes(content)));
  put(bytes.data() + 60, codec::crc32c(as_bytes(bytes).first(60)));
  return bytes.append(content);
}

}  // namespace clew::store::testing
