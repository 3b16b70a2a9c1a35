// SPDX-License-Identifier: Apache-2.0
//
// OtlpFile reads spans from a file of OTLP traces, part by part, with memory for one part. The form is recognised by
// content, and so is gzip and zstd around it:
//   - protobuf: one TracesData, or several one behind the other, which is the same;
//   - JSON: one TracesData, or several one behind the other; or one on each line, as the Collector's file exporter
//     writes it;
//   - frames: a length and so many bytes of a TracesData, in protobuf or JSON, which may be packed each by itself. The
//     length is a u32 in big-endian order (the Collector's file exporter), or a varint (protobuf's delimited streams).
//
//   OtlpFile file = TRY(OtlpFile::open("spans.json.gz"));
//   for (OtlpFile::Part part = file.next(); part.kind != Kind::End; part = file.next()) …
//
// A bad part says where and why. Lines and frames are told apart without looking inside, so reading goes on behind
// them; elsewhere it ends there. Threads: one.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "codec/compress.h"
#include "decode/verdict.h"
#include "file/byte_stream.h"
#include "model/span_batch.h"

namespace clew::file {

// Of one part: a ResourceSpans in protobuf, else a TracesData.
constexpr size_t kPartBytesMax = size_t{256} << 20;

class OtlpFile {
 public:
  enum class Kind : uint8_t {
    Spans,
    Bad,     // this part is lost; there may be more
    Broken,  // nothing behind this can be read
    End
  };
  struct Part {
    Kind kind = Kind::End;
    model::SpanBatch spans = {};
    decode::Verdict verdict = {};  // what of the part was refused, though its framing is sound
    std::string place = "";        // "line 3", "byte 1200"
    std::string problem = "";      // of Bad and Broken
  };

  static Result<OtlpFile> open(const std::string& path);

  Part next();

  // As ByteStream has them, for a progress bar.
  uint64_t packed_offset() const { return stream_.packed_offset(); }
  uint64_t packed_bytes() const { return stream_.packed_bytes(); }
  // Unpacked bytes read so far.
  uint64_t offset() const { return stream_.offset(); }

 private:
  enum class Form : uint8_t { Empty, Protobuf, Json, JsonLines, FixedFrames, VarintFrames };

  explicit OtlpFile(ByteStream stream) : stream_(std::move(stream)) {}
  Result<void> recognise();
  Part next_resource_spans();
  Part next_document();
  Part next_line();
  Part next_frame();
  Result<size_t> document_bytes();
  Result<size_t> line_bytes();
  Part decoded(Bytes bytes, size_t padding, Kind when_bad);
  Part broken(std::string problem);
  std::string place() const;

  ByteStream stream_;
  Form form_ = Form::Empty;
  codec::Inflater inflater_;
  uint64_t part_number_ = 0;  // lines and frames, from 1
  uint64_t part_offset_ = 0;
  bool ended_ = false;
};

}  // namespace clew::file
