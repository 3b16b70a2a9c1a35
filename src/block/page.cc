// SPDX-License-Identifier: Apache-2.0
#include "block/page.h"

#include <algorithm>

#include "base/check.h"
#include "block/bit_pack.h"
#include "codec/varint.h"

namespace clew::block {
namespace {

Error damaged(std::string_view what) { return {Code::DataLoss, "a damaged page: " + std::string(what)}; }

template <class T>
Encoding pack(std::span<const T> values, std::string& out) {
  uint64_t low = values.empty() ? 0 : values[0];
  uint64_t high = low;
  for (const T value : values) {
    low = std::min<uint64_t>(low, value);
    high = std::max<uint64_t>(high, value);
  }
  const Encoding encoding = low == high ? Encoding::Constant : Encoding::BitPacked;
  out.push_back(static_cast<char>(encoding));
  if (encoding == Encoding::Constant) {
    codec::append_varint(out, low);
    return encoding;
  }
  const uint32_t width = bit_width(high - low);
  out.push_back(static_cast<char>(width));
  codec::append_varint(out, low);
  std::vector<uint64_t> differences(values.begin(), values.end());
  for (uint64_t& value : differences) value -= low;
  const size_t at = out.size();
  out.resize(at + packed_bytes(values.size(), width));
  bit_pack(differences.data(), values.size(), width, reinterpret_cast<uint8_t*>(out.data() + at));
  return encoding;
}

Result<void> unpack(Bytes page, std::span<uint64_t> out) {
  const uint8_t* next = page.data() + 1;
  const uint8_t* const end = page.data() + page.size();
  const std::optional<Encoding> encoding = encoding_of(page);
  uint64_t low = 0;
  if (encoding == Encoding::Constant) {
    if (!codec::read_varint(next, end, low) || next != end) return damaged("its constant");
    std::fill(out.begin(), out.end(), low);
    return {};
  }
  if (encoding != Encoding::BitPacked || page.size() < 2) return damaged("its encoding");
  const uint32_t width = *next++;
  if (width > kWidthMax || !codec::read_varint(next, end, low)) return damaged("its frame");
  if (static_cast<size_t>(end - next) != packed_bytes(out.size(), width)) return damaged("its length");
  bit_unpack(next, out.size(), width, low, out.data());
  return {};
}

}  // namespace

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
  }
  return "unknown";
}

std::optional<Encoding> encoding_of(Bytes page) {
  if (page.empty()) return std::nullopt;
  const auto encoding = static_cast<Encoding>(page[0]);
  if (name_of(encoding) == "unknown") return std::nullopt;
  return encoding;
}

struct PageEncoder::Scratch {};
struct PageDecoder::Scratch {};

PageEncoder::PageEncoder(const PageOptions&) : scratch_(std::make_unique<Scratch>()) {}
PageEncoder::~PageEncoder() = default;
PageDecoder::PageDecoder() : scratch_(std::make_unique<Scratch>()) {}
PageDecoder::~PageDecoder() = default;

Encoding PageEncoder::ints(std::span<const uint64_t> values, std::string& out) { return pack(values, out); }
Encoding PageEncoder::ints(std::span<const uint32_t> values, std::string& out) { return pack(values, out); }

Encoding PageEncoder::texts(const TextValues& values, std::string& out) {
  out.push_back(static_cast<char>(Encoding::PlainText));
  std::vector<uint64_t> lengths(values.size());
  for (size_t i = 0; i < lengths.size(); i++) lengths[i] = values[i].size();
  std::string page;
  pack(std::span<const uint64_t>(lengths), page);
  codec::append_varint(out, page.size());
  out += page;
  out += values.bytes;
  return Encoding::PlainText;
}

Result<void> PageDecoder::ints(Bytes page, std::span<uint64_t> out) { return unpack(page, out); }

Result<void> PageDecoder::ints(Bytes page, std::span<uint32_t> out) {
  std::vector<uint64_t> wide(out.size());
  TRY(unpack(page, wide));
  for (size_t i = 0; i < wide.size(); i++) {
    if (wide[i] > UINT32_MAX) return damaged("a value of more than 32 bits");
    out[i] = static_cast<uint32_t>(wide[i]);
  }
  return {};
}

Result<void> PageDecoder::texts(Bytes page, size_t count, TextValues& out, uint64_t bytes_max) {
  out.clear();
  if (encoding_of(page) != Encoding::PlainText) return damaged("its encoding");
  const uint8_t* next = page.data() + 1;
  const uint8_t* const end = page.data() + page.size();
  uint64_t size = 0;
  if (!codec::read_varint(next, end, size) || size > static_cast<size_t>(end - next)) return damaged("its lengths");
  std::vector<uint64_t> lengths(count);
  TRY(unpack(Bytes(next, size), lengths));
  next += size;
  uint64_t total = 0;
  for (const uint64_t length : lengths) {
    total += length;
    if (length > bytes_max || total > bytes_max) return damaged("too much text");
    out.ends.push_back(static_cast<uint32_t>(total));
  }
  if (total != static_cast<size_t>(end - next)) return damaged("its length");
  out.bytes = as_text(Bytes(next, total));
  return {};
}

}  // namespace clew::block
