// SPDX-License-Identifier: Apache-2.0
//
// Gzip (RFC 1952) and zstd (RFC 8878) for bodies that lie in memory as a whole. Outside bytes are hostile: a few
// hundred of them may claim, or really hold, gigabytes. So an Inflater never writes more than the cap it is given, asks
// its caller before it takes more memory, and believes no size that a header claims beyond using it as a first guess.
//
//   Inflater inflater;                         // one per worker: contexts and buffer are used again
//   const Bytes body = TRY(inflater.inflate(sniff(raw), raw, kBodyBytesMax, [&](size_t bytes) { … }));
//
// Threads: one at a time for each object.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace clew::codec {

enum class Encoding : uint8_t { None, Gzip, Zstd };

// What the first bytes say: neither magic number can begin a protobuf message or a JSON text.
Encoding sniff(Bytes body);
// The value of a Content-Encoding or grpc-encoding header: "", "identity", "gzip", "x-gzip" or "zstd", in any case.
std::optional<Encoding> encoding_from_name(std::string_view name);
// "identity", "gzip" or "zstd".
std::string_view name_of(Encoding encoding);

// What `body` will probably take when inflated, from its own claim where it has one, never more than `bytes_max`.
size_t inflated_size_hint(Encoding encoding, Bytes body, size_t bytes_max);

class Inflater {
 public:
  // Readable bytes behind every answer, for readers that look ahead.
  static constexpr size_t kPadding = 64;
  // Output memory that is kept from one call to the next.
  static constexpr size_t kKeepBytesMax = size_t{8} << 20;

  // Asked with the bytes that the output may take, first with the hint, then with each larger size, before that memory
  // is written. False: the caller has no room, and inflate answers Unavailable.
  using Admit = std::function<bool(size_t bytes)>;

  Inflater();
  ~Inflater();
  Inflater(Inflater&&) noexcept;
  Inflater& operator=(Inflater&&) noexcept;

  // The bytes inside `body`; all gzip members or zstd frames of it, one behind the other. They lie in this object until
  // its next call; with Encoding::None they are `body` itself, which then has no padding.
  // More than `bytes_max`: ResourceExhausted. Not what `encoding` says, or damaged, or cut off: InvalidArgument.
  Result<Bytes> inflate(Encoding encoding, Bytes body, size_t bytes_max, const Admit& admit = {});

  // Gives memory beyond kKeepBytesMax back; to be called when the answer is no longer needed.
  void trim();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Compresses for senders and for answers.
class Deflater {
 public:
  // Fast levels: requests are written once and read once.
  static constexpr int kGzipLevel = 1;
  static constexpr int kZstdLevel = 1;

  Deflater();
  ~Deflater();
  Deflater(Deflater&&) noexcept;
  Deflater& operator=(Deflater&&) noexcept;

  // One gzip member or zstd frame; a copy with Encoding::None.
  std::string deflate(Encoding encoding, std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::codec
