// SPDX-License-Identifier: Apache-2.0
#include "scan/page_token.h"

#include <algorithm>

#include "base/bytes.h"
#include "codec/base64.h"

namespace clew::scan {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kTokenBytes = 1 + 8 + 8 + model::TraceId::kBytes;

}  // namespace

std::string write_page_token(uint64_t fingerprint, const model::OrderKey& last) {
  std::string bytes(1, static_cast<char>(kVersion));
  append(bytes, fingerprint);
  append(bytes, last.time);
  append(bytes, last.id.high);
  append(bytes, last.id.low);
  std::string token = codec::encode_base64(as_bytes(bytes));
  std::ranges::replace(token, '+', '-');
  std::ranges::replace(token, '/', '_');
  token.erase(std::min(token.find('='), token.size()));
  return token;
}

Result<model::OrderKey> read_page_token(std::string_view token, uint64_t fingerprint) {
  std::string bytes;
  if (!codec::decode_base64(token, bytes) || bytes.size() != kTokenBytes || bytes[0] != kVersion) {
    return Error(Code::InvalidArgument, "the page token is not one that a search gave");
  }
  const char* at = bytes.data() + 1;
  if (load<uint64_t>(at) != fingerprint) {
    return Error(Code::InvalidArgument, "the page token belongs to another query or time range");
  }
  return model::OrderKey{load<uint64_t>(at + 8), {load<uint64_t>(at + 16), load<uint64_t>(at + 24)}};
}

}  // namespace clew::scan
