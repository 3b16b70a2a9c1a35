// SPDX-License-Identifier: Apache-2.0
#include "file/byte_stream.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "codec/compress.h"

namespace clew::file {
namespace {

constexpr size_t kReadBytes = 256 << 10;

Error system_error() {
  const int number = errno;
  const Code code = number == ENOENT ? Code::NotFound : number == EACCES ? Code::PermissionDenied : Code::Unknown;
  return {code, std::strerror(number)};
}

}  // namespace

Result<ByteStream> ByteStream::open(const std::string& path) {
  ByteStream stream;
  stream.file_.reset(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (stream.file_ == nullptr) return system_error();
  struct stat about{};
  if (fstat(fileno(stream.file_.get()), &about) == 0) {
    if (S_ISDIR(about.st_mode)) return Error(Code::InvalidArgument, "is a folder");
    if (S_ISREG(about.st_mode)) stream.packed_bytes_ = static_cast<uint64_t>(about.st_size);
  }
  stream.packed_.resize(kReadBytes);
  TRY(stream.read_packed());
  stream.inflater_.emplace(codec::sniff(stream.packed_left_));
  return stream;
}

Result<void> ByteStream::read_packed() {
  const size_t got = std::fread(packed_.data(), 1, packed_.size(), file_.get());
  if (got < packed_.size()) {
    if (std::ferror(file_.get()) != 0) return system_error();
    file_ended_ = true;
  }
  packed_left_ = {packed_.data(), got};
  packed_offset_ += got;
  return {};
}

Result<Bytes> ByteStream::peek(size_t bytes) {
  if (window_.size() - begin_ < bytes) {
    if (begin_ > 0) std::memmove(window_.data(), window_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    window_.resize(std::max({window_.size(), bytes, kReadBytes}));
  }
  while (end_ - begin_ < bytes) {
    if (packed_left_.empty() && !file_ended_) TRY(read_packed());
    const size_t written =
        TRY(inflater_->inflate(packed_left_, std::span(window_).subspan(end_, window_.size() - end_)));
    end_ += written;
    if (written > 0 || !packed_left_.empty() || !file_ended_) continue;
    if (!inflater_->complete()) return Error(Code::InvalidArgument, "the packed data is cut off");
    break;
  }
  return Bytes(window_).subspan(begin_, end_ - begin_);
}

void ByteStream::consume(size_t bytes) {
  begin_ += bytes;
  offset_ += bytes;
}

}  // namespace clew::file
