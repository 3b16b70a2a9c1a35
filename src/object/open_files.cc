// SPDX-License-Identifier: Apache-2.0
#include "object/open_files.h"

#include <utility>

namespace clew::object {

std::shared_ptr<platform::File> OpenFiles::find(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(path);
  if (found == places_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found->second);
  return kept_.front().file;
}

uint64_t OpenFiles::removals() {
  const std::lock_guard lock(mutex_);
  return removals_;
}

void OpenFiles::add(const std::string& path, std::shared_ptr<platform::File> file, uint64_t removals_before) {
  std::shared_ptr<platform::File> closed;  // after the lock
  const std::lock_guard lock(mutex_);
  if (removals_ != removals_before || places_.contains(path)) return;
  kept_.push_front({path, std::move(file)});
  places_[path] = kept_.begin();
  if (kept_.size() <= count_max_) return;
  places_.erase(kept_.back().path);
  closed = std::move(kept_.back().file);
  kept_.pop_back();
}

void OpenFiles::removed(const std::string& path) {
  std::shared_ptr<platform::File> closed;  // after the lock
  const std::lock_guard lock(mutex_);
  ++removals_;
  const auto found = places_.find(path);
  if (found == places_.end()) return;
  closed = std::move(found->second->file);
  kept_.erase(found->second);
  places_.erase(found);
}

}  // namespace clew::object
