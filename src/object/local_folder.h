// SPDX-License-Identifier: Apache-2.0
//
// Objects as files below a folder: object "a/b" is file "a/b". An object is written under a temporary name in the
// folder
// ".incomplete", synced, linked to its name without replacing what is there, and its folder is synced. So a crash
// leaves temporary files only, which opening removes.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "object/object_store.h"
#include "platform/file_system.h"

namespace clew::object {

// The promises that syncs keep.
constexpr platform::SyncSite kSyncObject = "object.bytes";
constexpr platform::SyncSite kSyncObjectName = "object.name";
constexpr platform::SyncSite kSyncObjectFolder = "object.folder";

// `files` must outlive the store. Makes the folder if it is missing.
Result<std::unique_ptr<ObjectStore>> open_local_folder(platform::FileSystem& files, const std::string& folder);

}  // namespace clew::object
