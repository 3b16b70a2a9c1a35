// SPDX-License-Identifier: Apache-2.0
#include "object/durable_names.h"

#include <algorithm>

namespace clew::object {
namespace {

// The folders from the root down to `folder`, both included: "", "a", "a/b". Stops at the first error.
template <class Visit>
Result<void> for_each_from_root(std::string_view folder, Visit visit) {
  TRY(visit(std::string_view()));
  for (size_t end = 0; end < folder.size();) {
    end = std::min(folder.find('/', end + 1), folder.size());
    TRY(visit(folder.substr(0, end)));
  }
  return {};
}

}  // namespace

std::string_view folder_of(std::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

Result<void> DurableNames::make_folder(std::string_view folder, platform::SyncSite site) {
  if (folder.empty()) return {};
  TRY(for_each_from_root(folder, [&](std::string_view at) -> Result<void> {
    const std::lock_guard lock(mutex_);
    if (at.empty() || folders_.contains(at)) return {};
    const Result<void> made = files_.make_directory(path(at));
    const bool was_there = !made.ok() && made.error().code() == Code::AlreadyExists;
    if (!was_there) ++folders_[std::string(folder_of(at))].changes;
    if (!made.ok() && !was_there) return made.error();
    folders_.try_emplace(std::string(at));
    return {};
  }));
  return settle(folder_of(folder), site);
}

Result<void> DurableNames::link(const std::string& path, std::string_view name) {
  const std::lock_guard lock(mutex_);
  Result<void> linked = files_.link(path, this->path(name));
  // An error does not say that nothing was done.
  if (linked.ok() || linked.error().code() != Code::AlreadyExists) ++folders_[std::string(folder_of(name))].changes;
  return linked;
}

Result<void> DurableNames::settle(std::string_view folder, platform::SyncSite site) {
  return for_each_from_root(folder, [&](std::string_view at) { return settle_one(at, site); });
}

Result<void> DurableNames::settle_one(std::string_view folder, platform::SyncSite site) {
  uint64_t changes = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = folders_.find(folder);
    const Folder& state = found == folders_.end() ? folders_[std::string(folder)] : found->second;
    if (state.durable_changes == state.changes) return {};
    changes = state.changes;
  }
  TRY(files_.sync_directory(path(folder), site));
  const std::lock_guard lock(mutex_);
  Folder& state = folders_[std::string(folder)];
  state.durable_changes = std::max(state.durable_changes, changes);
  return {};
}

}  // namespace clew::object
