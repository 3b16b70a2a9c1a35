// SPDX-License-Identifier: Apache-2.0
//
// Objects as files below a folder: object "a/b" is file "a/b". An object is written under a number in the folder
// ".incomplete", synced, linked to its name without replacing what is there, and the name's folder is synced. So a
// crash leaves incomplete files only, which opening removes.
//
// A name that was linked may be seen before its folder is synced, or after that sync has failed, or the process has
// died in between. Therefore whatever shows a name syncs its folder first, unless it is known that nothing has changed
// there.
//
// Files that are read stay open, the most recent kOpenFilesMax of them. One process at a time: who opens has made sure
// of that (the journal's lock).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "object/object_store.h"
#include "platform/file_system.h"

namespace clew::object {

// The promises that syncs keep.
constexpr platform::SyncSite kSyncObject = "object.bytes";
constexpr platform::SyncSite kSyncObjectName = "object.name";      // of an object that was put
constexpr platform::SyncSite kSyncObjectRoot = "object.root";      // the store's own folder
constexpr platform::SyncSite kSyncObjectFolder = "object.folder";  // the folders below it
constexpr platform::SyncSite kSyncObjectShown = "object.shown";    // what was shown stays

// A quarter of the descriptors that a process usually may have.
constexpr size_t kOpenFilesMax = 256;

// `files` must outlive the store. Makes the folder if it is missing.
Result<std::unique_ptr<ObjectStore>> open_local_folder(platform::FileSystem& files, const std::string& folder);

// The same for who only reads, also while another process has it open: removes nothing. NotFound if it is missing.
Result<std::unique_ptr<ObjectStore>> view_local_folder(platform::FileSystem& files, const std::string& folder);

}  // namespace clew::object
