// SPDX-License-Identifier: Apache-2.0
//
// ProtoReader walks the fields of one Protocol Buffers message in place: it copies nothing and allocates nothing.
// (Wire format: protobuf.dev/programming-guides/encoding.)
//
//   ProtoReader reader(message);
//   while (reader.next_tag()) {
//     switch (reader.tag()) {
//       case length_tag(5): if (reader.read_bytes(name)) …; break;
//       default: reader.skip();
//     }
//   }
//   if (reader.failed()) …  // reader.position() is where
//
// A known field that comes with another wire type has another tag, so it falls into `default` and is skipped, as every
// proto3 parser does. A read that fails makes the reader fail for good: the loop ends at its next next_tag().
// Refused: varints that do not fit 64 bits, field number 0, lengths and fixed values past the end, wire types 6 and 7,
// a group that does not close or closes another field, groups nested deeper than kGroupDepthMax.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "codec/varint.h"

namespace clew::codec {

enum class WireType : uint8_t { Varint = 0, Fixed64 = 1, Length = 2, GroupStart = 3, GroupEnd = 4, Fixed32 = 5 };

constexpr uint32_t make_tag(uint32_t field, WireType type) { return (field << 3) | static_cast<uint32_t>(type); }
constexpr uint32_t varint_tag(uint32_t field) { return make_tag(field, WireType::Varint); }
constexpr uint32_t fixed64_tag(uint32_t field) { return make_tag(field, WireType::Fixed64); }
constexpr uint32_t length_tag(uint32_t field) { return make_tag(field, WireType::Length); }
constexpr uint32_t fixed32_tag(uint32_t field) { return make_tag(field, WireType::Fixed32); }

class ProtoReader {
 public:
  // Nested groups in skipped content; libprotobuf's own limit of message nesting.
  static constexpr uint32_t kGroupDepthMax = 100;

  explicit ProtoReader(Bytes message) : next_(message.data()), end_(message.data() + message.size()) {}

  // Reads the next field's tag. False at the end of the message or after a failure.
  bool next_tag() {
    if (next_ == end_ || failed_) return false;
    uint64_t tag = 0;
    if (!read_varint(next_, end_, tag) || tag > UINT32_MAX || (tag >> 3) == 0) return fail();
    tag_ = static_cast<uint32_t>(tag);
    return true;
  }
  uint32_t tag() const { return tag_; }
  uint32_t field() const { return tag_ >> 3; }
  WireType type() const { return static_cast<WireType>(tag_ & 7); }

  // The value of the current field; the tag must have the wire type of the function.
  bool read_bytes(Bytes& value) {
    uint64_t bytes = 0;
    if (!read_varint(next_, end_, bytes) || bytes > left()) return fail();
    value = {next_, static_cast<size_t>(bytes)};
    next_ += bytes;
    return true;
  }
  bool read_uint64(uint64_t& value) { return read_varint(next_, end_, value) || fail(); }
  // The low half of a varint, as proto3 reads 32-bit fields and enums.
  bool read_uint32(uint32_t& value) {
    uint64_t wide = 0;
    if (!read_uint64(wide)) return false;
    value = static_cast<uint32_t>(wide);
    return true;
  }
  bool read_int32(int32_t& value) {
    uint64_t wide = 0;
    if (!read_uint64(wide)) return false;
    value = static_cast<int32_t>(static_cast<uint32_t>(wide));
    return true;
  }
  bool read_fixed64(uint64_t& value) { return read_fixed(value); }
  bool read_fixed32(uint32_t& value) { return read_fixed(value); }

  // Passes over the value of the current field, whatever its type.
  bool skip() { return skip_value(tag_); }

  bool failed() const { return failed_; }
  // The next byte to read, or after a failure the place where the reader stood.
  const uint8_t* position() const { return next_; }

 private:
  size_t left() const { return static_cast<size_t>(end_ - next_); }
  bool fail() {
    failed_ = true;
    return false;
  }

  template <class T>
  bool read_fixed(T& value) {
    if (left() < sizeof(T)) return fail();
    value = load<T>(next_);
    next_ += sizeof(T);
    return true;
  }

  bool skip_value(uint32_t tag) {
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::Varint: {
        uint64_t ignored = 0;
        return read_uint64(ignored);
      }
      case WireType::Fixed64: {
        uint64_t ignored = 0;
        return read_fixed64(ignored);
      }
      case WireType::Fixed32: {
        uint32_t ignored = 0;
        return read_fixed32(ignored);
      }
      case WireType::Length: {
        Bytes ignored;
        return read_bytes(ignored);
      }
      case WireType::GroupStart:
        return skip_group(tag >> 3);
      default:
        return fail();
    }
  }

  // Iterates: the stack of open groups is an array of bounded depth.
  bool skip_group(uint32_t field) {
    uint32_t open[kGroupDepthMax];
    uint32_t depth = 0;
    open[depth++] = field;
    while (depth > 0) {
      uint64_t tag = 0;
      if (!read_varint(next_, end_, tag) || tag > UINT32_MAX || (tag >> 3) == 0) return fail();
      const auto type = static_cast<WireType>(tag & 7);
      if (type == WireType::GroupStart) {
        if (depth == kGroupDepthMax) return fail();
        open[depth++] = static_cast<uint32_t>(tag >> 3);
      } else if (type == WireType::GroupEnd) {
        if (open[--depth] != tag >> 3) return fail();
      } else if (!skip_value(static_cast<uint32_t>(tag))) {
        return false;
      }
    }
    return true;
  }

  const uint8_t* next_;
  const uint8_t* end_;
  uint32_t tag_ = 0;
  bool failed_ = false;
};

}  // namespace clew::codec
