// SPDX-License-Identifier: Apache-2.0
//
// Most texts are short and ASCII: those are decided eight bytes a step here; the rest goes to simdjson's vector code.
#include "codec/utf8.h"

#include <simdjson.h>

#include <cstdint>

#include "base/bytes.h"

namespace clew::codec {
namespace {

constexpr size_t kShortBytes = 64;

bool short_ascii(std::string_view text) {
  constexpr uint64_t kTopBits = 0x8080808080808080u;
  const char* next = text.data();
  size_t left = text.size();
  uint64_t seen = 0;
  for (; left >= 8; next += 8, left -= 8) seen |= load<uint64_t>(next);
  for (; left > 0; ++next, --left) seen |= static_cast<uint8_t>(*next);
  return (seen & kTopBits) == 0;
}

}  // namespace

bool valid_utf8(std::string_view text) {
  if (text.size() <= kShortBytes && short_ascii(text)) return true;
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace clew::codec
