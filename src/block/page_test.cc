// SPDX-License-Identifier: Apache-2.0
//
// A page gives back what went in, whatever the values and whichever encoding they bring about; each encoding comes up
// for the values that it is meant for. Damaged pages give DataLoss or other values, but never a crash, and pages cut
// short always DataLoss.
#include "block/page.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "block/bit_pack.h"
#include "codec/varint.h"

namespace clew::block {
namespace {

using Random = std::mt19937_64;

constexpr size_t kSizes[] = {0, 1, 2, 31, 32, 63, 64, 65, 1000, 1025, 5000};

std::string page_of(const std::vector<uint64_t>& values, Encoding* encoding = nullptr) {
  PageEncoder encoder;
  std::string page = "before";
  const Encoding chosen = encoder.ints(std::span<const uint64_t>(values), page);
  page.erase(0, 6);
  EXPECT_EQ(encoding_of(as_bytes(page)), chosen);
  if (encoding != nullptr) *encoding = chosen;
  return page;
}

// Ranges at the ends, in the middle, and empty ones.
std::vector<std::pair<size_t, size_t>> ranges_of(size_t size) {
  std::vector<std::pair<size_t, size_t>> ranges = {{0, 0}, {size, 0}};
  for (const size_t first : {size_t{0}, size_t{1}, size_t{63}, size / 2, size - std::min<size_t>(size, 7)}) {
    for (const size_t count : {size_t{1}, size_t{7}, size_t{100}, size}) {
      if (first < size) ranges.emplace_back(first, std::min(count, size - first));
    }
  }
  return ranges;
}

template <class T>
void expect_ranges(const std::string& page, const std::vector<T>& values) {
  PageDecoder decoder;
  for (const auto& [first, count] : ranges_of(values.size())) {
    std::vector<T> back(count, 77);
    const Result<void> read = decoder.ints(as_bytes(page), {values.size(), first}, std::span(back));
    ASSERT_TRUE(read.ok()) << read.error().what();
    ASSERT_TRUE(std::equal(back.begin(), back.end(), values.begin() + static_cast<ptrdiff_t>(first)))
        << name_of(*encoding_of(as_bytes(page))) << " from " << first << ", " << count;
  }
}

void expect_round_trip(const std::vector<uint64_t>& values) {
  const std::string page = page_of(values);
  if (!values.empty()) expect_ranges(page, values);
  PageDecoder decoder;
  std::vector<uint64_t> back(values.size(), 77);
  const Result<void> read = decoder.ints(as_bytes(page), std::span(back));
  ASSERT_TRUE(read.ok()) << read.error().what();
  ASSERT_EQ(back, values) << name_of(*encoding_of(as_bytes(page)));
  if (const auto bounds = bounds_of(as_bytes(page)); bounds && !values.empty()) {
    EXPECT_LE(bounds->low, *std::min_element(values.begin(), values.end()));
    EXPECT_GE(bounds->high, *std::max_element(values.begin(), values.end()));
  }

  const bool fits = std::all_of(values.begin(), values.end(), [](uint64_t v) { return v <= UINT32_MAX; });
  std::vector<uint32_t> narrow(values.size(), 77);
  const Result<void> narrow_read = decoder.ints(as_bytes(page), std::span(narrow));
  ASSERT_EQ(narrow_read.ok(), fits);
  if (!fits) {
    EXPECT_EQ(narrow_read.error().code(), Code::DataLoss);
    return;
  }
  ASSERT_TRUE(std::equal(values.begin(), values.end(), narrow.begin()));
  std::string narrow_page;
  PageEncoder().ints(std::span<const uint32_t>(narrow), narrow_page);
  EXPECT_EQ(narrow_page, page);
  if (!values.empty()) expect_ranges(page, narrow);
}

struct IntCase {
  const char* name;
  Encoding encoding;  // of many values
  std::function<uint64_t(Random&, uint64_t i)> value;
};

const std::vector<IntCase>& int_cases() {
  static const std::vector<IntCase> kCases = {
      {"constant", Encoding::Constant, [](Random&, uint64_t) { return 42; }},
      {"largest", Encoding::Constant, [](Random&, uint64_t) { return UINT64_MAX; }},
      {"random ids", Encoding::BitPacked, [](Random& random, uint64_t) { return random(); }},
      {"random 32 bits", Encoding::BitPacked, [](Random& random, uint64_t) { return random() >> 32; }},
      {"random 12 bits", Encoding::BitPacked, [](Random& random, uint64_t) { return 1'000'000 + random() % 4096; }},
      {"extremes", Encoding::BitPacked, [](Random& random, uint64_t) { return random() % 2 == 0 ? 0 : UINT64_MAX; }},
      {"small of either sign", Encoding::BitPacked, [](Random& random, uint64_t) { return random() % 1000 - 500; }},
      {"rising", Encoding::Delta, [](Random& random, uint64_t i) { return (i << 30) + random() % 1000; }},
      {"falling", Encoding::Delta, [](Random& random, uint64_t i) { return (0 - (i << 30)) - random() % 100; }},
      {"runs", Encoding::RunLength, [](Random&, uint64_t i) { return (i / 40) * 0x9E3779B97F4A7C15u; }},
      {"few outliers", Encoding::BytePlanes,
       [](Random& random, uint64_t) { return random() % 100 == 0 ? random() : random() % 1'000'000; }},
      {"durations", Encoding::BytePlanes,
       [](Random& random, uint64_t) { return uint64_t{1} << (random() % 24) | random() % 256; }},
      {"repeating codes", Encoding::BytePlanes, [](Random&, uint64_t i) { return (i % 17) * (i % 17) % 251; }},
      {"repeating two-byte codes", Encoding::BytePlanes, [](Random&, uint64_t i) { return (i % 40) * 1001 % 40'001; }},
      {"random walk", Encoding::BytePlanes,
       [walk = uint64_t{1} << 40](Random& random, uint64_t) mutable {
         return walk += random() % 50 == 0 ? random() % 1'000'000'000 : random() % 3000;
       }},
      {"few distinct", Encoding::Dictionary,
       [](Random& random, uint64_t) { return (random() % 100 + 1) * 0x9E3779B97F4A7C15u; }},
  };
  return kCases;
}

std::vector<uint64_t> values_of(const IntCase& c, size_t count, uint64_t seed) {
  Random random(seed);
  const auto value = c.value;
  std::vector<uint64_t> values(count);
  for (size_t i = 0; i < count; i++) values[i] = value(random, i);
  return values;
}

TEST(IntPage, EveryEncodingComesUpAndRoundTrips) {
  for (const IntCase& c : int_cases()) {
    SCOPED_TRACE(c.name);
    for (const size_t size : kSizes) expect_round_trip(values_of(c, size, size));
    Encoding encoding = Encoding::Constant;
    page_of(values_of(c, 8192, 1), &encoding);
    EXPECT_EQ(name_of(encoding), name_of(c.encoding));
  }
}

TEST(IntPage, EveryWidth) {
  Random random(3);
  for (uint32_t width = 0; width <= kWidthMax; width++) {
    SCOPED_TRACE(width);
    for (const size_t size : {1u, 64u, 700u}) {
      std::vector<uint64_t> values(size);
      for (uint64_t& value : values) value = random() & low_bits(width);
      values.back() = low_bits(width);
      expect_round_trip(values);
      for (uint64_t& value : values) value += uint64_t{1} << 31;  // about the end of 32 bits, and around that of 64
      expect_round_trip(values);
      for (uint64_t& value : values) value = 0 - value;
      expect_round_trip(values);
    }
  }
}

TEST(IntPage, RunsOfEveryKind) {
  Random random(4);
  for (int round = 0; round < 200; round++) {
    std::vector<uint64_t> values;
    while (values.size() < 2000) {
      const uint64_t value = random() >> (random() % 64);
      values.insert(values.end(), 1 + random() % (uint64_t{1} << (random() % 11)), value);
    }
    expect_round_trip(values);
  }
}

TEST(BitPack, AsOneLongNumber) {
  Random random(5);
  for (uint32_t width = 0; width <= kWidthMax; width++) {
    for (const size_t count : {1u, 7u, 63u, 64u, 65u, 130u}) {
      std::vector<uint64_t> values(count);
      std::string expected(packed_bytes(count, width), '\0');
      for (size_t i = 0; i < count; i++) {
        values[i] = random();
        for (uint32_t bit = 0; bit < width; bit++) {
          const size_t at = i * width + bit;
          if (values[i] >> bit & 1) expected[at / 8] = static_cast<char>(expected[at / 8] | 1 << at % 8);
        }
      }
      std::string packed(expected.size(), '\xAA');
      bit_pack(values.data(), count, width, reinterpret_cast<uint8_t*>(packed.data()));
      ASSERT_EQ(packed, expected) << width << " x " << count;

      std::vector<uint64_t> back(count);
      bit_unpack(as_bytes(packed).data(), count, width, uint64_t{5}, back.data());
      for (size_t i = 0; i < count; i++) ASSERT_EQ(back[i], (values[i] & low_bits(width)) + 5);
      if (width > 32) continue;
      std::vector<uint32_t> narrow(count);
      bit_unpack(as_bytes(packed).data(), count, width, uint32_t{5}, narrow.data());
      for (size_t i = 0; i < count; i++) ASSERT_EQ(narrow[i], static_cast<uint32_t>((values[i] & low_bits(width)) + 5));
    }
  }
}

struct TextCase {
  const char* name;
  Encoding encoding;
  std::function<std::string(Random&, uint64_t i)> text;
};

std::string hex(uint64_t value, size_t digits) {
  std::string text(digits, '0');
  for (size_t i = 0; i < digits; i++) text[i] = "0123456789abcdef"[value >> (4 * (i % 16)) & 15];
  return text;
}

std::string uuid(Random& random) {
  return hex(random(), 8) + "-" + hex(random(), 4) + "-" + hex(random(), 4) + "-" + hex(random(), 4) + "-" +
         hex(random(), 12);
}

const std::vector<TextCase>& text_cases() {
  static const std::vector<TextCase> kCases = {
      {"empty", Encoding::ConstantText, [](Random&, uint64_t) { return ""; }},
      {"constant", Encoding::ConstantText, [](Random&, uint64_t) { return std::string("GE\0T", 4); }},
      {"uuids", Encoding::UuidText, [](Random& random, uint64_t) { return uuid(random); }},
      {"uuids of one version", Encoding::UuidText,
       [](Random& random, uint64_t) {
         std::string text = uuid(random);
         text[14] = '4';
         return text;
       }},
      {"long hex", Encoding::HexText, [](Random& random, uint64_t) { return hex(random(), 16) + hex(random(), 16); }},
      {"long hex that compresses", Encoding::HexText,
       [](Random& random, uint64_t i) { return hex(i, 16) + hex(random() % 100, 16) + hex(0, 16); }},
      {"odd hex", Encoding::PlainText, [](Random& random, uint64_t) { return hex(random(), 13); }},
      {"hex", Encoding::HexText, [](Random& random, uint64_t) { return hex(random(), 16); }},
      {"two digits", Encoding::DictionaryText, [](Random& random, uint64_t) { return hex(random(), 2); }},
      {"decimals", Encoding::DecimalText,
       [](Random& random, uint64_t) { return std::to_string(static_cast<int64_t>(random())); }},
      {"extreme decimals", Encoding::DecimalText,
       [](Random&, uint64_t i) { return i % 2 == 0 ? "-9223372036854775808" : "9223372036854775807"; }},
      {"urls", Encoding::PlainText,
       [](Random& random, uint64_t i) {
         return "https://shop.example/cart?item=" + std::to_string(random() % 1'000'000) + "&n=" + std::to_string(i);
       }},
      {"any bytes", Encoding::PlainText,
       [](Random& random, uint64_t) {
         std::string text(random() % 20, '\0');
         for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? 0 : random());
         return text;
       }},
      {"repeating uuids", Encoding::DictionaryText,
       [open = std::vector<std::string>(20)](Random& random, uint64_t) mutable {
         std::string& text = open[random() % open.size()];
         return text.empty() || random() % 4 == 0 ? text = uuid(random) : text;
       }},
      {"messages", Encoding::DictionaryText,
       [](Random& random, uint64_t) { return random() % 9 == 0 ? "error " + std::to_string(random() % 50) : ""; }},
      // Each is one step away from a form that would be rebuilt otherwise.
      {"upper-case hex", Encoding::PlainText,
       [](Random& random, uint64_t i) { return hex(random(), 8) + "AB" + hex(i, 6); }},
      {"padded decimals", Encoding::PlainText, [](Random& random, uint64_t) { return "0" + std::to_string(random()); }},
      {"decimals of 20 digits", Encoding::HexText,
       [](Random& random, uint64_t) { return std::to_string(random() % 1000 + 18446744073709550000u); }},
      {"plus signs", Encoding::PlainText, [](Random& random, uint64_t) { return "+" + std::to_string(random()); }},
  };
  return kCases;
}

TextValues texts_of(const TextCase& c, size_t count, uint64_t seed) {
  Random random(seed);
  const auto text = c.text;
  TextValues texts;
  for (size_t i = 0; i < count; i++) texts.push_back(text(random, i));
  return texts;
}

std::string page_of(const TextValues& texts, Encoding* encoding = nullptr) {
  std::string page;
  const Encoding chosen = PageEncoder().texts(texts, page);
  EXPECT_EQ(encoding_of(as_bytes(page)), chosen);
  if (encoding != nullptr) *encoding = chosen;
  return page;
}

void expect_round_trip(const TextValues& texts) {
  const std::string page = page_of(texts);
  PageDecoder decoder;
  TextValues back;
  back.push_back("old");
  const Result<void> read = decoder.texts(as_bytes(page), texts.size(), back);
  ASSERT_TRUE(read.ok()) << read.error().what();
  ASSERT_EQ(back.ends, texts.ends) << name_of(*encoding_of(as_bytes(page)));
  ASSERT_EQ(back.bytes, texts.bytes);
  for (const auto& [first, count] : ranges_of(texts.size())) {
    ASSERT_TRUE(decoder.texts(as_bytes(page), {texts.size(), first}, count, back).ok());
    ASSERT_EQ(back.size(), count);
    for (size_t i = 0; i < count; i++) ASSERT_EQ(back[i], texts[first + i]) << name_of(*encoding_of(as_bytes(page)));
  }
  ASSERT_TRUE(decoder.texts(as_bytes(page), texts.size(), back, texts.bytes.size()).ok());
  if (texts.bytes.empty()) return;
  EXPECT_EQ(decoder.texts(as_bytes(page), texts.size(), back, texts.bytes.size() - 1).error().code(), Code::DataLoss);
}

TEST(TextPage, EveryEncodingComesUpAndRoundTrips) {
  for (const TextCase& c : text_cases()) {
    SCOPED_TRACE(c.name);
    for (const size_t size : kSizes) expect_round_trip(texts_of(c, size, size));
    Encoding encoding = Encoding::ConstantText;
    page_of(texts_of(c, 5000, 1), &encoding);
    EXPECT_EQ(name_of(encoding), name_of(c.encoding));
  }
}

TEST(TextPage, NearlyAFormIsNotThatForm) {
  const std::vector<std::string> odd = {"",
                                        "-",
                                        "-0",
                                        "00",
                                        "01",
                                        "1 ",
                                        " 1",
                                        "0x1",
                                        "9223372036854775808",
                                        "1-",
                                        "--1",
                                        "ab c",
                                        "abc",
                                        "AB",
                                        "g0",
                                        std::string(513, 'a'),
                                        "123e4567-e89b-12d3-a456-42661417400",
                                        "123e4567-e89b-12d3-a456-4266141740000",
                                        "123E4567-e89b-12d3-a456-426614174000",
                                        "123e4567_e89b-12d3-a456-426614174000",
                                        "123e4567-e89b-12d3-a456-42661417400-"};
  for (const TextCase& c : text_cases()) {
    for (const std::string& text : odd) {
      TextValues texts = texts_of(c, 40, 9);
      texts.push_back(text);
      expect_round_trip(texts);
    }
  }
  for (const std::string& one : odd) {
    for (const std::string& other : odd) {
      TextValues texts;
      texts.push_back(one);
      texts.push_back(other);
      expect_round_trip(texts);
    }
  }
}

// Reads `page` as everything that it may be taken for; says whether the reading as `count` values worked.
bool is_read(const std::string& page, bool is_text, size_t count) {
  const std::vector<uint8_t> exact(page.begin(), page.end());  // of its own, so that asan sees a byte read too far
  static PageDecoder decoder;
  std::vector<uint64_t> wide(count);
  std::vector<uint32_t> narrow(count);
  TextValues texts;
  bounds_of(exact);
  const Result<void> as_wide = decoder.ints(exact, std::span(wide));
  const Result<void> as_narrow = decoder.ints(exact, std::span(narrow));
  const Result<void> as_texts = decoder.texts(exact, count, texts, 1 << 20);
  for (const Result<void>* read : {&as_wide, &as_narrow, &as_texts}) {
    if (!read->ok()) EXPECT_EQ(read->error().code(), Code::DataLoss);
  }
  EXPECT_TRUE(!as_narrow.ok() || as_wide.ok());
  EXPECT_TRUE(!as_texts.ok() || texts.size() == count);
  return is_text ? as_texts.ok() : as_wide.ok();
}

void damage(const std::string& page, bool is_text, size_t count, Random& random) {
  ASSERT_TRUE(is_read(page, is_text, count));
  EXPECT_FALSE(is_read(page + '\0', is_text, count));
  const size_t step = 1 + page.size() / 500;
  for (size_t size = 0; size < page.size(); size += size < 64 ? 1 : step)
    EXPECT_FALSE(is_read(page.substr(0, size), is_text, count)) << size;
  for (size_t bit = 0; bit < page.size() * 8; bit += bit < 512 ? 1 : 8 * step + 1) {
    std::string flipped = page;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    is_read(flipped, is_text, count);
  }
  for (int round = 0; round < 50; round++) {
    std::string mixed = page;
    for (int i = 0; i < 4; i++) mixed[random() % std::min<size_t>(mixed.size(), 40)] = static_cast<char>(random());
    is_read(mixed, is_text, count);
  }
  for (const size_t other : {count - 1, count + 1, count * 2}) is_read(page, is_text, other);
}

TEST(DamagedPage, NeverCrashes) {
  Random random(6);
  for (const size_t count : {3u, 40u, 1100u}) {
    for (const IntCase& c : int_cases()) {
      SCOPED_TRACE(c.name);
      damage(page_of(values_of(c, count, 2)), false, count, random);
    }
    for (const TextCase& c : text_cases()) {
      SCOPED_TRACE(c.name);
      damage(page_of(texts_of(c, count, 2)), true, count, random);
    }
  }
}

TEST(DamagedPage, CountsAreChecked) {
  for (const IntCase& c : int_cases()) {
    if (c.encoding == Encoding::Constant) continue;  // which does not know its count
    SCOPED_TRACE(c.name);
    const std::string page = page_of(values_of(c, 8192, 2));
    EXPECT_TRUE(is_read(page, false, 8192));
    EXPECT_FALSE(is_read(page, false, 8191 - 8));
    EXPECT_FALSE(is_read(page, false, 8192 + 8));
    EXPECT_FALSE(is_read(page, false, 0));
  }
}

std::string bytes(std::initializer_list<int> values) { return {values.begin(), values.end()}; }

std::vector<uint64_t> read_ints(const std::string& page, size_t count) {
  std::vector<uint64_t> values(count);
  const Result<void> read = PageDecoder().ints(as_bytes(page), std::span(values));
  EXPECT_TRUE(read.ok()) << read.error().what();
  return values;
}

// The examples of docs/format/block.md.
TEST(Specification, Examples) {
  std::vector<uint64_t> runs(40, 5);
  runs.insert(runs.end(), 24, 9);
  const std::pair<std::vector<uint64_t>, std::string> ints[] = {
      {{7, 7, 7}, bytes({1, 7})},
      {{100, 103, 101, 107}, bytes({2, 3, 0x64, 0x58, 0x0e})},
      {{1000, 1010, 1020, 1031}, bytes({3, 0xe8, 0x07, 1, 0x14, 0x04})},
      {runs, bytes({4, 2, 4, 3, 5, 0, 8, 3, 0x27, 0, 0x1f})},
  };
  for (const auto& [values, page] : ints) {
    EXPECT_EQ(page_of(values), page);
    EXPECT_EQ(read_ints(page, values.size()), values);
  }
  EXPECT_EQ(read_ints(bytes({5, 0x20, 10, 0x20, 2, 1, 4, 3, 0x10, 0, 1}), 2),
            std::vector<uint64_t>({0x010c, 0x01030e}));
  EXPECT_EQ(read_ints(bytes({5, 0x11, 10, 0x10, 0, 3, 4}), 3), std::vector<uint64_t>({10, 8, 10}));
  EXPECT_EQ(read_ints(bytes({6, 2, 4, 3, 9, 0, 1, 2, 1, 0, 5}), 3), std::vector<uint64_t>({8, 9, 8}));

  const std::pair<std::vector<std::string>, std::string> texts[] = {
      {{"GET", "PUT", ""}, bytes({16, 4, 2, 2, 0, 0x0f, 0}) + "GETPUT"},
      {{"00ff", "0102"}, bytes({17, 2, 3, 0xff, 1, 0, 6})},
      {{"123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-42d3-a456-426614174001"},
       bytes({18,   2, 1,    4,    10,   1,    0xd3, 0xe5, 0xa6, 0xf4, 0xe7, 0x8a, 0xf9, 0x91,
              0x01, 3, 0x80, 0x80, 0xdd, 0xa0, 0xe1, 0xcc, 0x90, 0xab, 0xa4, 0x01, 0,    2})},
      {{"10", "-3"}, bytes({19, 3, 10, 0, 25})},
      {{"on", "on"}, bytes({20, 2}) + "on"},
  };
  for (const auto& [values, page] : texts) {
    TextValues all;
    for (const std::string& text : values) all.push_back(text);
    EXPECT_EQ(page_of(all), page);
    TextValues back;
    ASSERT_TRUE(PageDecoder().texts(as_bytes(page), all.size(), back).ok());
    EXPECT_EQ(back.bytes, all.bytes);
    EXPECT_EQ(back.ends, all.ends);
  }
}

TEST(DamagedPage, NestsNoDeeper) {
  // Three runs (5, 5 of length 1 and 7 of length 1) whose values are run lengths again.
  const std::string inner = bytes({4, 1, 2, 1, 5, 1, 2});
  ASSERT_TRUE(is_read(inner, false, 3));
  EXPECT_FALSE(is_read(bytes({4, 3, 7}) + inner + bytes({1, 0}), false, 3));
  const std::string plain = bytes({1, 5});
  EXPECT_TRUE(is_read(bytes({4, 3, 2}) + plain + bytes({1, 0}), false, 3));
  EXPECT_TRUE(is_read(bytes({6, 1, 2}) + plain + bytes({1, 0}), false, 3));
  EXPECT_FALSE(is_read(bytes({6, 1, 2}) + plain + bytes({1, 1}), false, 3));  // index 1 of 1
  EXPECT_FALSE(is_read(bytes({6, 4, 2}) + plain + bytes({1, 1}), false, 3));  // more entries than values
  const std::string text = bytes({20, 1, 'a'});
  const std::string dictionary = bytes({21, 1, 3}) + text + bytes({1, 0});
  EXPECT_TRUE(is_read(dictionary, true, 2));
  EXPECT_FALSE(is_read(bytes({21, 1, 8}) + dictionary + bytes({1, 0}), true, 2));
}

TEST(DamagedPage, ClaimsAreNotBelieved) {
  TextValues texts;
  PageDecoder decoder;
  // 2^24 times 2^31 - 1 bytes, and 16 texts of 2^28: beyond 2^32.
  std::string lengths;
  PageEncoder().ints(std::vector<uint32_t>(16, 1u << 28), lengths);
  const std::string page = bytes({16, static_cast<int>(lengths.size())}) + lengths + bytes({0});
  EXPECT_EQ(decoder.texts(as_bytes(page), 16, texts, UINT64_MAX).error().code(), Code::DataLoss);
  std::string constant = bytes({20});
  codec::append_varint(constant, 1000);
  constant.append(1000, 'x');
  EXPECT_EQ(decoder.texts(as_bytes(constant), kPageValuesMax, texts, UINT64_MAX).error().code(), Code::DataLoss);
  EXPECT_TRUE(texts.bytes.empty());
  // Hex of zero digits is no text at all, but one that can be read.
  EXPECT_TRUE(decoder.texts(as_bytes(bytes({17, 0, 1, 0})), 3, texts).ok());
  EXPECT_EQ(texts.ends, std::vector<uint32_t>({0, 0, 0}));
}

}  // namespace
}  // namespace clew::block
