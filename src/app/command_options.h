// SPDX-License-Identifier: Apache-2.0
//
// What the sources of the command line share: app/command_line.cc (the commands of the server itself),
// app/query_options.cc (those that ask a server) and app/sending_options.cc (those that send to one). They are the only
// ones that know CLI11. Each subcommand has a function that declares its options, says what it does, and shows an
// example of its use.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"

namespace CLI {
class App;
}

namespace clew::app {

constexpr int kUsageExit = 2;

void print(std::string_view text);     // to standard output
void complain(std::string_view text);  // to standard error

// Says what went wrong; the exit code of it.
int exit_with(const Error& error);
int exit_of(const Result<void>& result);

// What the chosen subcommand does; its options live until it has run.
using Run = std::function<int()>;
void on(CLI::App* command, Run& chosen, Run run);

// Each line of `lines` is a command line; shown at the end of --help and in the manual.
void add_examples(CLI::App* command, std::string_view lines);

void add_search(CLI::App& app, Run& chosen);
void add_export(CLI::App& app, Run& chosen);
void add_trace(CLI::App& app, Run& chosen);
void add_admin(CLI::App& app, Run& chosen);

void add_load(CLI::App& app, Run& chosen);
void add_demo(CLI::App& app, Run& chosen);
void add_import(CLI::App& app, Run& chosen);

}  // namespace clew::app
