// SPDX-License-Identifier: Apache-2.0
//
// StreamInflater is Inflater (codec/compress.h) for what does not lie in memory as a whole: files that are larger than
// it. It takes packed bytes piece by piece and gives what is in them piece by piece; memory does not grow with either.
//
//   StreamInflater inflater(sniff(first_bytes));
//   const size_t written = TRY(inflater.inflate(packed, room));   // moves `packed` on
//
// Gzip members and zstd frames one behind the other are one stream. A zstd frame whose window is larger than 128 MiB
// (the library's own limit) is refused. With Encoding::None bytes are copied.
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/compress.h"

namespace clew::codec {

class StreamInflater {
 public:
  explicit StreamInflater(Encoding encoding);
  StreamInflater(StreamInflater&&) noexcept;
  StreamInflater& operator=(StreamInflater&&) noexcept;
  ~StreamInflater();

  // Writes to `out`, takes what it used from the front of `packed`, and returns how much was written: 0 means that more
  // of the input is needed. InvalidArgument if it is damaged.
  Result<size_t> inflate(Bytes& packed, std::span<uint8_t> out);

  // May the input end here? Between two members, frames or bytes.
  bool complete() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::codec
