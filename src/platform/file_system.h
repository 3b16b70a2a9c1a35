// SPDX-License-Identifier: Apache-2.0
//
// platform::FileSystem is the only way in which Clew's store touches a disk. There are two: RealFileSystem
// (platform/real_file_system.h) and, for tests, FaultyFileSystem (platform/testing/faulty_file_system.h), which forgets
// what was not synced, fails and runs full on command. So what is promised about a loss of power can be tested.
//
// What survives a loss of power is only this: bytes and size of a file after File::sync() returned ok; the name of a
// file or folder after sync_directory() of the folder it stands in returned ok. A write cut by a loss of power leaves
// each byte it covers old or new, in any mixture, and no other byte touched.
//
// Every sync carries a SyncSite, the name of the promise that it keeps. Tests switch one site off and see that
// something is lost; a sync that no test misses is not needed.
//
// Errors: NotFound, AlreadyExists, PermissionDenied, FailedPrecondition for a file where a folder should be or the
// other way round, and Unavailable for a full disk or quota and for a spent limit of descriptors; everything else is
// Internal. The words name the path and the system's reason.
//
// Threads: a FileSystem may be used by any number of threads, a File by one at a time; but while nobody changes it, any
// number may call its read_at() and size().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace clew::platform {

// A string literal such as "journal.group".
using SyncSite = std::string_view;

// An open file. Destruction closes it and does not sync.
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;

  // Fills `into` from `offset` on; the number of bytes read is smaller only where the file ends.
  virtual Result<size_t> read_at(uint64_t offset, std::span<uint8_t> into) = 0;
  // Writes `parts` one behind the other from `offset` on, all of them or an error; then any part of them may be there.
  virtual Result<void> write_at(uint64_t offset, std::span<const Bytes> parts) = 0;
  // Bytes and size as they are now are on disk when this is ok (fdatasync). After an error nothing is known about what
  // was written since the last success, and a second call that succeeds proves nothing: give up the file.
  virtual Result<void> sync(SyncSite site) = 0;
  virtual Result<void> truncate(uint64_t bytes) = 0;
  virtual Result<uint64_t> size() = 0;
};

// Holds a lock file until it goes; the operating system lets go of it when the process dies.
class FileLock {
 public:
  FileLock() = default;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  virtual ~FileLock() = default;
};

enum class Access : uint8_t { Read, ReadWrite };

struct Entry {
  std::string name;
  bool is_folder = false;
  friend bool operator==(const Entry&, const Entry&) = default;
};

class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, Access access) = 0;
  // A new, empty file; AlreadyExists if the name is taken.
  virtual Result<std::unique_ptr<File>> create(const std::string& path) = 0;
  // Replaces `to` if it exists, in one step.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  // A second name for a file; AlreadyExists, and nothing is changed, if there is something of that name.
  virtual Result<void> link(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  // The names in a folder in byte order, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  // The same, and which of them are folders.
  virtual Result<std::vector<Entry>> entries(const std::string& path) = 0;
  // AlreadyExists if there is something of that name.
  virtual Result<void> make_directory(const std::string& path) = 0;
  virtual Result<void> sync_directory(const std::string& path, SyncSite site) = 0;
  // Bytes that may still be written to the disk on which `path` lies.
  virtual Result<uint64_t> free_space(const std::string& path) = 0;
  // FailedPrecondition, with one line for a person, if another process or another FileLock holds the file.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

// `folder/name`.
std::string join(std::string_view folder, std::string_view name);
// The folder in which `path` stands: "a" for "a/b" and "a/b/", "." for "a", "/" for "/a".
std::string parent(std::string_view path);

// Makes `path` and the folders above it where they are missing, and syncs every folder on the way down to it, also
// those that were there: who made them may have died before the sync.
Result<void> make_durable_directory(FileSystem& files, const std::string& path, SyncSite site);

// Writes zeros over [offset, offset + bytes).
Result<void> fill_with_zeros(File& file, uint64_t offset, uint64_t bytes);

}  // namespace clew::platform
