// SPDX-License-Identifier: Apache-2.0
//
// The FileSystem of the operating system: Linux, local disks. Syncs are fdatasync and, for folders, fsync.
#pragma once

#include "platform/file_system.h"

namespace clew::platform {

// Lives until the process ends.
FileSystem& real_file_system();

}  // namespace clew::platform
