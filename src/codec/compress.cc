// SPDX-License-Identifier: Apache-2.0
//
// Both libraries are used in their one-shot form: the output buffer is its own window, so no window memory is needed
// whatever a header asks for, and one call does the work. The price: when a size is not known, the buffer may be too
// small and the work starts again in one of twice the size, which at most doubles the whole. libdeflate 1.14 and zstd
// both tell "too small" from "damaged".
#include "codec/compress.h"

#include <libdeflate.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <new>

#include "base/check.h"

namespace clew::codec {
namespace {

constexpr size_t kGzipMemberBytesMin = 18;
// Deflate codes at most 258 bytes in 2 bits.
constexpr size_t kDeflateRatioMax = 1032;
// First guess for zstd frames that do not tell their size; protobuf batches come out between 5 and 11 times larger.
constexpr size_t kZstdRatioGuess = 8;
constexpr size_t kGuessBytesMin = 4096;

struct FreeGzipReader {
  void operator()(libdeflate_decompressor* reader) const { libdeflate_free_decompressor(reader); }
};
struct FreeGzipWriter {
  void operator()(libdeflate_compressor* writer) const { libdeflate_free_compressor(writer); }
};
struct FreeZstdReader {
  void operator()(ZSTD_DCtx* reader) const { ZSTD_freeDCtx(reader); }
};
struct FreeZstdWriter {
  void operator()(ZSTD_CCtx* writer) const { ZSTD_freeCCtx(writer); }
};

template <class T>
T* allocated(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

// How one attempt to inflate into a buffer of limited size ended.
enum class Attempt : uint8_t { Done, TooSmall, Damaged };

bool begins_gzip(Bytes body) { return body.size() >= 2 && body[0] == 0x1F && body[1] == 0x8B; }
bool begins_zstd(Bytes body) { return body.size() >= 4 && load<uint32_t>(body.data()) == ZSTD_MAGICNUMBER; }

size_t claimed_size(Encoding encoding, Bytes body) {
  if (encoding == Encoding::Gzip) {
    if (body.size() < kGzipMemberBytesMin) return kGuessBytesMin;
    const size_t claim = load<uint32_t>(body.data() + body.size() - sizeof(uint32_t));
    return std::min(claim, body.size() * kDeflateRatioMax);
  }
  const unsigned long long claim = ZSTD_getFrameContentSize(body.data(), body.size());
  if (claim == ZSTD_CONTENTSIZE_UNKNOWN || claim == ZSTD_CONTENTSIZE_ERROR) return body.size() * kZstdRatioGuess;
  return claim;
}

Error too_large(size_t bytes_max) {
  return {Code::ResourceExhausted,
          "the inflated body is larger than the limit of " + std::to_string(bytes_max) + " bytes"};
}

}  // namespace

Encoding sniff(Bytes body) {
  if (begins_gzip(body)) return Encoding::Gzip;
  if (begins_zstd(body)) return Encoding::Zstd;
  return Encoding::None;
}

std::optional<Encoding> encoding_from_name(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower.empty() || lower == "identity") return Encoding::None;
  if (lower == "gzip" || lower == "x-gzip") return Encoding::Gzip;
  if (lower == "zstd") return Encoding::Zstd;
  return std::nullopt;
}

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::Gzip:
      return "gzip";
    case Encoding::Zstd:
      return "zstd";
    case Encoding::None:
      break;
  }
  return "identity";
}

size_t inflated_size_hint(Encoding encoding, Bytes body, size_t bytes_max) {
  if (encoding == Encoding::None) return std::min(body.size(), bytes_max);
  return std::min(std::max(claimed_size(encoding, body), kGuessBytesMin), bytes_max);
}

struct Inflater::State {
  std::unique_ptr<libdeflate_decompressor, FreeGzipReader> gzip;
  std::unique_ptr<ZSTD_DCtx, FreeZstdReader> zstd;
  std::unique_ptr<uint8_t[]> out;
  size_t out_bytes = 0;  // without the padding

  void ensure(size_t bytes) {
    if (bytes <= out_bytes && out != nullptr) return;
    out.reset();  // an attempt starts from nothing: what was there need not be copied
    out = std::make_unique_for_overwrite<uint8_t[]>(bytes + kPadding);
    out_bytes = bytes;
  }

