// SPDX-License-Identifier: Apache-2.0
//
// object::DurableNames makes folders and names below a root and knows which of them a loss of power would leave. It
// counts the changes of each folder: a sync makes durable what was counted before it began. A folder that this process
// has not synced yet counts as changed, because the process before may have died ahead of its sync.
//
// Folders are told relative to the root, "" being the root itself. Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/file_system.h"

namespace clew::object {

// "a/b" for "a/b/c", "" for "a".
std::string_view folder_of(std::string_view name);

class DurableNames {
 public:
  // `files` must outlive this. The root is there, and its own name is durable.
  DurableNames(platform::FileSystem& files, std::string root) : files_(files), root_(std::move(root)) {}

  // When ok, `folder` is there, and its name and those of the folders above it are durable.
  Result<void> make_folder(std::string_view folder, platform::SyncSite site);
  // Gives the file at `path` the name `name` (relative to the root), which is not durable before settle() of its
  // folder.
  Result<void> link(const std::string& path, std::string_view name);
  // When ok, whatever was in `folder` at the time of the call is durable, and so is the name of the folder.
  Result<void> settle(std::string_view folder, platform::SyncSite site);

 private:
  struct Folder {
    uint64_t changes = 1;
    uint64_t durable_changes = 0;
  };

  std::string path(std::string_view name) const { return platform::join(root_, name); }
  Result<void> settle_one(std::string_view folder, platform::SyncSite site);

  platform::FileSystem& files_;
  const std::string root_;

  // Held while a name is made, so that nobody who has seen it finds it uncounted. Not held by syncs.
  std::mutex mutex_;
  std::map<std::string, Folder, std::less<>> folders_;  // guarded by mutex_; those that are known to be there
};

}  // namespace clew::object
