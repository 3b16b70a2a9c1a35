// SPDX-License-Identifier: Apache-2.0
//
// The macros are those of man(7).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "app/command_text.h"

namespace clew::app {
namespace {

// Text that roff shows as it is: hyphens that can be copied, backslashes, and no line that begins a macro.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (out.empty() && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

void append_option(std::string& out, const OptionText& option) {
  out += fmt::format(".TP\n\\fB{}\\fR", roff(option.name));
  if (!option.choices.empty()) {
    out += fmt::format(" {}", roff(fmt::format("{}", fmt::join(option.choices, "|"))));
  } else if (!option.value.empty() && !option.positional) {
    out += fmt::format(" \\fI{}\\fR", roff(option.value));
  }
  out += "\n" + roff(option.help);
  if (!option.fallback.empty()) out += fmt::format(" (default: {})", roff(option.fallback));
  out += "\n";
}

void append_command(std::string& out, const CommandText& command) {
  for (const CommandText& below : command.commands) append_command(out, below);
  if (!command.commands.empty()) return;
  out += fmt::format(".SS {}\n{}.\n", roff(command.path), roff(command.help));
  for (const OptionText& option : command.options)
    if (option.name != "--help") append_option(out, option);
  if (command.examples.empty()) return;
  out += ".PP\nExamples:\n.PP\n.nf\n.RS\n";
  for (const std::string& example : command.examples) out += roff(example) + "\n";
  out += ".RE\n.fi\n";
}

void find_environment(const CommandText& command, std::map<std::string, std::string>& found) {
  for (const OptionText& option : command.options)
    if (!option.environment.empty()) found[option.environment] = option.name;
  for (const CommandText& below : command.commands) find_environment(below, found);
}

}  // namespace

std::string manual_page(const CommandText& root, std::string_view version) {
  std::string out =
      fmt::format(".\\\" Written by `clew man`.\n.TH CLEW 1 \"\" \"clew {}\" \"User Commands\"\n", version);
  out += fmt::format(".SH NAME\nclew \\- {}\n", roff(root.help));
  out += ".SH SYNOPSIS\n.B clew\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n";
  out += ".SH DESCRIPTION\nResults go to standard output, everything else to standard error.\n";
  out += ".SH COMMANDS\n";
  append_command(out, root);
  out += ".SH ENVIRONMENT\n";
  std::map<std::string, std::string> environment;
  find_environment(root, environment);
  for (const auto& [variable, option] : environment)
    out += fmt::format(".TP\n.B {}\nStands for \\fB{}\\fR where that is not given.\n", variable, roff(option));
  out += ".SH EXIT STATUS\n.TP\n.B 0\nDone.\n.TP\n.B 1\nFailed, or not all of it was done.\n";
  out += ".TP\n.B 2\nWrong command line, setting, query or id.\n.TP\n.B 3\nNot found.\n.TP\n.B 4\nNot allowed.\n";
  return out;
}

}  // namespace clew::app
