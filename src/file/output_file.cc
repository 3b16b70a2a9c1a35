// SPDX-License-Identifier: Apache-2.0
#include "file/output_file.h"

#include <cerrno>
#include <cstring>

namespace clew::file {
namespace {

// At once after the call that failed: `number` is its errno.
Error failed(const std::string& path, int number) {
  return {number == EACCES ? Code::PermissionDenied : Code::Unknown,
          (path.empty() ? "standard output" : path) + ": " + std::strerror(number)};
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path) {
  OutputFile out;
  if (path.empty() || path == "-") {
    out.file_.reset(stdout);
    return out;
  }
  if (path.ends_with(".gz")) out.encoding_ = codec::Encoding::Gzip;
  if (path.ends_with(".zst")) out.encoding_ = codec::Encoding::Zstd;
  out.path_ = path;
  out.unfinished_ = path + ".unfinished";
  out.file_.reset(std::fopen(out.unfinished_.c_str(), "wb"));
  if (out.file_ == nullptr) return failed(out.unfinished_, errno);
  return out;
}

OutputFile::~OutputFile() {
  if (file_ != nullptr && !unfinished_.empty()) std::remove(unfinished_.c_str());
}

Result<void> OutputFile::write(std::string_view bytes) {
  piece_ += bytes;
  return piece_.size() < kPieceBytes ? Result<void>() : flush();
}

Result<void> OutputFile::flush() {
  if (piece_.empty()) return {};
  const std::string packed = encoding_ == codec::Encoding::None ? "" : deflater_.deflate(encoding_, piece_);
  const std::string& bytes = encoding_ == codec::Encoding::None ? piece_ : packed;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) return failed(path_, errno);
  piece_.clear();
  return {};
}

Result<void> OutputFile::finish() {
  TRY(flush());
  if (std::fflush(file_.get()) != 0) return failed(path_, errno);
  if (path_.empty()) return {};
  if (std::fclose(file_.release()) != 0) return failed(path_, errno);
  if (std::rename(unfinished_.c_str(), path_.c_str()) != 0) return failed(path_, errno);
  return {};
}

}  // namespace clew::file
