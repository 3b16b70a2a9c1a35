// SPDX-License-Identifier: Apache-2.0
//
// What a block is read from and written to: named bytes somewhere else. `store` joins them with an ObjectStore; tests
// use memory, whole or with a bit flipped.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace clew::block {

// Threads: any number at a time.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  virtual uint64_t size() const = 0;
  // Fills `into` from `offset` on. DataLoss if the bytes end before.
  virtual Result<void> read(uint64_t offset, std::span<uint8_t> into) const = 0;
};

// Threads: one.
class ByteSink {
 public:
  ByteSink() = default;
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  virtual ~ByteSink() = default;

  virtual Result<void> append(Bytes bytes) = 0;
};

}  // namespace clew::block
