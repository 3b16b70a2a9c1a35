// SPDX-License-Identifier: Apache-2.0
//
// What the first bytes of each form can be:
//   protobuf        0A, the tag of resource_spans. A varint frame of ten bytes begins so, too; none is so short.
//   JSON            white space, {, white space, then } or a name: " and a letter. Protobuf may begin with the bytes of
//                   a newline, brace and quote, but behind the quote, a length, it has the tag 0A.
//   u32 frames      a length below kPartBytesMax, so 00 to 10 and three more bytes, and then how a TracesData or what
//                   is packed begins
//   varint frames   a varint and then 0A
#include "file/otlp_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "codec/proto_reader.h"
#include "decode/otlp/traces_json.h"
#include "decode/otlp/traces_protobuf.h"

namespace clew::file {
namespace {

using codec::length_tag;

constexpr uint8_t kResourceSpansTag = length_tag(1);
constexpr size_t kFrameLengthBytes = 4;
// Looked at to recognise the form: white space before JSON may be no longer.
constexpr size_t kHeadBytes = 4096;

bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

size_t blanks(Bytes text, size_t from) {
  while (from < text.size() && is_blank(text[from])) ++from;
  return from;
}

bool begins_json(Bytes text) {
  size_t at = blanks(text, 0);
  if (at == text.size() || text[at] != '{') return false;
  at = blanks(text, at + 1);
  if (at == text.size()) return false;
  return text[at] == '}' || (text[at] == '"' && at + 1 < text.size() && std::isalpha(text[at + 1]) != 0);
}

bool begins_message(Bytes bytes) {
  if (bytes.empty()) return false;
  return bytes[0] == kResourceSpansTag || begins_json(bytes) || codec::sniff(bytes) != codec::Encoding::None;
}

uint32_t big_endian(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | uint32_t{bytes[3]};
}

// A varint at the front of `bytes`, and how long it is; nothing if there is none.
struct Varint {
  uint64_t value;
  size_t bytes;
};
std::optional<Varint> varint_at(Bytes bytes) {
  const uint8_t* next = bytes.data();
  uint64_t value = 0;
  if (!codec::read_varint(next, bytes.data() + bytes.size(), value)) return std::nullopt;
  return Varint{value, static_cast<size_t>(next - bytes.data())};
}

// Follows the brackets of JSON text, to find where a document ends.
class Brackets {
 public:
  // Takes `text` up to the end of the document; how much that was.
  size_t take(Bytes text) {
    size_t at = 0;
    while (at < text.size() && !closed_) one(text[at++]);
    return at;
  }
  bool closed() const { return closed_; }

 private:
  void one(uint8_t byte) {
    if (in_text_) {
      if (escaped_) {
        escaped_ = false;
      } else if (byte == '\\') {
        escaped_ = true;
      } else if (byte == '"') {
        in_text_ = false;
      }
    } else if (byte == '"') {
      in_text_ = true;
    } else if (byte == '{' || byte == '[') {
      ++depth_;
    } else if (byte == '}' || byte == ']') {
      closed_ = --depth_ <= 0;
    }
  }

