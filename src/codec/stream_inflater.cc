// SPDX-License-Identifier: Apache-2.0
#include "codec/stream_inflater.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"

namespace clew::codec {
namespace {

// zlib counts in 32 bits.
constexpr size_t kPieceBytesMax = size_t{1} << 30;
constexpr int kGzipOnly = 16;

Error damaged(std::string_view encoding, std::string_view why) {
  return {Code::InvalidArgument, std::string(encoding) + " data is damaged: " + std::string(why)};
}

}  // namespace

struct StreamInflater::State {
  explicit State(Encoding given) : encoding(given) {
    if (encoding == Encoding::Gzip) CHECK(inflateInit2(&gzip, MAX_WBITS + kGzipOnly) == Z_OK);
    if (encoding == Encoding::Zstd) {
      zstd = ZSTD_createDCtx();
      CHECK(zstd != nullptr);
    }
  }
  ~State() {
    if (encoding == Encoding::Gzip) inflateEnd(&gzip);
    ZSTD_freeDCtx(zstd);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<size_t> gunzip(Bytes& packed, std::span<uint8_t> out) {
    size_t written = 0;
    // Also without input: the library may still hold output.
    do {
      if (complete) CHECK(inflateReset(&gzip) == Z_OK);
      complete = false;
      const size_t piece = std::min(packed.size(), kPieceBytesMax);
      const size_t room = std::min(out.size(), kPieceBytesMax);
      gzip.next_in = const_cast<uint8_t*>(packed.data());  // NOLINT: zlib does not write to it
      gzip.avail_in = static_cast<uInt>(piece);
      gzip.next_out = out.data();
      gzip.avail_out = static_cast<uInt>(room);
      const int status = ::inflate(&gzip, Z_NO_FLUSH);
      packed = packed.subspan(piece - gzip.avail_in);
      written = room - gzip.avail_out;
      if (status == Z_STREAM_END) {
        complete = true;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return damaged("gzip", gzip.msg == nullptr ? "no reason given" : gzip.msg);
      }
    } while (written == 0 && !packed.empty());
    return written;
  }

  Result<size_t> unzstd(Bytes& packed, std::span<uint8_t> out) {
    ZSTD_outBuffer to = {out.data(), out.size(), 0};
    ZSTD_inBuffer from = {packed.data(), packed.size(), 0};
    while (to.pos == 0) {
      const size_t left = ZSTD_decompressStream(zstd, &to, &from);
      if (ZSTD_isError(left) != 0) return damaged("zstd", ZSTD_getErrorName(left));
      complete = left == 0;
      if (from.pos == from.size) break;
    }
    packed = packed.subspan(from.pos);
    return to.pos;
  }

  Encoding encoding;
  z_stream gzip{};
  ZSTD_DCtx* zstd = nullptr;
  bool complete = true;
};

StreamInflater::StreamInflater(Encoding encoding) : state_(std::make_unique<State>(encoding)) {}
StreamInflater::StreamInflater(StreamInflater&&) noexcept = default;
StreamInflater& StreamInflater::operator=(StreamInflater&&) noexcept = default;
StreamInflater::~StreamInflater() = default;

Result<size_t> StreamInflater::inflate(Bytes& packed, std::span<uint8_t> out) {
  CHECK(!out.empty());
  if (packed.empty() && state_->complete) return size_t{0};
  if (state_->encoding == Encoding::Gzip) return state_->gunzip(packed, out);
  if (state_->encoding == Encoding::Zstd) return state_->unzstd(packed, out);
  const size_t bytes = std::min(packed.size(), out.size());
  std::memcpy(out.data(), packed.data(), bytes);
  packed = packed.subspan(bytes);
  return bytes;
}

bool StreamInflater::complete() const { return state_->complete; }

}  // namespace clew::codec
