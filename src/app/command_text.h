// SPDX-License-Identifier: Apache-2.0
//
// The command line as data: every command with its options, choices and examples, read from what --help shows. From it
// come the completion of shells and the manual page, so that neither can differ from the command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clew::app {

struct OptionText {
  std::string name;   // "--limit", or "FILE" of a positional argument
  std::string value;  // of what kind: "TEXT", "DURATION"; empty for a flag
  std::string help;
  std::string fallback;     // what it is without being given; may be empty
  std::string environment;  // the variable that stands for it; may be empty
  std::vector<std::string> choices;
  bool positional = false;
};

struct CommandText {
  std::string path;  // "clew config check"
  std::string help;
  std::vector<std::string> examples;
  std::vector<OptionText> options;
  std::vector<CommandText> commands;

  std::string_view name() const { return std::string_view(path).substr(path.rfind(' ') + 1); }
};

// The script that a shell is to read: `source <(clew completion bash)`. `shell` is bash, zsh or fish.
std::string completion_script(const CommandText& root, std::string_view shell);

// A page for man(1), section 1.
std::string manual_page(const CommandText& root, std::string_view version);

}  // namespace clew::app
