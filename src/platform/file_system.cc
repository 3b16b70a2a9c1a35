// SPDX-License-Identifier: Apache-2.0
#include "platform/file_system.h"

#include <algorithm>
#include <array>

namespace clew::platform {

namespace {

// What one gather list of fill_with_zeros() names again and again; large enough that the calls do not count.
constexpr size_t kZeroBytes = 64 << 10;
constexpr std::array<uint8_t, kZeroBytes> kZeros{};
constexpr size_t kZeroPartsMax = 64;

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace

std::string join(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

std::string parent(std::string_view path) {
  path = without_trailing_slashes(path);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(without_trailing_slashes(path.substr(0, slash)));
}

Result<void> make_durable_directory(FileSystem& files, const std::string& path, SyncSite site) {
  // From the deepest that is missing upwards, then made from the top down. A path has few components.
  std::vector<std::string> missing;
  std::string at(without_trailing_slashes(path));
  while (true) {
    const Result<std::vector<std::string>> names = files.list(at);
    if (names.ok()) break;
    if (names.error().code() != Code::NotFound || at == "." || at == "/") return names.error();
    missing.push_back(at);
    at = parent(at);
  }
  for (auto next = missing.rbegin(); next != missing.rend(); ++next) {
    Result<void> made = files.make_directory(*next);
    if (!made.ok() && made.error().code() != Code::AlreadyExists) return made;
  }
  at = std::string(without_trailing_slashes(path));
  for (size_t above = 0; at != "." && at != "/"; ++above) {
    at = parent(at);
    const Result<void> synced = files.sync_directory(at, site);
    if (synced.ok()) continue;
    // A folder that we may not read has not been changed by us.
    if (above < std::max<size_t>(missing.size(), 1) || synced.error().code() != Code::PermissionDenied)
      return synced.error();
  }
  return {};
}

Result<void> fill_with_zeros(File& file, uint64_t offset, uint64_t bytes) {
  std::array<Bytes, kZeroPartsMax> parts;
  while (bytes > 0) {
    uint64_t in_call = 0;
    size_t count = 0;
    for (; count < parts.size() && in_call < bytes; ++count) {
      parts[count] = Bytes(kZeros).first(std::min<uint64_t>(kZeroBytes, bytes - in_call));
      in_call += parts[count].size();
    }
    TRY(file.write_at(offset, std::span<const Bytes>(parts).first(count)));
    offset += in_call;
    bytes -= in_call;
  }
  return {};
}

}  // namespace clew::platform
