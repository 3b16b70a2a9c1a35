// SPDX-License-Identifier: Apache-2.0
#include "store/object_bytes.h"

#include <fmt/format.h>

namespace clew::store {

Result<void> ObjectSource::read(uint64_t offset, std::span<uint8_t> into) const {
  if (offset > bytes_ || into.size() > bytes_ - offset)
    return Error(Code::DataLoss, fmt::format("{} ends before byte {}", name_, offset + into.size()));
  return objects_.read(name_, offset, into);
}

Result<void> UploadSink::append(Bytes bytes) {
  TRY(upload_.append(bytes));
  byte_count_ += bytes.size();
  return {};
}

}  // namespace clew::store