  int64_t depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
  bool closed_ = false;
};

std::string too_large() {
  return fmt::format("longer than {} MiB, the most that is read in one piece", kPartBytesMax >> 20);
}

}  // namespace

Result<OtlpFile> OtlpFile::open(const std::string& path) {
  Result<ByteStream> stream = ByteStream::open(path);
  if (!stream.ok()) return stream.error().with(path);
  OtlpFile file(std::move(*stream));
  if (const Result<void> known = file.recognise(); !known.ok()) return known.error().with(path);
  return file;
}

Result<void> OtlpFile::recognise() {
  const Bytes head = TRY(stream_.peek(kHeadBytes));
  if (head.empty()) return {};
  if (begins_json(head)) {
    // One document on a line is one of many.
    Brackets brackets;
    size_t line = blanks(head, 0);
    while (line < head.size() && head[line] != '\n') ++line;
    brackets.take(head.first(line));
    form_ = brackets.closed() || line == head.size() ? Form::JsonLines : Form::Json;
    return {};
  }
  if (head[0] == kResourceSpansTag) {
    form_ = Form::Protobuf;
    return {};
  }
  if (head.size() > kFrameLengthBytes && big_endian(head.data()) <= kPartBytesMax &&
      begins_message(head.subspan(kFrameLengthBytes))) {
    form_ = Form::FixedFrames;
    return {};
  }
  if (const auto length = varint_at(head); length && length->value > 0 && length->value <= kPartBytesMax &&
                                           length->bytes < head.size() && head[length->bytes] == kResourceSpansTag) {
    form_ = Form::VarintFrames;
    return {};
  }
  std::string bytes;
  constexpr size_t kShownBytes = 8;
  for (const uint8_t byte : head.first(std::min(head.size(), kShownBytes))) bytes += fmt::format(" {:02x}", byte);
  return Error(Code::InvalidArgument,
               fmt::format("is not OTLP in protobuf, in JSON, or in frames of these: it begins with{}", bytes));
}

OtlpFile::Part OtlpFile::next() {
  if (ended_) return {};
  part_offset_ = stream_.offset();
  ++part_number_;
  Part part;
  switch (form_) {
    case Form::Empty:
      break;
    case Form::Protobuf:
      part = next_resource_spans();
      break;
    case Form::Json:
      part = next_document();
      break;
    case Form::JsonLines:
      part = next_line();
      break;
    case Form::FixedFrames:
    case Form::VarintFrames:
      part = next_frame();
      break;
  }
  ended_ = part.kind == Kind::End || part.kind == Kind::Broken;
  if (part.place.empty()) part.place = place();
  return part;
}

std::string OtlpFile::place() const {
  if (form_ == Form::JsonLines) return fmt::format("line {}", part_number_);
  if (form_ == Form::FixedFrames || form_ == Form::VarintFrames)
    return fmt::format("frame {} at byte {}", part_number_, part_offset_);
  return fmt::format("byte {}", part_offset_);
}

OtlpFile::Part OtlpFile::broken(std::string problem) {
  Part part;
  part.kind = Kind::Broken;
  part.problem = std::move(problem);
  return part;
}

OtlpFile::Part OtlpFile::decoded(Bytes bytes, size_t padding, Kind when_bad) {
  Part part;
  part.kind = Kind::Spans;
  Result<decode::Verdict> verdict = begins_json(bytes) ? decode::otlp::decode_traces_json(bytes, padding, part.spans)
                                                       : decode::otlp::decode_traces_protobuf(bytes, part.spans);
  if (verdict.ok()) {
    part.verdict = std::move(*verdict);
  } else {
    part.kind = when_bad;
    part.problem = verdict.error().what();
  }
  return part;
}

// A field of TracesData with its tag is a TracesData of its own.
OtlpFile::Part OtlpFile::next_resource_spans() {
  const Result<Bytes> head = stream_.peek(1 + codec::kVarintBytesMax);
  if (!head.ok()) return broken(head.error().what());
  if (head->empty()) return {};
  const auto length = varint_at(head->subspan(1));
  if ((*head)[0] != kResourceSpansTag || !length) return broken("no resource_spans begins here");
  if (length->value > kPartBytesMax) return broken("resource_spans are " + too_large());
  const size_t bytes = 1 + length->bytes + static_cast<size_t>(length->value);
  const Result<Bytes> field = stream_.peek(bytes);
  if (!field.ok()) return broken(field.error().what());
  if (field->size() < bytes) return broken("the file ends within resource_spans");
  // Framing inside was not looked at, framing outside was: what comes behind can be read.
  Part part = decoded(field->first(bytes), 0, Kind::Bad);
  stream_.consume(bytes);
  return part;
}

// The length of the next document with the blanks before it; 0 if there is none.
Result<size_t> OtlpFile::document_bytes() {
  Brackets brackets;
  size_t seen = 0;
  for (size_t wanted = kHeadBytes;; wanted *= 2) {
    const Bytes text = TRY(stream_.peek(wanted));
    const size_t begin = blanks(text, 0);
    seen = std::max(seen, begin);
    seen += brackets.take(text.subspan(seen));
    if (brackets.closed()) return seen;
    if (text.size() < wanted) {
      if (begin == text.size()) return size_t{0};
      return Error(Code::InvalidArgument, "the file ends within a JSON document");
    }
    if (seen > kPartBytesMax)
      return Error(Code::ResourceExhausted, "a JSON document is " + too_large() + "; as JSON lines it could be read");
  }
}

OtlpFile::Part OtlpFile::next_document() {
  const Result<size_t> bytes = document_bytes();
  if (!bytes.ok()) return broken(bytes.error().what());
  if (*bytes == 0) return {};
  const Result<Bytes> text = stream_.peek(*bytes + decode::otlp::kJsonPadding);
  if (!text.ok()) return broken(text.error().what());
  if (!begins_json(text->first(*bytes))) return broken("no JSON object begins here");
  Part part = decoded(text->first(*bytes), text->size() - *bytes, Kind::Broken);
  stream_.consume(*bytes);
  return part;
}

// The length of the next line, without its end.
Result<size_t> OtlpFile::line_bytes() {
  size_t seen = 0;
  for (size_t wanted = kHeadBytes;; wanted *= 2) {
    const Bytes text = TRY(stream_.peek(wanted));
    while (seen < text.size() && text[seen] != '\n') ++seen;
    if (seen < text.size() || text.size() < wanted) return seen;
    if (seen > kPartBytesMax) return Error(Code::ResourceExhausted, "a line is " + too_large());
  }
}

OtlpFile::Part OtlpFile::next_line() {
  while (true) {
    const Result<size_t> line = line_bytes();
    if (!line.ok()) return broken(line.error().what());
    const Result<Bytes> text = stream_.peek(*line + decode::otlp::kJsonPadding);
    if (!text.ok()) return broken(text.error().what());
    if (text->empty()) return {};
    const Bytes json = text->first(*line);
    const size_t consumed = std::min(*line + 1, text->size());
    if (blanks(json, 0) == json.size()) {
      stream_.consume(consumed);
      ++part_number_;
      continue;
    }
    Part part;
    if (begins_json(json)) {
      part = decoded(json, text->size() - *line, Kind::Bad);
    } else {
      part.kind = Kind::Bad;
      part.problem = "is no JSON object";
    }
    stream_.consume(consumed);
    return part;
  }
}

OtlpFile::Part OtlpFile::next_frame() {
  const Result<Bytes> head = stream_.peek(codec::kVarintBytesMax);
  if (!head.ok()) return broken(head.error().what());
  if (head->empty()) return {};
  std::optional<Varint> length;
  if (form_ == Form::VarintFrames) {
    length = varint_at(*head);
  } else if (head->size() >= kFrameLengthBytes) {
    length = Varint{big_endian(head->data()), kFrameLengthBytes};
  }
  if (!length) return broken("the file ends within a length");
  if (length->value > kPartBytesMax) return broken("a frame is " + too_large());
  const auto bytes = static_cast<size_t>(length->value);
  stream_.consume(length->bytes);
  const Result<Bytes> window = stream_.peek(bytes);
  if (!window.ok()) return broken(window.error().what());
  if (window->size() < bytes) return broken("the file ends within a frame");
  const Bytes packed = window->first(bytes);
  const codec::Encoding encoding = codec::sniff(packed);
  const Result<Bytes> body = inflater_.inflate(encoding, packed, kPartBytesMax);
  Part part;
  if (body.ok()) {
    part = decoded(*body, encoding == codec::Encoding::None ? window->size() - bytes : codec::Inflater::kPadding,
                   Kind::Bad);
  } else {
    part.kind = Kind::Bad;
    part.problem = body.error().what();
  }
  stream_.consume(bytes);
  inflater_.trim();
  return part;
}

}  // namespace clew::file
