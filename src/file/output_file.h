// SPDX-License-Identifier: Apache-2.0
//
// OutputFile writes a file that appears under its name only when it is whole, or to standard output; packed if the name
// ends in .gz or .zst.
//
//   OutputFile out = TRY(OutputFile::create("spans.json.zst"));
//   TRY(out.write(text));
//   TRY(out.finish());
//
// Without finish() the unfinished file is removed. Threads: one.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/compress.h"

namespace clew::file {

class OutputFile {
 public:
  // Gathered before it is packed: a gzip member or zstd frame each, which one behind the other are one file.
  static constexpr size_t kPieceBytes = size_t{1} << 20;

  // "" and "-" are standard output.
  static Result<OutputFile> create(const std::string& path);
  OutputFile(OutputFile&&) noexcept = default;
  OutputFile& operator=(OutputFile&&) noexcept = default;
  ~OutputFile();

  Result<void> write(std::string_view bytes);
  Result<void> finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdout) std::fclose(file);
    }
  };
  OutputFile() = default;
  Result<void> flush();

  std::string path_;  // empty: standard output
  std::string unfinished_;
  std::unique_ptr<std::FILE, Close> file_;
  codec::Encoding encoding_ = codec::Encoding::None;
  codec::Deflater deflater_;
  std::string piece_;
};

}  // namespace clew::file
