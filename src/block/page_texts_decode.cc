// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "block/page_texts.h"
#include "block/text_form.h"

namespace clew::block {
namespace {

Error too_much() { return damaged("more text than its reader takes"); }

// `count` ends, `length` apart.
void fill_ends(size_t count, size_t length, TextValues& out) {
  out.ends.resize(count);
  for (size_t i = 0; i < count; i++) out.ends[i] = static_cast<uint32_t>((i + 1) * length);
}

bool is_beyond(size_t count, uint64_t length, uint64_t bytes_max) { return count > 0 && length > bytes_max / count; }

}  // namespace

Result<void> TextsDecoder::read(Bytes page, Nesting nesting, PageRange range, size_t count, uint64_t bytes_max,
                                TextValues& out) {
  PageCursor body(page);
  uint8_t encoding = 0;
  if (!body.byte(encoding)) return damaged("it is empty");
  bytes_max = std::min<uint64_t>(bytes_max, UINT32_MAX);  // what ends can say
  switch (static_cast<Encoding>(encoding)) {
    case Encoding::ConstantText:
      return read_constant(body, count, bytes_max, out);
    case Encoding::PlainText:
      return read_plain(body, range, count, bytes_max, out);
    case Encoding::HexText:
      return read_hex(body, range, count, bytes_max, out);
    case Encoding::UuidText:
      return read_uuids(body, range, count, bytes_max, out);
    case Encoding::DecimalText:
      return read_decimals(body, range, count, bytes_max, out);
    case Encoding::DictionaryText:
      if (nesting == Nesting::Top) return read_dictionary(body, range, count, bytes_max, out);
      break;
    default:
      break;
  }
  return damaged("its encoding");
}

Result<Bytes> TextsDecoder::stored(PageCursor body, uint64_t bytes) {
  uint8_t storage = 0;
  if (!body.byte(storage)) return damaged("it has no bytes");
  if (storage == static_cast<uint8_t>(Storage::Plain)) {
    if (body.left() != bytes) return damaged("its length");
    return body.rest();
  }
  Bytes frame;
  if (storage != static_cast<uint8_t>(Storage::Zstd) || !body.sized(frame) || body.left() != 0)
    return damaged("the storage of its bytes");
  uint8_t* const to = bytes_.at(bytes);
  if (!zstd_.read(frame, to, bytes)) return damaged("its compressed bytes");
  return Bytes(to, bytes);
}

Result<void> TextsDecoder::read_constant(PageCursor body, size_t count, uint64_t bytes_max, TextValues& out) {
  Bytes text;
  if (!body.sized(text) || body.left() != 0) return damaged("its constant");
  if (is_beyond(count, text.size(), bytes_max)) return too_much();
  fill_ends(count, text.size(), out);
  out.bytes.reserve(count * text.size());
  for (size_t i = 0; i < count && !text.empty(); i++) out.bytes += as_text(text);
  return {};
}

Result<void> TextsDecoder::read_plain(PageCursor body, PageRange range, size_t count, uint64_t bytes_max,
                                      TextValues& out) {
  Bytes lengths_page;
  if (!body.sized(lengths_page)) return damaged("its lengths");
  // All lengths: where a text begins is the sum of those before it.
  std::vector<uint32_t>& ends = out.ends;
  ends.resize(range.of);
  TRY(ints_.read_all(lengths_page, Nesting::Top, std::span(ends)));
  uint64_t total = 0;  // at most 2^24 lengths of 32 bits
  for (uint32_t& end : ends) {
    total += end;
    end = static_cast<uint32_t>(total);
  }
  if (total > bytes_max) return too_much();
  const std::string_view bytes = as_text(TRY(stored(body, total)));
  const uint32_t begin = range.first == 0 ? 0 : ends[range.first - 1];
  out.bytes = bytes.substr(begin, count == 0 ? 0 : ends[range.first + count - 1] - begin);
  if (count == range.of) return {};
  for (size_t i = 0; i < count; i++) ends[i] = ends[range.first + i] - begin;
  ends.resize(count);
  return {};
}

Result<void> TextsDecoder::read_hex(PageCursor body, PageRange range, size_t count, uint64_t bytes_max,
                                    TextValues& out) {
  uint64_t byte_count = 0;
  if (!body.varint(byte_count) || byte_count > kHexBytesMax) return damaged("the length of its texts");
  if (is_beyond(count, 2 * byte_count, bytes_max)) return too_much();
  if (byte_count > kHexNumberBytes) {
    if (is_beyond(range.of, 2 * byte_count, kPageTextBytesMax)) return too_much();
    const Bytes bytes = TRY(stored(body, range.of * byte_count)).subspan(range.first * byte_count, count * byte_count);
    out.bytes.resize(2 * bytes.size());
    hex_from_bytes(bytes.data(), bytes.size(), out.bytes.data());
  } else {
    const std::span<uint64_t> numbers(numbers_.at(count), count);
    TRY(ints_.read(body.rest(), Nesting::Top, range, numbers));
    out.bytes.resize(2 * count * byte_count);
    uint8_t bytes[kHexNumberBytes];
    for (size_t i = 0; i < count; i++) {
      write_big_endian(numbers[i], byte_count, bytes);
      hex_from_bytes(bytes, byte_count, out.bytes.data() + 2 * i * byte_count);
    }
  }
  fill_ends(count, 2 * byte_count, out);
  return {};
}

Result<void> TextsDecoder::read_uuids(PageCursor body, PageRange range, size_t count, uint64_t bytes_max,
                                      TextValues& out) {
  if (is_beyond(count, kUuidChars, bytes_max)) return too_much();
  Bytes versions_page;
  Bytes high_page;
  if (!body.sized(versions_page) || !body.sized(high_page)) return damaged("its UUIDs");
  const std::span<uint32_t> versions(codes_.at(count), count);
  const std::span<uint64_t> high(numbers_.at(count), count);
  const std::span<uint64_t> low(low_numbers_.at(count), count);
  TRY(ints_.read(versions_page, Nesting::Top, range, versions));
  TRY(ints_.read(high_page, Nesting::Top, range, high));
  TRY(ints_.read(body.rest(), Nesting::Top, range, low));
  fill_ends(count, kUuidChars, out);
  out.bytes.resize(count * kUuidChars);
  for (size_t i = 0; i < count; i++)
    write_uuid({high[i], low[i], static_cast<uint8_t>(versions[i] & 15)}, out.bytes.data() + i * kUuidChars);
  return {};
}

Result<void> TextsDecoder::read_decimals(PageCursor body, PageRange range, size_t count, uint64_t bytes_max,
                                         TextValues& out) {
  uint64_t* const numbers = numbers_.at(count);
  TRY(ints_.read(body.rest(), Nesting::Top, range, std::span<uint64_t>(numbers, count)));
  out.ends.resize(count);
  char text[kDecimalCharsMax];
  for (size_t i = 0; i < count; i++) {
    out.bytes.append(text, write_decimal(static_cast<int64_t>(numbers[i]), text));
    if (out.bytes.size() > bytes_max) return too_much();
    out.ends[i] = static_cast<uint32_t>(out.bytes.size());
  }
  return {};
}

Result<void> TextsDecoder::read_dictionary(PageCursor body, PageRange range, size_t count, uint64_t bytes_max,
                                           TextValues& out) {
  uint64_t entries = 0;
  Bytes entries_page;
  if (!body.varint(entries) || entries > range.of || !body.sized(entries_page)) return damaged("its dictionary");
  distinct_.clear();
  TRY(read(entries_page, Nesting::Inner, {entries, 0}, entries, bytes_max, distinct_));
  const std::span<uint32_t> codes(codes_.at(count), count);
  TRY(ints_.read(body.rest(), Nesting::Top, range, codes));
  out.ends.resize(count);
  uint64_t total = 0;
  for (size_t i = 0; i < count; i++) {
    if (codes[i] >= entries) return damaged("an index beyond its dictionary");
    total += distinct_[codes[i]].size();
    if (total > bytes_max) return too_much();
    out.ends[i] = static_cast<uint32_t>(total);
  }
  out.bytes.reserve(total);
  for (const uint32_t code : codes) out.bytes += distinct_[code];
  return {};
}

}  // namespace clew::block
