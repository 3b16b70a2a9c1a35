// SPDX-License-Identifier: Apache-2.0
//
// All three scripts work alike: the words before the cursor lead down the tree of commands to a path such as
// "clew config check"; then a value of the option before the cursor, an option, or a subcommand is offered, and names
// of files where none of them fits.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/command_text.h"

namespace clew::app {
namespace {

template <class Visit>
void each_command(const CommandText& command, const Visit& visit) {
  visit(command);
  for (const CommandText& below : command.commands) each_command(below, visit);
}

// Inside single quotes of a shell.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// The cases of "path word" that go one command down.
std::string steps_down(const CommandText& root, std::string_view separator) {
  std::string out;
  each_command(root, [&](const CommandText& command) {
    if (&command != &root) out += (out.empty() ? "" : std::string(separator)) + quoted(command.path);
  });
  return out;
}

std::string words_of(const CommandText& command) {
  std::vector<std::string_view> words;
  words.reserve(command.commands.size() + command.options.size());
  for (const CommandText& below : command.commands) words.push_back(below.name());
  for (const OptionText& option : command.options) {
    if (option.positional) {
      words.insert(words.end(), option.choices.begin(), option.choices.end());
    } else {
      words.push_back(option.name);
    }
  }
  return fmt::format("{}", fmt::join(words, " "));
}

std::string bash_script(const CommandText& root) {
  std::string values;
  std::string words;
  each_command(root, [&](const CommandText& command) {
    for (const OptionText& option : command.options) {
      if (option.positional || option.value.empty()) continue;
      values += fmt::format("    {}) words={} ;;\n", quoted(command.path + " " + option.name),
                            quoted(fmt::format("{}", fmt::join(option.choices, " "))));
    }
    words += fmt::format("      {}) words={} ;;\n", quoted(command.path), quoted(words_of(command)));
  });
  return fmt::format(R"(# Completion of clew for bash: source <(clew completion bash)
_clew() {{
  local path=clew i words=
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${{COMP_WORDS[i]}}" in
      {}) path="$path ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$path ${{COMP_WORDS[COMP_CWORD-1]}}" in
{}    *) case $path in
{}    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _clew clew
)",
                     steps_down(root, " | "), values, words);
}

// One entry of _describe: what is offered, and after a colon what it means.
std::string zsh_entry(std::string_view word, std::string_view help) {
  std::string entry;
  for (const char c : word) entry += c == ':' ? std::string("\\:") : std::string(1, c);
  return quoted(fmt::format("{}:{}", entry, help));
}

std::string zsh_script(const CommandText& root) {
  std::string values;
  std::string entries;
  each_command(root, [&](const CommandText& command) {
    std::string list;
    for (const CommandText& below : command.commands) list += " " + zsh_entry(below.name(), below.help);
    for (const OptionText& option : command.options) {
      if (!option.positional) list += " " + zsh_entry(option.name, option.help);
      for (const std::string& choice : option.choices)
        if (option.positional) list += " " + zsh_entry(choice, option.help);
      if (option.positional || option.value.empty()) continue;
      values += fmt::format("    {}) ", quoted(command.path + " " + option.name));
      values += option.choices.empty() ? "_files; return ;;\n"
                                       : fmt::format("compadd -- {}; return ;;\n", fmt::join(option.choices, " "));
    }
    entries += fmt::format("    {}) entries=({}) ;;\n", quoted(command.path), list);
  });
  return fmt::format(R"(#compdef clew
# Completion of clew for zsh: source <(clew completion zsh), or as a file _clew in a folder of $fpath
_clew() {{
  local at=clew word
  local -a entries
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$at $word" in
      {}) at="$at $word" ;;
    esac
  done
  case "$at ${{words[CURRENT-1]}}" in
{}  esac
  case $at in
{}  esac
  _describe clew entries || _files
}}
# Read as a file of $fpath, this is already the call; read by source, it is to be made known.
if [[ $funcstack[1] == _clew ]]; then _clew "$@"; else compdef _clew clew; fi
)",
                     steps_down(root, " | "), values, entries);
}

std::string fish_script(const CommandText& root) {
  std::string lines;
  each_command(root, [&](const CommandText& command) {
    const std::string here =
        fmt::format("complete -c clew -n {}", quoted("test (__clew_path) = \"" + command.path + "\""));
    for (const CommandText& below : command.commands)
      lines += fmt::format("{} -f -a {} -d {}\n", here, below.name(), quoted(below.help));
    for (const OptionText& option : command.options) {
      const std::string choices = quoted(fmt::format("{}", fmt::join(option.choices, " ")));
      if (option.positional) {
        if (!option.choices.empty()) lines += fmt::format("{} -f -a {}\n", here, choices);
        continue;
      }
      lines += fmt::format("{} -l {}", here, std::string_view(option.name).substr(2));
      if (!option.choices.empty()) {
        lines += fmt::format(" -x -a {}", choices);
      } else if (!option.value.empty()) {
        lines += " -r";
      }
      lines += fmt::format(" -d {}\n", quoted(option.help));
    }
  });
  return fmt::format(R"(# Completion of clew for fish: clew completion fish | source
function __clew_path
  set -l at clew
  for word in (commandline -opc)[2..]
    switch "$at $word"
      case {}
        set at "$at $word"
    end
  end
  echo $at
end
{})",
                     steps_down(root, " "), lines);
}

}  // namespace

std::string completion_script(const CommandText& root, std::string_view shell) {
  if (shell == "zsh") return zsh_script(root);
  if (shell == "fish") return fish_script(root);
  return bash_script(root);
}

}  // namespace clew::app
