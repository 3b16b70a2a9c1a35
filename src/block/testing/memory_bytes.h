// SPDX-License-Identifier: Apache-2.0
//
// A block's bytes in memory, for tests and fuzzers: written to, read from, and damaged by hand.
#pragma once

#include <memory>
#include <string>

#include "block/byte_source.h"

namespace clew::block::testing {

class MemorySink : public ByteSink {
 public:
  Result<void> append(Bytes bytes) override;
  std::string bytes;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string held) : bytes(std::move(held)) {}
  uint64_t size() const override { return bytes.size(); }
  Result<void> read(uint64_t offset, std::span<uint8_t> into) const override;
  std::string bytes;
};

}  // namespace clew::block::testing
