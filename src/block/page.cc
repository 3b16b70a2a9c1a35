// SPDX-License-Identifier: Apache-2.0
#include "block/page.h"

#include "base/check.h"
#include "block/page_ints.h"
#include "block/page_parts.h"
#include "block/page_texts.h"

namespace clew::block {
std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::Constant:
      return "constant";
    case Encoding::BitPacked:
      return "bit packed";
    case Encoding::Delta:
      return "delta";
    case Encoding::RunLength:
      return "run length";
    case Encoding::BytePlanes:
      return "byte planes";
    case Encoding::Dictionary:
      return "dictionary";
    case Encoding::PlainText:
      return "plain text";
    case Encoding::HexText:
      return "hex text";
    case Encoding::UuidText:
      return "uuid text";
    case Encoding::DecimalText:
      return "decimal text";
    case Encoding::ConstantText:
      return "constant text";
    case Encoding::DictionaryText:
      return "dictionary text";
  }
  return "unknown";
}

std::optional<Encoding> encoding_of(Bytes page) {
  if (page.empty()) return std::nullopt;
  const auto encoding = static_cast<Encoding>(page[0]);
  if (name_of(encoding) == "unknown") return std::nullopt;
  return encoding;
}

struct PageEncoder::Scratch {
  explicit Scratch(const PageOptions& options) : zstd(options.zstd_level) {}

  ZstdWriter zstd;
  IntsEncoder ints{zstd};
  TextsEncoder texts{zstd, ints};
};

struct PageDecoder::Scratch {
  ZstdReader zstd;
  IntsDecoder ints{zstd};
  TextsDecoder texts{zstd, ints};
};

PageEncoder::PageEncoder(const PageOptions& options) : scratch_(std::make_unique<Scratch>(options)) {}
PageEncoder::~PageEncoder() = default;
PageDecoder::PageDecoder() : scratch_(std::make_unique<Scratch>()) {}
PageDecoder::~PageDecoder() = default;

Encoding PageEncoder::ints(std::span<const uint64_t> values, std::string& out) {
  return scratch_->ints.append(values, Nesting::Top, out);
}

Encoding PageEncoder::ints(std::span<const uint32_t> values, std::string& out) {
  return scratch_->ints.append(values, Nesting::Top, out);
}

Encoding PageEncoder::texts(const TextValues& values, std::string& out) {
  return scratch_->texts.append(values, Nesting::Top, out);
}

Result<void> PageDecoder::ints(Bytes page, std::span<uint64_t> out) { return ints(page, {out.size(), 0}, out); }
Result<void> PageDecoder::ints(Bytes page, std::span<uint32_t> out) { return ints(page, {out.size(), 0}, out); }

Result<void> PageDecoder::ints(Bytes page, PageRange range, std::span<uint64_t> out) {
  CHECK(range.first <= range.of && out.size() <= range.of - range.first);
  return scratch_->ints.read(page, Nesting::Top, range, out);
}

Result<void> PageDecoder::ints(Bytes page, PageRange range, std::span<uint32_t> out) {
  CHECK(range.first <= range.of && out.size() <= range.of - range.first);
  return scratch_->ints.read(page, Nesting::Top, range, out);
}

Result<void> PageDecoder::texts(Bytes page, size_t count, TextValues& out, uint64_t bytes_max) {
  return texts(page, {count, 0}, count, out, bytes_max);
}

Result<void> PageDecoder::texts(Bytes page, PageRange range, size_t count, TextValues& out, uint64_t bytes_max) {
  CHECK(range.first <= range.of && count <= range.of - range.first);
  out.clear();
  Result<void> read = scratch_->texts.read(page, Nesting::Top, range, count, bytes_max, out);
  if (!read.ok()) out.clear();
  return read;
}

}  // namespace clew::block
