// SPDX-License-Identifier: Apache-2.0
//
// What the writer writes the reader reads back, and the reader refuses exactly the malformed wire bytes that the
// encoding forbids; each bad input stands in a table with the reason.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/proto_reader.h"
#include "codec/proto_writer.h"

namespace clew::codec {
namespace {

using namespace std::string_literals;

bool walks(std::string_view message) {
  ProtoReader reader(as_bytes(message));
  while (reader.next_tag()) reader.skip();
  return !reader.failed();
}

TEST(Proto, WrittenFieldsAreReadBack) {
  std::string out;
  ProtoWriter writer(out);
  writer.varint(1, UINT64_MAX);
  writer.int32(2, -5);
  writer.fixed64(3, 0x0102030405060708u);
  writer.fixed32(16, 7);
  writer.text(5, "text");

  ProtoReader reader(as_bytes(out));
  uint64_t wide = 0;
  uint32_t narrow = 0;
  int32_t number = 0;
  Bytes bytes;
  ASSERT_TRUE(reader.next_tag() && reader.tag() == varint_tag(1) && reader.read_uint64(wide));
  EXPECT_EQ(wide, UINT64_MAX);
  ASSERT_TRUE(reader.next_tag() && reader.tag() == varint_tag(2) && reader.read_int32(number));
  EXPECT_EQ(number, -5);
  ASSERT_TRUE(reader.next_tag() && reader.tag() == fixed64_tag(3) && reader.read_fixed64(wide));
  EXPECT_EQ(wide, 0x0102030405060708u);
  ASSERT_TRUE(reader.next_tag() && reader.tag() == fixed32_tag(16) && reader.read_fixed32(narrow));
  EXPECT_EQ(narrow, 7u);
  ASSERT_TRUE(reader.next_tag() && reader.tag() == length_tag(5) && reader.read_bytes(bytes));
  EXPECT_EQ(as_text(bytes), "text");
  EXPECT_FALSE(reader.next_tag());
  EXPECT_FALSE(reader.failed());
}

TEST(Proto, SubMessagesOfEverySizeGetTheirLength) {
  for (const size_t size : {0u, 1u, 125u, 126u, 127u, 128u, 300u, 16381u, 16384u, 70000u}) {
    std::string out = "x";
    ProtoWriter writer(out);
    writer.message(1, [&] { writer.text(2, std::string(size, 'a')); });
    ProtoReader outer(as_bytes(std::string_view(out).substr(1)));
    Bytes inner;
    ASSERT_TRUE(outer.next_tag() && outer.read_bytes(inner)) << size;
    EXPECT_FALSE(outer.next_tag()) << size;
    ProtoReader reader(inner);
    Bytes text;
    ASSERT_TRUE(reader.next_tag() && reader.read_bytes(text)) << size;
    EXPECT_EQ(as_text(text), std::string(size, 'a'));
  }
}

TEST(Proto, UnknownFieldsOfEveryTypeAreSkipped) {
  EXPECT_TRUE(walks("\x08\x01"s));
  EXPECT_TRUE(walks("\x09\x01\x02\x03\x04\x05\x06\x07\x08"s));
  EXPECT_TRUE(walks("\x0a\x02xy"s));
  EXPECT_TRUE(walks("\x0b\x13\x08\x01\x14\x0c"s));  // group 1 { group 2 { varint } }
  EXPECT_TRUE(walks("\x0d\x01\x02\x03\x04"s));
  EXPECT_TRUE(walks("\x08\x81\x80\x00"s));  // a varint may carry needless zero groups within its ten bytes
}

TEST(Proto, MalformedBytesAreRefused) {
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"field number 0", "\x00\x01"s},
      {"field number 0, length", "\x02\x00"s},
      {"tag beyond 32 bits", "\x88\x80\x80\x80\x10\x01"s},
      {"varint of eleven bytes", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s},
      {"varint beyond 64 bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s},
      {"varint cut off", "\x08\xff"s},
      {"no value", "\x08"s},
      {"length past the end", "\x0a\x03xy"s},
      {"length near 2^64", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s},
      {"fixed64 cut off", "\x09\x01\x02\x03"s},
      {"fixed32 cut off", "\x0d\x01\x02\x03"s},
      {"wire type 6", "\x0e\x01"s},
      {"wire type 7", "\x0f\x01"s},
      {"group without end", "\x0b\x08\x01"s},
      {"group closed by another field", "\x0b\x14"s},
      {"end of a group that is not open", "\x0c"s},
      {"field number 0 in a group", "\x0b\x00\x0c"s},
  };
  for (const auto& [name, bytes] : cases) EXPECT_FALSE(walks(bytes)) << name;
}

TEST(Proto, GroupsNestToALimit) {
  const auto nested = [](size_t depth) { return std::string(depth, '\x0b') + std::string(depth, '\x0c'); };
  EXPECT_TRUE(walks(nested(ProtoReader::kGroupDepthMax)));
  EXPECT_FALSE(walks(nested(ProtoReader::kGroupDepthMax + 1)));
  EXPECT_FALSE(walks(std::string(1 << 20, '\x0b')));
}

TEST(Proto, AFailedReaderStaysFailed) {
  const std::string message = "\x0a\x05xy\x08\x01"s;
  ProtoReader reader(as_bytes(message));
  ASSERT_TRUE(reader.next_tag());
  EXPECT_FALSE(reader.skip());
  EXPECT_FALSE(reader.next_tag());
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.position() - as_bytes(message).data(), 2);
}

}  // namespace
}  // namespace clew::codec
