// SPDX-License-Identifier: Apache-2.0
//
// A file of any content given to the reader of OTLP files: it ends, and whatever it takes for spans is what a decoder
// found in one of its parts.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/check.h"
#include "file/otlp_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int kFile = memfd_create("otlp_file", 0);
  static const std::string kPath = "/proc/self/fd/" + std::to_string(kFile);
  CHECK(ftruncate(kFile, 0) == 0);
  CHECK(pwrite(kFile, data, size, 0) == static_cast<ssize_t>(size));
  using clew::file::OtlpFile;
  clew::Result<OtlpFile> file = OtlpFile::open(kPath);
  if (!file.ok()) return 0;
  uint64_t parts = 0;
  for (OtlpFile::Part part = file->next(); part.kind != OtlpFile::Kind::End; part = file->next()) {
    if (part.kind == OtlpFile::Kind::Spans) CHECK(part.verdict.accepted == part.spans.span_count());
    if (part.kind != OtlpFile::Kind::Spans) CHECK(!part.problem.empty());
    // A part takes at least a byte, unpacked.
    CHECK(++parts <= file->offset() + 1);
  }
  return 0;
}
