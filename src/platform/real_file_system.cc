// SPDX-License-Identifier: Apache-2.0
//
// Plain calls, each retried when a signal interrupts it, except fsync and close: an interrupted close has closed, and
// a failed sync must not be repeated (the kernel has forgotten the error and the pages that failed).
#include "platform/real_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace clew::platform {

namespace {

constexpr mode_t kFileMode = 0600;  // spans are nobody else's business
constexpr mode_t kDirectoryMode = 0700;
// Buffers of one pwritev call; the kernel's own limit is IOV_MAX (1024).
constexpr size_t kIovecsMax = 256;
static_assert(kIovecsMax <= IOV_MAX);

Code code_of(int number) {
  switch (number) {
    case ENOENT:
      return Code::NotFound;
    case ENOTDIR:
    case EISDIR:
      return Code::FailedPrecondition;
    case EEXIST:
      return Code::AlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::PermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Code::Unavailable;
    default:
      return Code::Internal;
  }
}

Error failed(std::string_view what, const std::string& path, int number) {
  return {code_of(number), fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(number))};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Result<Descriptor> open_descriptor(std::string_view what, const std::string& path, int flags) {
  const int number = retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); });
  if (number < 0) return failed(what, path, errno);
  return Descriptor(number);
}

class RealFile final : public File {
 public:
  RealFile(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, std::span<uint8_t> into) override {
    size_t done = 0;
    while (done < into.size()) {
      const ssize_t count = retried([&] {
        return ::pread(descriptor_.number(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      });
      if (count < 0) return failed("read", path_, errno);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  Result<void> write_at(uint64_t offset, std::span<const Bytes> parts) override {
    size_t skip = 0;  // bytes of parts.front() that are written already
    while (!parts.empty()) {
      std::array<iovec, kIovecsMax> vectors;
      size_t count = 0;
      for (const Bytes part : parts.first(std::min(parts.size(), kIovecsMax))) {
        const Bytes rest = part.subspan(count == 0 ? skip : 0);
        // The kernel does not write through iov_base, whose type has no const.
        vectors[count++] = {const_cast<uint8_t*>(rest.data()), rest.size()};
      }
      const ssize_t wrote = retried([&] {
        return ::pwritev(descriptor_.number(), vectors.data(), static_cast<int>(count), static_cast<off_t>(offset));
      });
      if (wrote < 0) return failed("write", path_, errno);
      offset += static_cast<uint64_t>(wrote);
      skip += static_cast<size_t>(wrote);
      while (!parts.empty() && skip >= parts.front().size()) {
        skip -= parts.front().size();
        parts = parts.subspan(1);
      }
      if (wrote == 0 && !parts.empty()) return failed("write", path_, ENOSPC);
    }
    return {};
  }

  Result<void> sync(SyncSite /*site*/) override {
    if (::fdatasync(descriptor_.number()) != 0) return failed("sync", path_, errno);
    return {};
  }

  Result<void> truncate(uint64_t bytes) override {
    if (retried([&] { return ::ftruncate(descriptor_.number(), static_cast<off_t>(bytes)); }) != 0)
      return failed("truncate", path_, errno);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat facts;
    if (::fstat(descriptor_.number(), &facts) != 0) return failed("look at", path_, errno);
    return static_cast<uint64_t>(facts.st_size);
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

class RealLock final : public FileLock {
 public:
  explicit RealLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

class RealFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Access access) override {
    const int flags = access == Access::Read ? O_RDONLY : O_RDWR;
    Descriptor descriptor = TRY(open_descriptor("open", path, flags));
    struct stat facts;
    if (::fstat(descriptor.number(), &facts) != 0) return failed("look at", path, errno);
    if (S_ISDIR(facts.st_mode)) return failed("open", path, EISDIR);  // Linux opens a folder for reading
    return std::unique_ptr<File>(std::make_unique<RealFile>(std::move(descriptor), path));
  }

  Result<std::unique_ptr<File>> create(const std::string& path) override {
    Descriptor descriptor = TRY(open_descriptor("create", path, O_RDWR | O_CREAT | O_EXCL));
    return std::unique_ptr<File>(std::make_unique<RealFile>(std::move(descriptor), path));
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from, errno);
    return {};
  }

  Result<void> link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return failed("link to", to, errno);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return failed("remove", path, errno);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    std::vector<std::string> names;
    for (Entry& entry : TRY(entries(path))) names.push_back(std::move(entry.name));
    return names;
  }

  Result<std::vector<Entry>> entries(const std::string& path) override {
    struct Closer {
      void operator()(DIR* directory) const { ::closedir(directory); }
    };
    const std::unique_ptr<DIR, Closer> directory(::opendir(path.c_str()));
    if (directory == nullptr) return failed("list", path, errno);
    std::vector<Entry> entries;
    while (true) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      entries.push_back({std::string(name), entry->d_type == DT_DIR});
      if (entry->d_type != DT_UNKNOWN) continue;  // some file systems leave it to be asked for
      struct stat facts;
      if (::lstat(join(path, name).c_str(), &facts) == 0) entries.back().is_folder = S_ISDIR(facts.st_mode);
    }
    if (errno != 0) return failed("list", path, errno);
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  }

  Result<void> make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), kDirectoryMode) != 0) return failed("make the folder", path, errno);
    return {};
  }

  Result<void> sync_directory(const std::string& path, SyncSite /*site*/) override {
    const Descriptor directory = TRY(open_descriptor("open the folder", path, O_RDONLY | O_DIRECTORY));
    if (::fsync(directory.number()) != 0) return failed("sync the folder", path, errno);
    return {};
  }

  Result<uint64_t> free_space(const std::string& path) override {
    struct statvfs facts;
    if (retried([&] { return ::statvfs(path.c_str(), &facts); }) != 0)
      return failed("ask for the free space of", path, errno);
    return static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
  }

  // flock(2), whose lock belongs to the open file and goes with it; the holder's process id is in the file for people.
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    Descriptor descriptor = TRY(open_descriptor("open the lock file", path, O_RDWR | O_CREAT));
    if (retried([&] { return ::flock(descriptor.number(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno != EWOULDBLOCK) return failed("lock", path, errno);
      return Error(Code::FailedPrecondition,
                   fmt::format("{} is in use by another process{}", parent(path), holder(descriptor)));
    }
    const std::string note = fmt::format("{}\n", ::getpid());
    // A note only: on a full disk the lock holds without it.
    if (::ftruncate(descriptor.number(), 0) == 0)
      static_cast<void>(!::pwrite(descriptor.number(), note.data(), note.size(), 0));
    return std::unique_ptr<FileLock>(std::make_unique<RealLock>(std::move(descriptor)));
  }

 private:
  static std::string holder(const Descriptor& descriptor) {
    std::array<char, 24> note{};
    const ssize_t count = ::pread(descriptor.number(), note.data(), note.size(), 0);
    size_t digits = 0;
    while (count > 0 && digits < static_cast<size_t>(count) && note[digits] >= '0' && note[digits] <= '9') ++digits;
    if (digits == 0) return "";
    return fmt::format(" (process {})", std::string_view(note.data(), digits));
  }
};

}  // namespace

FileSystem& real_file_system() {
  static RealFileSystem files;
  return files;
}

}  // namespace clew::platform
