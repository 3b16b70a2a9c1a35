// SPDX-License-Identifier: Apache-2.0
//
// Every claim of a page is checked against the count that was asked for before memory is taken or a value written, and
// every page must end where its values do.
#include <algorithm>

#include "block/bit_pack.h"
#include "block/page_ints.h"

namespace clew::block {
namespace {

constexpr size_t kChunkValues = 1024;  // a multiple of kPackStep: chunks end on whole bytes

uint64_t unzigzag(uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

Error too_wide() { return damaged("a value of more than 32 bits"); }

// Copies `count` values; false if one does not fit.
template <class T>
bool narrow(const uint64_t* values, size_t count, T* out) {
  uint64_t all = 0;
  for (size_t i = 0; i < count; i++) {
    all |= values[i];
    out[i] = static_cast<T>(values[i]);
  }
  return all == static_cast<T>(all);
}

template <class Word>
void add_words(const uint8_t* from, size_t count, uint32_t shift, uint64_t* values) {
  for (size_t i = 0; i < count; i++) values[i] += uint64_t{load<Word>(from + i * sizeof(Word))} << shift;
}

void add_slice(const uint8_t* from, size_t count, uint32_t byte_count, uint32_t shift, uint64_t* values) {
  if (byte_count == 1) return add_words<uint8_t>(from, count, shift, values);
  if (byte_count == 2) return add_words<uint16_t>(from, count, shift, values);
  if (byte_count == 4) return add_words<uint32_t>(from, count, shift, values);
  return add_words<uint64_t>(from, count, shift, values);
}

// out[i] = base + word i.
template <class Word, class T>
void widen(const uint8_t* from, T base, std::span<T> out) {
  for (size_t i = 0; i < out.size(); i++) out[i] = static_cast<T>(base + load<Word>(from + i * sizeof(Word)));
}

bool is_word(uint32_t bytes) { return bytes <= sizeof(uint64_t) && std::has_single_bit(bytes); }

struct Frame {
  uint32_t width = 0;
  uint64_t low = 0;
  // Does no value wrap around, nor exceed `limit`?
  bool is_within(uint64_t limit) const { return low <= limit && low_bits(width) <= limit - low; }
};

bool read_frame(PageCursor& body, Frame& frame) {
  uint8_t width = 0;
  if (!body.byte(width) || width > kWidthMax || !body.varint(frame.low)) return false;
  frame.width = width;
  return true;
}

}  // namespace

std::optional<IntBounds> bounds_of(Bytes page) {
  const std::optional<Encoding> encoding = encoding_of(page);
  if (!encoding) return std::nullopt;
  PageCursor body(page.subspan(1));
  Frame frame;
  if (encoding == Encoding::Constant && body.varint(frame.low)) return IntBounds{frame.low, frame.low};
  if (encoding != Encoding::BitPacked || !read_frame(body, frame) || !frame.is_within(UINT64_MAX)) return std::nullopt;
  return IntBounds{frame.low, frame.low + low_bits(frame.width)};
}

template <class T>
Result<void> IntsDecoder::read(Bytes page, Nesting nesting, PageRange range, std::span<T> out) {
  PageCursor body(page);
  uint8_t encoding = 0;
  if (!body.byte(encoding)) return damaged("it is empty");
  switch (static_cast<Encoding>(encoding)) {
    case Encoding::Constant: {
      uint64_t value = 0;
      if (!body.varint(value) || body.left() != 0) return damaged("its constant");
      if (value != static_cast<T>(value)) return too_wide();
      std::fill(out.begin(), out.end(), static_cast<T>(value));
      return {};
    }
    case Encoding::BitPacked:
      return read_packed(body, range, out);
    case Encoding::Delta:
      return read_delta(body, range, out);
    case Encoding::BytePlanes:
      return read_planes(body, range, out);
    case Encoding::RunLength:
      if (nesting == Nesting::Top) return read_runs(body, range, out);
      break;
    case Encoding::Dictionary:
      if (nesting == Nesting::Top) return read_dictionary(body, range, out);
      break;
    default:
      break;
  }
  return damaged("its encoding");
}

template <class T>
Result<void> IntsDecoder::read_packed(PageCursor body, PageRange range, std::span<T> out) {
  Frame frame;
  if (!read_frame(body, frame)) return damaged("its frame");
  if (body.left() != packed_bytes(range.of, frame.width)) return damaged("its length");
  const bool fits = frame.is_within(static_cast<T>(-1)) || sizeof(T) == sizeof(uint64_t);
  if (fits && range.first == 0) {
    bit_unpack(body.next, out.size(), frame.width, static_cast<T>(frame.low), out.data());
    return {};
  }
  uint64_t values[kChunkValues];
  size_t skip = range.first % kPackStep;  // a step begins on a whole byte
  body.next += packed_bytes(range.first - skip, frame.width);
  for (size_t at = 0; at < out.size(); skip = 0) {
    const size_t count = std::min(kChunkValues - skip, out.size() - at);
    bit_unpack(body.next, skip + count, frame.width, frame.low, values);
    if (!narrow(values + skip, count, out.data() + at)) return too_wide();
    body.next += packed_bytes(kChunkValues, frame.width);
    at += count;
  }
  return {};
}

template <class T>
Result<void> IntsDecoder::read_delta(PageCursor body, PageRange range, std::span<T> out) {
  uint64_t value = 0;
  Frame frame;
  if (!body.varint(value) || !read_frame(body, frame)) return damaged("its frame");
  if (range.of == 0 || body.left() != packed_bytes(range.of - 1, frame.width)) return damaged("its length");
  const size_t end = range.first + out.size();
  if (range.first == 0 && !out.empty() && !narrow(&value, 1, out.data())) return too_wide();
  uint64_t values[kChunkValues];
  for (size_t first = 1; first < end; first += kChunkValues) {
    const size_t count = std::min(kChunkValues, end - first);
    bit_unpack(body.next, count, frame.width, unzigzag(frame.low), values);
    for (size_t i = 0; i < count; i++) values[i] = value += values[i];
    const size_t skip = first < range.first ? std::min(range.first - first, count) : 0;
    if (skip < count && !narrow(values + skip, count - skip, &out[first + skip - range.first])) return too_wide();
    body.next += packed_bytes(count, frame.width);
  }
  return {};
}

template <class T>
Result<void> IntsDecoder::read_runs(PageCursor body, PageRange range, std::span<T> out) {
  uint64_t runs = 0;
  Bytes values_page;
  if (!body.varint(runs) || runs > range.of || !body.sized(values_page)) return damaged("its runs");
  const std::span<uint64_t> values(inner_values_.at(runs), runs);
  const std::span<uint32_t> lengths(inner_counts_.at(runs), runs);
  TRY(read_all(values_page, Nesting::Inner, values));
  TRY(read_all(body.rest(), Nesting::Inner, lengths));
  const size_t end = range.first + out.size();
  size_t at = 0;
  for (size_t run = 0; run < runs; run++) {
    const size_t length = size_t{lengths[run]} + 1;
    if (length > range.of - at) return damaged("its runs are too long");
    if (values[run] != static_cast<T>(values[run])) return too_wide();
    const size_t from = std::max(at, range.first);
    const size_t to = std::min(at + length, end);
    if (from < to) std::fill_n(out.data() + (from - range.first), to - from, static_cast<T>(values[run]));
    at += length;
  }
  if (at != range.of) return damaged("its runs are too short");
  return {};
}

template <class T>
Result<void> IntsDecoder::read_dictionary(PageCursor body, PageRange range, std::span<T> out) {
  uint64_t entries = 0;
  Bytes entries_page;
  if (!body.varint(entries) || entries > range.of || !body.sized(entries_page)) return damaged("its dictionary");
  const std::span<uint64_t> values(inner_values_.at(entries), entries);
  const std::span<uint32_t> codes(inner_counts_.at(out.size()), out.size());
  TRY(read_all(entries_page, Nesting::Inner, values));
  TRY(read(body.rest(), Nesting::Inner, range, codes));
  uint64_t all = 0;
  for (const uint64_t value : values) all |= value;
  if (all != static_cast<T>(all)) return too_wide();
  for (size_t i = 0; i < out.size(); i++) {
    if (codes[i] >= entries) return damaged("an index beyond its dictionary");
    out[i] = static_cast<T>(values[codes[i]]);
  }
  return {};
}

Result<void> IntsDecoder::find_slices(PageCursor body, size_t count, std::span<Slice> found) {
  uint8_t* unzipped = planes_.at(count * sizeof(uint64_t));
  uint32_t first_bit = 0;
  for (Slice& slice : found) {
    uint8_t header = 0;
    if (!body.byte(header)) return damaged("a plane is missing");
    const uint32_t byte_count = header >> 4;
    if (!is_word(byte_count) || first_bit + byte_count * 8 > 64) return damaged("its planes");
    slice = {nullptr, byte_count, first_bit};
    const size_t bytes = count * byte_count;
    Bytes raw;
    switch (static_cast<Storage>(header & 0x0F)) {
      case Storage::Plain:
        if (!body.take(bytes, raw)) return damaged("a plane is too short");
        slice.bytes = raw.data();
        break;
      case Storage::Zstd:
        if (!body.sized(raw) || !zstd_.read(raw, unzipped, bytes)) return damaged("a compressed plane");
        slice.bytes = unzipped;
        unzipped += bytes;
        break;
      default:
        return damaged("the storage of a plane");
    }
    first_bit += byte_count * 8;
  }
  if (body.left() != 0) return damaged("bytes behind its planes");
  return {};
}

template <class T>
Result<void> IntsDecoder::read_planes(PageCursor body, PageRange range, std::span<T> out) {
  uint8_t header = 0;
  uint64_t value = 0;
  if (!body.byte(header) || !body.varint(value)) return damaged("its planes");
  const uint32_t transform = header & 0x0Fu;
  const uint32_t slice_count = header >> 4;
  std::array<Slice, sizeof(uint64_t)> slices;
  if (transform > static_cast<uint32_t>(PlaneTransform::Delta) || slice_count > slices.size())
    return damaged("its planes");
  const bool is_delta = transform == static_cast<uint32_t>(PlaneTransform::Delta);
  const std::span<Slice> found = std::span(slices).first(slice_count);
  TRY(find_slices(body, range.of, found));
  // Codes of templates, resources and dictionaries mostly are one such plane.
  if (found.size() == 1 && !is_delta && value <= UINT16_MAX && found[0].byte_count <= sizeof(uint16_t)) {
    const uint8_t* const from = found[0].bytes + range.first * found[0].byte_count;
    const auto base = static_cast<T>(value);
    found[0].byte_count == 1 ? widen<uint8_t>(from, base, out) : widen<uint16_t>(from, base, out);
    return {};
  }
  uint64_t values[kChunkValues];
  const size_t end = range.first + out.size();
  // A difference needs all before it.
  for (size_t first = is_delta ? 0 : range.first; first < end; first += kChunkValues) {
    const size_t count = std::min(kChunkValues, end - first);
    std::fill_n(values, count, is_delta ? 0 : value);
    for (const Slice& slice : found)
      add_slice(slice.bytes + first * slice.byte_count, count, slice.byte_count, slice.first_bit, values);
    if (is_delta) {
      for (size_t i = 0; i < count; i++) values[i] = value += unzigzag(values[i]);
    }
    const size_t skip = first < range.first ? std::min(range.first - first, count) : 0;
    if (skip < count && !narrow(values + skip, count - skip, &out[first + skip - range.first])) return too_wide();
  }
  return {};
}

template Result<void> IntsDecoder::read(Bytes page, Nesting nesting, PageRange range, std::span<uint32_t> out);
template Result<void> IntsDecoder::read(Bytes page, Nesting nesting, PageRange range, std::span<uint64_t> out);

}  // namespace clew::block
