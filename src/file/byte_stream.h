// SPDX-License-Identifier: Apache-2.0
//
// ByteStream reads a file, or standard input, from its beginning to its end, and inflates it if its first bytes say
// that it is gzip or zstd, whatever its name. It shows a window of the bytes, which grows only as far as it is asked
// to.
//
//   ByteStream stream = TRY(ByteStream::open("spans.otlp.zst"));
//   const Bytes head = TRY(stream.peek(4));      // fewer where the file ends
//   stream.consume(4);
//
// Threads: one.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/stream_inflater.h"

namespace clew::file {

class ByteStream {
 public:
  // "-" is standard input.
  static Result<ByteStream> open(const std::string& path);

  // The next bytes, at least `bytes` of them if there are so many; the view holds until the next call. An error if the
  // file cannot be read, or what is packed in it is damaged or cut off.
  Result<Bytes> peek(size_t bytes);
  void consume(size_t bytes);

  // Bytes consumed, unpacked: the place of the next one.
  uint64_t offset() const { return offset_; }
  // How far it is in the file as it lies on the disk, and how large that is; 0 if nobody knows.
  uint64_t packed_offset() const { return packed_offset_; }
  uint64_t packed_bytes() const { return packed_bytes_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdin) std::fclose(file);
    }
  };
  ByteStream() = default;
  Result<void> read_packed();

  std::unique_ptr<std::FILE, Close> file_;
  std::optional<codec::StreamInflater> inflater_;
  std::vector<uint8_t> packed_;
  Bytes packed_left_;
  bool file_ended_ = false;
  std::vector<uint8_t> window_;
  size_t begin_ = 0;  // of what is not consumed, in the window
  size_t end_ = 0;    // of what is there
  uint64_t offset_ = 0;
  uint64_t packed_offset_ = 0;
  uint64_t packed_bytes_ = 0;
};

}  // namespace clew::file
