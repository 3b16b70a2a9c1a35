// SPDX-License-Identifier: Apache-2.0
//
// The only file that knows yaml-cpp, which throws; what it throws ends here. The tree is walked to leaves, each known
// by its dotted path and its line, and each leaf is handed to the table of settings.
#include "app/configuration.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include "app/settings.h"

namespace clew::app {
namespace {

// Doors that other versions may have: a setting for one deserves a better answer than "no such setting".
constexpr std::array<std::string_view, 13> kDoorsNotHere = {"jaeger_query_grpc",
                                                            "tempo",
                                                            "zipkin",
                                                            "jaeger_thrift_http",
                                                            "jaeger_grpc",
                                                            "jaeger_udp_compact",
                                                            "jaeger_udp_binary",
                                                            "sampling",
                                                            "datadog",
                                                            "xray",
                                                            "skywalking",
                                                            "opencensus",
                                                            "prometheus"};

class YamlReader {
 public:
  YamlReader(std::string_view source, Configuration& configuration) : source_(source), configuration_(configuration) {}

  std::vector<Problem> read(std::string_view text) {
    try {
      const YAML::Node root = YAML::Load(std::string(text));
      if (root.IsDefined() && !root.IsNull()) walk(root, "", 0);
    } catch (const YAML::Exception& error) {
      problem(error.mark, "", error.msg);
    }
    return std::move(problems_);
  }

 private:
  void problem(const YAML::Mark& mark, std::string_view key, std::string message) {
    problems_.push_back({source_, mark.line + 1, std::string(key), std::move(message)});
  }

  void walk(const YAML::Node& node, const std::string& path, uint32_t depth) {
    if (depth > kConfigurationDepthMax) return problem(node.Mark(), path, "is nested too deeply");
    if (!node.IsMap() && path.empty()) return problem(node.Mark(), "", "a configuration is a map of sections");
    if (!node.IsMap()) return leaf(node, node.Mark(), path);
    if (find_setting(path) != nullptr) return problem(node.Mark(), path, "takes a value, not a section");
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        problem(entry.first.Mark(), path, "has a key that is not a text");
        continue;
      }
      const std::string name = entry.first.Scalar();
      const std::string key = path.empty() ? name : fmt::format("{}.{}", path, name);
      if (entry.second.IsMap()) {
        walk(entry.second, key, depth + 1);
      } else {
        leaf(entry.second, entry.first.Mark(), key);
      }
    }
  }

  void leaf(const YAML::Node& node, const YAML::Mark& mark, const std::string& key) {
    const Setting* const setting = find_setting(key);
    if (setting == nullptr) return problem(mark, key, unknown(key));
    if (!seen_.insert(key).second) return problem(mark, key, "is set twice");
    std::optional<std::string> wrong;
    if (node.IsSequence()) {
      std::vector<std::string> elements;
      for (const YAML::Node& element : node) {
        if (!element.IsScalar()) return problem(element.Mark(), key, "has an element that is not a text");
        elements.push_back(element.Scalar());
      }
      wrong = assign_list(*setting, std::move(elements), configuration_);
    } else if (node.IsScalar()) {
      wrong = assign(*setting, node.Scalar(), configuration_);
    } else {
      wrong = "has no value";
    }
    if (wrong) problem(mark, key, *wrong);
  }

 public:
  static std::string unknown(std::string_view key) {
    if (key.starts_with("listen.") &&
        std::find(kDoorsNotHere.begin(), kDoorsNotHere.end(), key.substr(7)) != kDoorsNotHere.end()) {
      return "this version has no such door";
    }
    const std::string_view nearest = nearest_setting(key);
    if (nearest.empty()) return "there is no such setting";
    return fmt::format("there is no such setting; did you mean {}?", nearest);
  }

 private:
  std::string source_;
  Configuration& configuration_;
  std::vector<Problem> problems_;
  std::set<std::string> seen_;
};

std::string range_text(const Setting& setting) {
  Configuration bound;
  std::string text;
  const auto* place = std::get_if<uint64_t Configuration::*>(&setting.place);
  if (place == nullptr) return text;
  if (setting.smallest > 0) {
    bound.*(*place) = setting.smallest;
    text += fmt::format(" At least {}.", value_text(setting, bound));
  }
  if (setting.largest < UINT64_MAX) {
    bound.*(*place) = setting.largest;
    text += fmt::format(" At most {}.", value_text(setting, bound));
  }
  return text;
}

// "# " lines of at most 100 bytes.
std::string comment(std::string_view text, std::string_view indent) {
  constexpr size_t kWidth = 100;
  std::string out;
  while (!text.empty()) {
    size_t cut = text.size();
    if (cut > kWidth) cut = text.rfind(' ', kWidth);
    if (cut == std::string::npos) cut = std::min(text.find(' '), text.size());
    out += fmt::format("{}# {}\n", indent, text.substr(0, cut));
    text.remove_prefix(std::min(cut + 1, text.size()));
  }
  return out;
}

