// SPDX-License-Identifier: Apache-2.0
//
// CRC-32C (Castagnoli; RFC 3720, appendix B.4), the checksum of every byte that Clew writes to disk.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace clew::codec {

// The checksum of `bytes`, or, given the checksum of what came before, of both together.
uint32_t crc32c(Bytes bytes, uint32_t before = 0);

}  // namespace clew::codec
