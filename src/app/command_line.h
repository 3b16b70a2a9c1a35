// SPDX-License-Identifier: Apache-2.0
//
// The command `clew`: its subcommands and options (docs/reference/commands.md), and what it exits with: 0, or the exit
// code of the error (base/error.h) after one line on standard error; 2 for a command line that is none.
#pragma once

namespace clew::app {

int run_command_line(int argc, const char* const* argv);

}  // namespace clew::app
