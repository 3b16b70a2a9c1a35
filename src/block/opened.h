// SPDX-License-Identifier: Apache-2.0
//
// What an open block keeps: its bytes' source, its footer, the filter of its traces. Block and RowGroup share it.
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "block/block.h"
#include "block/layout.h"

namespace clew::block {

// Keys in the cache, with a number behind: of a column, a row group, a page of the index.
enum class CachePart : uint64_t { Tables = 1, Dictionary = 2, Directory = 3, IndexPage = 4, TracesOfGroup = 5 };

constexpr uint64_t cache_key(CachePart part, uint64_t number = 0) { return static_cast<uint64_t>(part) << 32 | number; }

struct Block::Footer {
  Footer(std::shared_ptr<const ByteSource> bytes, Cache& parts)
      : source(std::move(bytes)), cache(parts), owner(parts.new_owner()) {}

  const std::shared_ptr<const ByteSource> source;
  Cache& cache;
  const uint64_t owner;
  FooterContent content;
  std::vector<RowGroupFacts> groups;
  std::string filter;
  std::atomic<uint64_t> bytes_read = 0;

  // The bytes at `place`, checked.
  Result<std::string> read(const Place& place, std::string_view what);
  Result<void> read(uint64_t offset, std::span<uint8_t> into);
  Result<std::shared_ptr<const Directory>> directory(uint32_t group);
};

}  // namespace clew::block
