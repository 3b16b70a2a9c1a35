// SPDX-License-Identifier: Apache-2.0
//
// ProtoWriter appends Protocol Buffers fields to a string. Fields are written in the order of the calls and always,
// also with a default value: leaving defaults out is the caller's decision.
//
//   ProtoWriter writer(out);
//   writer.bytes(1, trace_id);
//   writer.message(2, [&] { writer.varint(1, 7); });
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "codec/proto_reader.h"
#include "codec/varint.h"

namespace clew::codec {

class ProtoWriter {
 public:
  explicit ProtoWriter(std::string& out) : out_(out) {}

  void varint(uint32_t field, uint64_t value) {
    append_varint(out_, varint_tag(field));
    append_varint(out_, value);
  }
  // Enums and int32: a negative number takes ten bytes, as proto3 wants it.
  void int32(uint32_t field, int32_t value) { varint(field, static_cast<uint64_t>(int64_t{value})); }
  void fixed64(uint32_t field, uint64_t value) {
    append_varint(out_, fixed64_tag(field));
    append(out_, value);
  }
  void fixed32(uint32_t field, uint32_t value) {
    append_varint(out_, fixed32_tag(field));
    append(out_, value);
  }
  void text(uint32_t field, std::string_view value) {
    append_varint(out_, length_tag(field));
    append_varint(out_, value.size());
    out_.append(value);
  }
  void bytes(uint32_t field, Bytes value) { text(field, as_text(value)); }

  // A sub-message whose fields `fill` writes through this same writer. One byte is left for the length; content of
  // 128 bytes or more is moved up to make room for a longer one.
  template <class Fill>
  void message(uint32_t field, Fill fill) {
    const size_t begin = open(field);
    fill();
    close(begin);
  }
  // The same in two halves, for content that is not written by one function.
  size_t open(uint32_t field) {
    append_varint(out_, length_tag(field));
    out_.push_back(0);
    return out_.size();
  }
  void close(size_t begin) {
    uint8_t length[kVarintBytesMax];
    const auto size = static_cast<size_t>(write_varint(length, out_.size() - begin) - length);
    if (size > 1) out_.insert(begin, size - 1, '\0');
    std::memcpy(out_.data() + begin - 1, length, size);
  }

 private:
  std::string& out_;
};

}  // namespace clew::codec
