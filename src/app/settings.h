// SPDX-License-Identifier: Apache-2.0
//
// The one table of settings: path, type, what it means, and where in Configuration the value lies. Reading files and
// `--set`, `clew config show` and the reference page are all driven by it, so a setting cannot exist in one and be
// missing in another.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "app/configuration.h"

namespace clew::app {

enum class SettingType : uint8_t {
  Text,
  Address,   // host:port, :port or off
  Choice,    // one of `choices`
  Flag,      // true or false
  Count,     // a whole number
  Size,      // bytes: 512MiB
  Duration,  // 30s
  TextList,
};

struct Setting {
  std::string_view path;
  SettingType type;
  std::variant<std::string Configuration::*, uint64_t Configuration::*, bool Configuration::*,
               std::vector<std::string> Configuration::*>
      place;
  std::string_view help;
  uint64_t smallest = 0;  // of Count, Size and Duration
  uint64_t largest = UINT64_MAX;
  std::string_view choices = "";     // of Choice, separated by |
  std::string_view zero_means = "";  // how 0 is written: "auto"
};

std::span<const Setting> settings();

// Does a reload apply the setting? Else it takes a restart.
bool is_live(const Setting& setting);

// Null if there is none of that path.
const Setting* find_setting(std::string_view path);

// The path that was probably meant; empty if none is near.
std::string_view nearest_setting(std::string_view path);

// Reads `text` as the setting's value. What is wrong with it, or nothing.
std::optional<std::string> assign(const Setting& setting, std::string_view text, Configuration& configuration);
// Of a list, all elements at once.
std::optional<std::string> assign_list(const Setting& setting, std::vector<std::string> elements,
                                       Configuration& configuration);

// The value as assign() reads it; a list as a YAML flow sequence.
std::string value_text(const Setting& setting, const Configuration& configuration);

// "size", "duration", …, for people.
std::string type_text(const Setting& setting);

std::optional<uint64_t> parse_size(std::string_view text);
std::string size_text(uint64_t bytes);

}  // namespace clew::app
