// SPDX-License-Identifier: Apache-2.0
#include "store/orphans.h"

#include <utility>

namespace clew::store {
namespace {

template <class IsNamed>
Result<void> find(object::ObjectStore& objects, const std::string& prefix, IsNamed is_named,
                  std::vector<std::string>& found) {
  std::string after;
  while (true) {
    std::vector<object::Listed> page = TRY(objects.list(prefix, after));
    const bool is_last = page.size() < object::kListMax;
    if (!is_last) after = page.back().name;
    for (object::Listed& listed : page) {
      const auto id = number_behind(prefix, listed.name);
      if (id && !is_named(*id)) found.push_back(std::move(listed.name));
    }
    if (is_last) return {};
  }
}

}  // namespace

Result<std::vector<std::string>> orphans(object::ObjectStore& objects, const std::string& tenant,
                                         const ManifestState& state) {
  std::vector<std::string> found;
  TRY(find(
      objects, blocks_prefix(tenant),
      [&](ObjectId id) { return state.blocks.contains(id) || state.set_aside.contains(id); }, found));
  TRY(find(objects, rollups_prefix(tenant), [&](ObjectId id) { return state.rollups.contains(id); }, found));
  return found;
}

}  // namespace clew::store
