// SPDX-License-Identifier: Apache-2.0
//
// object::OpenFiles keeps the files open that were read last, so that a range of a block costs one pread. A file that
// is removed is closed as soon as nobody reads it, or its bytes would stay on the disk.
//
// Threads: any. A File is shared by its readers, and nobody writes to it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "platform/file_system.h"

namespace clew::object {

class OpenFiles {
 public:
  explicit OpenFiles(size_t count_max) : count_max_(count_max) {}

  // Null if `path` is not open.
  std::shared_ptr<platform::File> find(const std::string& path);
  // Ask before a file is opened and hand it to add(): what was removed in between is not kept.
  uint64_t removals();
  void add(const std::string& path, std::shared_ptr<platform::File> file, uint64_t removals_before);
  // `path` has been removed.
  void removed(const std::string& path);

 private:
  struct Kept {
    std::string path;
    std::shared_ptr<platform::File> file;
  };

  const size_t count_max_;
  std::mutex mutex_;
  // All below is guarded by mutex_.
  std::list<Kept> kept_;  // the last used first
  std::unordered_map<std::string, std::list<Kept>::iterator> places_;
  uint64_t removals_ = 0;
};

}  // namespace clew::object
