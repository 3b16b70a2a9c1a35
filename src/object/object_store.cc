// SPDX-License-Identifier: Apache-2.0
#include "object/object_store.h"

#include <algorithm>

namespace clew::object {
namespace {

constexpr size_t kPartCharactersMax = 200;

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

bool is_part(std::string_view part) {
  return !part.empty() && part.size() <= kPartCharactersMax && part != "." && part != ".." &&
         std::ranges::all_of(part, is_name_character);
}

}  // namespace

bool is_object_name(std::string_view name) {
  if (name.size() > kNameCharactersMax || name.starts_with('.')) return false;
  while (true) {
    const size_t slash = name.find('/');
    if (!is_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

}  // namespace clew::object
