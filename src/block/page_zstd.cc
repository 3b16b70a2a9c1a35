// SPDX-License-Identifier: Apache-2.0
//
// Frames carry neither their size nor a checksum: the page knows the one, its directory has the other. The output
// buffer of the writer is as small as the gain that is asked for, so that zstd itself gives up early on what does not
// compress.
#include <zstd.h>

#include <mutex>
#include <vector>

#include "base/check.h"
#include "block/page_parts.h"

namespace clew::block {
namespace {

// Fewer bytes are not worth the 9 of a frame.
constexpr size_t kRawBytesMin = 32;
// zstd must save one byte of so many: below, decoding costs more than the bytes.
constexpr size_t kGainDivisor = 16;

template <class T>
T* allocated(T* object) {
  CHECK(object != nullptr);
  return object;
}

char header_of(uint8_t tag, Storage storage) { return static_cast<char>(tag << 4 | static_cast<uint8_t>(storage)); }

}  // namespace

struct ZstdWriter::State {
  ZSTD_CCtx* context = allocated(ZSTD_createCCtx());
  ScratchOf<uint8_t> frame;

  ~State() { ZSTD_freeCCtx(context); }
};

ZstdWriter::ZstdWriter(int level) : state_(std::make_unique<State>()) {
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_contentSizeFlag, 0);
}

ZstdWriter::~ZstdWriter() = default;

void ZstdWriter::append_best(Bytes raw, uint8_t tag, std::string& out) {
  if (raw.size() >= kRawBytesMin) {
    const size_t room = raw.size() - raw.size() / kGainDivisor;
    uint8_t* const frame = state_->frame.at(room);
    const size_t bytes = ZSTD_compress2(state_->context, frame, room, raw.data(), raw.size());
    if (ZSTD_isError(bytes) == 0) {
      out.push_back(header_of(tag, Storage::Zstd));
      codec::append_varint(out, bytes);
      out.append(as_text(Bytes(frame, bytes)));
      return;
    }
  }
  append_plain(raw, tag, out);
}

void ZstdWriter::append_plain(Bytes raw, uint8_t tag, std::string& out) {
  out.push_back(header_of(tag, Storage::Plain));
  out.append(as_text(raw));
}

namespace {

// Contexts between two readers. A row group has a reader of its own, and to make a context takes as long as to
// decompress a page.
class WaitingContexts {
 public:
  ~WaitingContexts() {
    for (ZSTD_DCtx* context : contexts_) ZSTD_freeDCtx(context);
  }
  ZSTD_DCtx* take() {
    const std::lock_guard lock(mutex_);
    if (contexts_.empty()) return allocated(ZSTD_createDCtx());
    ZSTD_DCtx* const context = contexts_.back();
    contexts_.pop_back();
    return context;
  }
  void give_back(ZSTD_DCtx* context) {
    const std::lock_guard lock(mutex_);
    if (contexts_.size() < kWaitingMax) {
      contexts_.push_back(context);
    } else {
      ZSTD_freeDCtx(context);
    }
  }

 private:
  static constexpr size_t kWaitingMax = 16;  // of 160 KiB

  std::mutex mutex_;
  std::vector<ZSTD_DCtx*> contexts_;
};

WaitingContexts& waiting_contexts() {
  static WaitingContexts contexts;
  return contexts;
}

}  // namespace

struct ZstdReader::State {
  ZSTD_DCtx* context = waiting_contexts().take();

  ~State() { waiting_contexts().give_back(context); }
};

ZstdReader::ZstdReader() = default;
ZstdReader::~ZstdReader() = default;

bool ZstdReader::read(Bytes frame, void* to, size_t bytes) {
  if (!state_) state_ = std::make_unique<State>();  // many decoders never need one
  // In one shot `to` is the window: whatever window the frame claims, nothing is allocated for it.
  const size_t written = ZSTD_decompressDCtx(state_->context, to, bytes, frame.data(), frame.size());
  return ZSTD_isError(written) == 0 && written == bytes;
}

}  // namespace clew::block
