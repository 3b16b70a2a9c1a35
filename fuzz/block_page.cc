// SPDX-License-Identifier: Apache-2.0
//
// Pages of a block: whatever the bytes, reading them ends with an error or with as many values as were asked for; a
// range of them is what all of them say; and values that come out are written and read again the same. The first two
// bytes say how many values are asked for.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/check.h"
#include "block/filter.h"
#include "block/page.h"

namespace {

using namespace clew;
using namespace clew::block;

constexpr size_t kInputBytesMax = 64 << 10;
constexpr uint64_t kTextBytesMax = 1 << 20;

template <class T>
void check_ints(PageDecoder& decoder, PageEncoder& encoder, Bytes page, size_t count) {
  std::vector<T> values(count);
  const Result<void> read = decoder.ints(page, std::span<T>(values));
  const size_t first = count / 3;
  std::vector<T> some((count - first) / 2);
  const Result<void> some_read = decoder.ints(page, {count, first}, std::span<T>(some));
  CHECK(!read.ok() || (some_read.ok() && std::equal(some.begin(), some.end(), values.begin() + first)));
  if (!read.ok()) {
    CHECK(read.error().code() == Code::DataLoss);
    return;
  }
  std::string again;
  encoder.ints(std::span<const T>(values), again);
  std::vector<T> back(count);
  MUST(decoder.ints(as_bytes(again), std::span<T>(back)));  // just written
  CHECK(back == values);
}

void check_texts(PageDecoder& decoder, PageEncoder& encoder, Bytes page, size_t count) {
  TextValues texts;
  const Result<void> read = decoder.texts(page, count, texts, kTextBytesMax);
  const size_t first = count / 3;
  TextValues some;
  const Result<void> some_read = decoder.texts(page, {count, first}, (count - first) / 2, some, kTextBytesMax);
  CHECK(!read.ok() || some_read.ok());
  for (size_t i = 0; read.ok() && i < some.size(); ++i) CHECK(some[i] == texts[first + i]);
  if (!read.ok()) {
    CHECK(read.error().code() == Code::DataLoss);
    return;
  }
  CHECK(texts.size() == count && texts.bytes.size() <= kTextBytesMax);
  CHECK(count == 0 || texts.ends.back() == texts.bytes.size());
  std::string again;
  encoder.texts(texts, again);
  TextValues back;
  MUST(decoder.texts(as_bytes(again), count, back));  // just written
  CHECK(back.ends == texts.ends && back.bytes == texts.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > kInputBytesMax) return 0;
  static PageDecoder decoder;
  static PageEncoder encoder;
  const size_t count = load<uint16_t>(data);
  const Bytes page(data + 2, size - 2);
  bounds_of(page);
  check_ints<uint64_t>(decoder, encoder, page, count);
  check_ints<uint32_t>(decoder, encoder, page, count);
  check_texts(decoder, encoder, page, count);
  may_hold(page, count);
  return 0;
}
