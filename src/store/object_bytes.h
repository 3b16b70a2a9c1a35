// SPDX-License-Identifier: Apache-2.0
//
// Joins module block, which reads and writes bytes, with module object, which keeps them: a block is read through an
// ObjectSource and written through an UploadSink. Whoever makes one keeps the store or upload alive.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "block/byte_source.h"
#include "object/object_store.h"

namespace clew::store {

// Threads: any number at a time.
class ObjectSource final : public block::ByteSource {
 public:
  // `bytes` is the size of the object, as the manifest has it.
  ObjectSource(object::ObjectStore& objects, std::string name, uint64_t bytes)
      : objects_(objects), name_(std::move(name)), bytes_(bytes) {}

  uint64_t size() const override { return bytes_; }
  // NotFound if the object has gone.
  Result<void> read(uint64_t offset, std::span<uint8_t> into) const override;

 private:
  object::ObjectStore& objects_;
  const std::string name_;
  const uint64_t bytes_;
};

// Threads: one. commit() of the upload is the caller's.
class UploadSink final : public block::ByteSink {
 public:
  explicit UploadSink(object::Upload& upload) : upload_(upload) {}

  Result<void> append(Bytes bytes) override;
  uint64_t byte_count() const { return byte_count_; }

 private:
  object::Upload& upload_;
  uint64_t byte_count_ = 0;  // that were appended
};

}  // namespace clew::store
