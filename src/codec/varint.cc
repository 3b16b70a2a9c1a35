// SPDX-License-Identifier: Apache-2.0
#include "codec/varint.h"

namespace clew::codec {

bool read_long_varint(const uint8_t*& next, const uint8_t* end, uint64_t& value) {
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 64 && next < end; shift += 7) {
    const uint64_t byte = *next++;
    if (shift == 63 && byte > 1) return false;
    result |= (byte & 0x7F) << shift;
    if (byte < 0x80) {
      value = result;
      return true;
    }
  }
  return false;
}

}  // namespace clew::codec
