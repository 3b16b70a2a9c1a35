// SPDX-License-Identifier: Apache-2.0
#include "block/testing/memory_bytes.h"

#include <cstring>

namespace clew::block::testing {

Result<void> MemorySink::append(Bytes more) {
  bytes.append(as_text(more));
  return {};
}

Result<void> MemorySource::read(uint64_t offset, std::span<uint8_t> into) const {
  if (offset > bytes.size() || into.size() > bytes.size() - offset)
    return Error(Code::DataLoss, "the bytes end before");
  if (!into.empty()) std::memcpy(into.data(), bytes.data() + offset, into.size());
  return {};
}

}  // namespace clew::block::testing
