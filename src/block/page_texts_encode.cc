// SPDX-License-Identifier: Apache-2.0
//
// Texts that are numbers are kept as numbers; other texts go through zstd together. A dictionary is made where a sample
// repeats: zstd pays some 3 bytes for each repetition that it finds, an index takes less.
#include <algorithm>
#include <bit>

#include "base/check.h"
#include "block/page_texts.h"
#include "block/text_form.h"
#include "codec/varint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace clew::block {
namespace {

constexpr size_t kDictionaryTextsMin = 32;
constexpr size_t kDistinctSample = 512;
constexpr size_t kDistinctPercentMax = 75;
// So few distinct texts are not tried any other way.
constexpr size_t kSurePercent = 10;
constexpr double kTrialGain = 0.95;
constexpr uint32_t kFree = UINT32_MAX;

uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

bool repeats(const TextValues& texts) {
  const size_t count = std::min(texts.size(), kDistinctSample);
  const size_t first = (texts.size() - count) / 2;
  uint64_t hashes[kDistinctSample];
  for (size_t i = 0; i < count; i++) hashes[i] = hash_of(texts[first + i]);
  std::sort(hashes, hashes + count);
  const auto distinct = static_cast<size_t>(std::unique(hashes, hashes + count) - hashes);
  return distinct * 100 <= count * kDistinctPercentMax;
}

void begin(Encoding encoding, std::string& out) { out.push_back(static_cast<char>(encoding)); }

}  // namespace

Encoding TextsEncoder::append(const TextValues& texts, Nesting nesting, std::string& out) {
  CHECK(texts.size() <= kPageValuesMax && texts.bytes.size() <= kPageTextBytesMax);
  const Encoding form = form_of(texts);
  // A page of numbers may have a dictionary itself.
  const bool may_repeat = form != Encoding::ConstantText && form != Encoding::DecimalText && nesting == Nesting::Top &&
                          texts.size() >= kDictionaryTextsMin;
  if (!may_repeat || !repeats(texts) || !find_distinct(texts)) {
    append_form(texts, form, out);
    return form;
  }
  dictionary_page_.clear();
  append_dictionary(dictionary_page_);
  if (distinct_.size() * 100 > texts.size() * kSurePercent) {
    const size_t at = out.size();
    append_form(texts, form, out);
    if (static_cast<double>(out.size() - at) * kTrialGain <= static_cast<double>(dictionary_page_.size())) return form;
    out.resize(at);
  }
  out += dictionary_page_;
  return Encoding::DictionaryText;
}

bool TextsEncoder::find_distinct(const TextValues& texts) {
  const size_t distinct_max = texts.size() * kDistinctPercentMax / 100;
  const size_t mask = std::bit_ceil(distinct_max * 3 / 2 + 2) - 1;
  slots_.assign(mask + 1, kFree);
  codes_.resize(texts.size());
  distinct_.clear();
  for (size_t i = 0; i < texts.size(); i++) {
    const std::string_view text = texts[i];
    size_t at = hash_of(text) & mask;
    while (slots_[at] != kFree && distinct_[slots_[at]] != text) at = (at + 1) & mask;
    if (slots_[at] == kFree) {
      if (distinct_.size() == distinct_max) return false;
      slots_[at] = static_cast<uint32_t>(distinct_.size());
      distinct_.push_back(text);
    }
    codes_[i] = slots_[at];
  }
  return true;
}

void TextsEncoder::append_dictionary(std::string& out) {
  begin(Encoding::DictionaryText, out);
  codec::append_varint(out, distinct_.size());
  inner_page_.clear();
  append(distinct_, Nesting::Inner, inner_page_);
  codec::append_varint(out, inner_page_.size());
  out += inner_page_;
  ints_.append(std::span<const uint32_t>(codes_), Nesting::Top, out);
}

void TextsEncoder::append_form(const TextValues& texts, Encoding form, std::string& out) {
  const size_t count = texts.size();
  begin(form, out);
  switch (form) {
    case Encoding::ConstantText:
      codec::append_varint(out, count == 0 ? 0 : texts[0].size());
      if (count > 0) out += texts[0];
      return;
    case Encoding::DecimalText:
      numbers_.resize(count);
      for (size_t i = 0; i < count; i++) numbers_[i] = static_cast<uint64_t>(decimal_value(texts[i]));
      ints_.append(std::span<const uint64_t>(numbers_), Nesting::Top, out);
      return;
    case Encoding::UuidText:
      return append_uuids(texts, out);
    case Encoding::HexText:
      return append_hex(texts, out);
    default:
      append_plain(texts, out);
  }
}

void TextsEncoder::append_uuids(const TextValues& texts, std::string& out) {
  const size_t count = texts.size();
  numbers_.resize(count);
  low_numbers_.resize(count);
  lengths_.resize(count);
  std::vector<uint32_t>& versions = lengths_;
  for (size_t i = 0; i < count; i++) {
    const UuidParts parts = uuid_parts(texts[i]);
    numbers_[i] = parts.high;
    low_numbers_[i] = parts.low;
    versions[i] = parts.version;
  }
  append_sized(std::span<const uint32_t>(versions), out);
  append_sized(std::span<const uint64_t>(numbers_), out);
  ints_.append(std::span<const uint64_t>(low_numbers_), Nesting::Top, out);
}

void TextsEncoder::append_hex(const TextValues& texts, std::string& out) {
  const size_t count = texts.size();
  const size_t byte_count = texts[0].size() / 2;
  codec::append_varint(out, byte_count);
  bytes_.assign(count * byte_count + sizeof(uint64_t), 0);
  for (size_t i = 0; i < count; i++) hex_to_bytes(texts[i], &bytes_[i * byte_count]);
  const Bytes bytes = Bytes(bytes_).first(count * byte_count);
  if (byte_count <= kHexNumberBytes) {
    numbers_.resize(count);
    for (size_t i = 0; i < count; i++) numbers_[i] = big_endian(&bytes_[i * byte_count], byte_count);
    ints_.append(std::span<const uint64_t>(numbers_), Nesting::Top, out);
  } else if (looks_random(bytes)) {
    ZstdWriter::append_plain(bytes, 0, out);
  } else {
    zstd_.append_best(bytes, 0, out);
  }
}

template <class T>
void TextsEncoder::append_sized(std::span<const T> numbers, std::string& out) {
  numbers_page_.clear();
  ints_.append(numbers, Nesting::Top, numbers_page_);
  codec::append_varint(out, numbers_page_.size());
  out += numbers_page_;
}

void TextsEncoder::append_plain(const TextValues& texts, std::string& out) {
  lengths_.resize(texts.size());
  for (size_t i = 0; i < texts.size(); i++) lengths_[i] = static_cast<uint32_t>(texts[i].size());
  append_sized(std::span<const uint32_t>(lengths_), out);
  zstd_.append_best(as_bytes(texts.bytes), 0, out);
}

}  // namespace clew::block