  Attempt gunzip(Bytes body, size_t room, size_t& written) {
    if (gzip == nullptr) gzip.reset(allocated(libdeflate_alloc_decompressor()));
    written = 0;
    do {
      if (!begins_gzip(body)) return Attempt::Damaged;
      size_t member = 0;
      size_t inflated = 0;
      const libdeflate_result result = libdeflate_gzip_decompress_ex(
          gzip.get(), body.data(), body.size(), out.get() + written, room - written, &member, &inflated);
      if (result == LIBDEFLATE_INSUFFICIENT_SPACE) return Attempt::TooSmall;
      if (result != LIBDEFLATE_SUCCESS) return Attempt::Damaged;
      written += inflated;
      body = body.subspan(member);
    } while (!body.empty());
    return Attempt::Done;
  }

  Attempt unzstd(Bytes body, size_t room, size_t& written) {
    if (zstd == nullptr) zstd.reset(allocated(ZSTD_createDCtx()));
    if (!begins_zstd(body)) return Attempt::Damaged;
    written = ZSTD_decompressDCtx(zstd.get(), out.get(), room, body.data(), body.size());
    if (ZSTD_isError(written) == 0) return Attempt::Done;
    return ZSTD_getErrorCode(written) == ZSTD_error_dstSize_tooSmall ? Attempt::TooSmall : Attempt::Damaged;
  }
};

Inflater::Inflater() : state_(std::make_unique<State>()) {}
Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&&) noexcept = default;
Inflater& Inflater::operator=(Inflater&&) noexcept = default;

Result<Bytes> Inflater::inflate(Encoding encoding, Bytes body, size_t bytes_max, const Admit& admit) {
  if (encoding == Encoding::None) {
    if (body.size() > bytes_max) return too_large(bytes_max);
    return body;
  }
  for (size_t room = inflated_size_hint(encoding, body, bytes_max);; room = std::min(room * 2, bytes_max)) {
    if (admit && !admit(room)) return Error(Code::Unavailable, "no memory left to inflate the body; try again later");
    state_->ensure(room);
    size_t written = 0;
    const Attempt attempt =
        encoding == Encoding::Gzip ? state_->gunzip(body, room, written) : state_->unzstd(body, room, written);
    if (attempt == Attempt::Done) {
      std::memset(state_->out.get() + written, 0, kPadding);
      return Bytes(state_->out.get(), written);
    }
    if (attempt == Attempt::Damaged)
      return Error(Code::InvalidArgument, "the body is not valid " + std::string(name_of(encoding)));
    if (room >= bytes_max) return too_large(bytes_max);
  }
}

void Inflater::trim() {
  if (state_->out_bytes <= kKeepBytesMax) return;
  state_->out.reset();
  state_->out_bytes = 0;
}

struct Deflater::State {
  std::unique_ptr<libdeflate_compressor, FreeGzipWriter> gzip;
  std::unique_ptr<ZSTD_CCtx, FreeZstdWriter> zstd;
};

Deflater::Deflater() : state_(std::make_unique<State>()) {}
Deflater::~Deflater() = default;
Deflater::Deflater(Deflater&&) noexcept = default;
Deflater& Deflater::operator=(Deflater&&) noexcept = default;

std::string Deflater::deflate(Encoding encoding, std::string_view text) {
  std::string out;
  if (encoding == Encoding::Gzip) {
    if (state_->gzip == nullptr) state_->gzip.reset(allocated(libdeflate_alloc_compressor(kGzipLevel)));
    out.resize(libdeflate_gzip_compress_bound(state_->gzip.get(), text.size()));
    out.resize(libdeflate_gzip_compress(state_->gzip.get(), text.data(), text.size(), out.data(), out.size()));
    CHECK(!out.empty());
  } else if (encoding == Encoding::Zstd) {
    if (state_->zstd == nullptr) state_->zstd.reset(allocated(ZSTD_createCCtx()));
    out.resize(ZSTD_compressBound(text.size()));
    const size_t size =
        ZSTD_compressCCtx(state_->zstd.get(), out.data(), out.size(), text.data(), text.size(), kZstdLevel);
    CHECK(ZSTD_isError(size) == 0);  // the bound always suffices
    out.resize(size);
  } else {
    out = text;
  }
  return out;
}

}  // namespace clew::codec