std::string_view section_of(const Setting& setting) { return setting.path.substr(0, setting.path.find('.')); }
std::string_view name_of(const Setting& setting) { return setting.path.substr(setting.path.find('.') + 1); }

// A scalar that YAML reads back as the same text.
std::string yaml_value(const Setting& setting, const Configuration& configuration) {
  std::string text = value_text(setting, configuration);
  const bool is_text = std::holds_alternative<std::string Configuration::*>(setting.place);
  if (!is_text) return text;
  YAML::Emitter emitter;
  emitter << YAML::DoubleQuoted << text;
  return emitter.c_str();
}

}  // namespace

std::string text_of(const Problem& problem) {
  std::string text = problem.source;
  if (problem.line > 0) text += fmt::format(":{}", problem.line);
  if (!problem.key.empty()) text += ": " + problem.key;
  return text + ": " + problem.message;
}

std::vector<Problem> read_yaml(std::string_view text, std::string_view source, Configuration& configuration) {
  if (text.size() > kConfigurationBytesMax)
    return {{std::string(source), 0, "", fmt::format("is larger than {}", size_text(kConfigurationBytesMax))}};
  return YamlReader(source, configuration).read(text);
}

std::vector<Problem> read_configuration_file(const std::string& path, Configuration& configuration) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(kConfigurationBytesMax + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) return {{path, 0, "", "cannot be read"}};
  return read_yaml(text, path, configuration);
}

std::vector<Problem> apply_override(std::string_view assignment, Configuration& configuration) {
  const auto problem = [&](std::string_view key, std::string message) {
    return std::vector<Problem>{{"--set", 0, std::string(key), std::move(message)}};
  };
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos) return problem("", fmt::format("'{}' is not path.to.key=value", assignment));
  const std::string_view key = assignment.substr(0, equals);
  const Setting* const setting = find_setting(key);
  if (setting == nullptr) return problem(key, YamlReader::unknown(key));
  if (const auto wrong = assign(*setting, assignment.substr(equals + 1), configuration)) return problem(key, *wrong);
  return {};
}

std::vector<SettingChange> changes(const Configuration& from, const Configuration& to) {
  std::vector<SettingChange> found;
  for (const Setting& setting : settings()) {
    std::string before = value_text(setting, from);
    std::string after = value_text(setting, to);
    if (before != after) found.push_back({std::string(setting.path), before, after, is_live(setting)});
  }
  return found;
}

std::string show(const Configuration& configuration) {
  const Configuration defaults;
  std::string out;
  std::string_view section;
  for (const Setting& setting : settings()) {
    if (section_of(setting) != section) {
      if (!section.empty()) out += '\n';
      section = section_of(setting);
      out += fmt::format("{}:\n", section);
    }
    out += comment(setting.help, "  ");
    const std::string value = yaml_value(setting, configuration);
    const std::string usual = yaml_value(setting, defaults);
    out += fmt::format("  {}: {}{}\n", name_of(setting), value,
                       value == usual ? "" : fmt::format("  # default: {}", usual));
  }
  return out;
}

std::string reference_page() {
  const Configuration defaults;
  std::string out =
      "# Settings\n\n"
      "<!-- Written by `clew config reference`. Edit src/app/settings.cc instead. -->\n\n"
      "`clew serve --config FILE` reads settings from a YAML file; `--set path.to.key=value` sets one on the command\n"
      "line, over the file. `clew config check FILE` names every mistake with its line, `clew config show` prints "
      "what\n"
      "is in force. A setting that Clew does not know is an error.\n\n"
      "Sizes are bytes or have a unit: `512MiB`, `2GiB`, `100MB`. Durations have units: `500ms`, `30s`, `1h30m`, "
      "`7d`.\n"
      "Addresses are `host:port`, or `:port` on the host of `listen.host`; port 0 is any free port, shown at the "
      "start;\n"
      "`off` closes the door. On the command line, lists are written with commas.\n\n"
      "SIGHUP (`systemctl reload clew`) reads the file again. What can be changed while the server runs is changed, "
      "without\n"
      "losing a request; settings that take a restart are named in the log, and so is every mistake, with which "
      "nothing changes.\n";
  std::string_view section;
  for (const Setting& setting : settings()) {
    if (section_of(setting) != section) {
      section = section_of(setting);
      const std::string_view reload = is_live(setting) ? "A reload applies these.\n\n" : "";
      out += fmt::format("\n## {}\n\n{}| setting | type | default | meaning |\n|---|---|---|---|\n", section, reload);
    }
    out += fmt::format("| `{}` | {} | `{}` | {}{} |\n", setting.path, type_text(setting), value_text(setting, defaults),
                       setting.help, range_text(setting));
  }
  return out;
}

}  // namespace clew::app
