// SPDX-License-Identifier: Apache-2.0
//
// What CLI11 throws ends here.
#include "app/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>

#include "app/command_options.h"
#include "app/command_text.h"
#include "app/configuration.h"
#include "app/edits.h"
#include "app/logging.h"
#include "app/serve_command.h"
#include "app/verify_command.h"
#include "app/version.h"
#include "query/parse.h"

namespace clew::app {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void complain(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

int exit_with(const Error& error) {
  complain("clew: " + error.what() + "\n");
  return info(error.code()).exit_code;
}

int exit_of(const Result<void>& result) { return result.ok() ? 0 : exit_with(result.error()); }

void on(CLI::App* command, Run& chosen, Run run) {
  command->callback([&chosen, run = std::move(run)] { chosen = run; });
}

void add_examples(CLI::App* command, std::string_view lines) {
  std::string text = "Examples:";
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    text += fmt::format("\n  {}", line);
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
  }
  command->footer(text);
}

namespace {

constexpr int kCheckFailedExit = 1;

int complain_of(const std::vector<Problem>& problems, int exit_code) {
  for (const Problem& problem : problems) complain(text_of(problem) + "\n");
  return exit_code;
}

// Where a configuration comes from: --config, --set, and the options that stand for a setting.
struct ConfigurationOptions {
  std::string file;
  std::string data;
  std::string listen;
  std::vector<std::string> overrides;

  void add_to(CLI::App& app) {
    app.add_option("--config", file, "YAML file of settings (see clew config show)")->type_name("FILE");
    app.add_option("--data", data, "folder of the store; stands for data.folder")->type_name("DIR");
    app.add_option("--listen", listen, "host of every door; stands for listen.host. 0.0.0.0 is all interfaces")
        ->type_name("HOST");
    app.add_option("--set", overrides, "one setting, over the file; may be repeated")
        ->type_name("path.to.key=value")
        ->allow_extra_args(false)
        ->take_all();
  }

  std::vector<Problem> read(Configuration& configuration) const {
    std::vector<Problem> problems;
    const auto add = [&](std::vector<Problem> more) { problems.insert(problems.end(), more.begin(), more.end()); };
    if (!file.empty()) add(read_configuration_file(file, configuration));
    for (const std::string& assignment : overrides) add(apply_override(assignment, configuration));
    if (!data.empty()) configuration.data_folder = data;
    if (!listen.empty()) configuration.listen_host = listen;
    return problems;
  }
};

void add_serve(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("serve", "Run the server: receive, keep and answer, in one process");
  auto options = std::make_shared<ConfigurationOptions>();
  options->add_to(*command);
  add_examples(command,
               "clew serve\n"
               "clew serve --data /var/lib/clew --listen 0.0.0.0 --set retention.age=30d");
  on(command, chosen, [options] {
    Configuration configuration;
    if (const auto problems = options->read(configuration); !problems.empty()) return complain_of(problems, kUsageExit);
    start_logging(configuration.log_level, configuration.log_format);
    return exit_of(serve(configuration, [options](Configuration& again) { return options->read(again); }));
  });
}

void add_config(CLI::App& app, Run& chosen) {
  CLI::App* const config = app.add_subcommand("config", "Check and show settings")->require_subcommand(1);
  CLI::App* const check = config->add_subcommand("check", "Name every mistake in a configuration file with its line");
  auto file = std::make_shared<std::string>();
  check->add_option("FILE", *file, "YAML file")->required();
  add_examples(check, "clew config check clew.yaml");
  on(check, chosen, [file] {
    Configuration configuration;
    const auto problems = read_configuration_file(*file, configuration);
    if (problems.empty()) print(*file + ": ok\n");
    return complain_of(problems, problems.empty() ? 0 : kCheckFailedExit);
  });

  CLI::App* const show_command = config->add_subcommand("show", "Print the settings in force, with what they mean");
  auto options = std::make_shared<ConfigurationOptions>();
  options->add_to(*show_command);
  add_examples(show_command, "clew config show --config clew.yaml");
  on(show_command, chosen, [options] {
    Configuration configuration;
    if (const auto problems = options->read(configuration); !problems.empty()) return complain_of(problems, kUsageExit);
    print(show(configuration));
    return 0;
  });

  CLI::App* const reference = config->add_subcommand("reference", "Print the reference of all settings as Markdown");
  add_examples(reference, "clew config reference > configuration.md");
  on(reference, chosen, [] {
    print(reference_page());
    return 0;
  });
}

void add_verify(CLI::App& app, Run& chosen) {
  CLI::App* const command =
      app.add_subcommand("verify", "Read every checksum of a data folder and say what is damaged");
  auto options = std::make_shared<VerifyCommand>();
  options->folder = "clew-data";
  command->add_option("--data", options->folder, "folder of the store")->capture_default_str()->type_name("DIR");
  command->add_flag("--columns", options->columns, "also print what each column takes, and how it is kept");
  add_examples(command, "clew verify --data clew-data --columns");
  on(command, chosen, [options] {
    const Result<int> status = verify(*options);
    return status.ok() ? *status : exit_with(status.error());
  });
}

void add_traceql(CLI::App& app, Run& chosen) {
  CLI::App* const traceql = app.add_subcommand("traceql", "Work with TraceQL texts")->require_subcommand(1);
  CLI::App* const check = traceql->add_subcommand("check", "Print the canonical form, or where and why it is no query");
  auto text = std::make_shared<std::string>();
  check->add_option("QUERY", *text, "TraceQL")->required();
  add_examples(check, "clew traceql check '{ status = error } >> { duration > 1s }'");
  on(check, chosen, [text] {
    const query::ParseResult parsed = query::parse(*text);
    if (parsed.ok()) {
      print(query::to_string(parsed.query()) + "\n");
      return 0;
    }
    complain(query::explain(parsed.error(), *text) + "\n");
    return kCheckFailedExit;
  });
}

// ---- The command line as data ----

// "TEXT:{table,json}" → the words in the braces.
std::vector<std::string> choices_of(const std::string& type) {
  std::vector<std::string> choices;
  const size_t open = type.find('{');
  const size_t close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string_view rest = std::string_view(type).substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(','));
    choices.emplace_back(word);
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return choices;
}

OptionText describe(const CLI::Option& option) {
  OptionText text;
  text.positional = option.get_positional();
  text.name = option.get_lnames().empty() ? option.get_name(true) : "--" + option.get_lnames().front();
  if (option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    text.value = type.substr(0, type.find(':'));
    text.choices = choices_of(type);
  }
  text.help = option.get_description();
  text.fallback = option.get_default_str();
  text.environment = option.get_envname();
  return text;
}

CommandText describe(const CLI::App& app, const std::string& above) {
  CommandText text;
  text.path = above.empty() ? app.get_name() : above + " " + app.get_name();
  text.help = app.get_description();
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; }))
    text.options.push_back(describe(*option));
  std::istringstream footer(app.get_footer());
  for (std::string line; std::getline(footer, line);)
    if (line.starts_with("  ")) text.examples.push_back(line.substr(2));
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; }))
    text.commands.push_back(describe(*below, text.path));
  return text;
}

// These two look at the whole command line, which they are part of.
void add_completion(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("completion", "Print the script that lets a shell complete commands");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "the shell that reads it")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  add_examples(command,
               "source <(clew completion bash)\n"
               "clew completion zsh > ~/.zfunc/_clew\n"
               "clew completion fish > ~/.config/fish/completions/clew.fish");
  on(command, chosen, [&app, shell] {
    print(completion_script(describe(app, ""), *shell));
    return 0;
  });
}

void add_man(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("man", "Print the manual page");
  add_examples(command, "clew man | man -l -");
  on(command, chosen, [&app] {
    print(manual_page(describe(app, ""), kVersion));
    return 0;
  });
}

// Is the first word the name of no command? CLI11 would say that one is missing.
bool is_unknown_command(const CLI::App& app, std::string_view word) {
  constexpr size_t kSlipsMax = 3;
  if (word.empty() || word.starts_with('-')) return false;
  std::string nearest;
  size_t fewest = kSlipsMax + 1;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const size_t distance = edits(word.substr(0, command->get_name().size() + kSlipsMax + 1), command->get_name());
    if (distance == 0) return false;
    if (distance < std::min(fewest, command->get_name().size())) {
      fewest = distance;
      nearest = command->get_name();
    }
  }
  complain(fmt::format("clew: there is no command '{}'{}\n", word,
                       nearest.empty() ? "; clew --help lists them" : "; did you mean '" + nearest + "'?"));
  return true;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CLI::App app("Distributed tracing in one program", "clew");
  app.set_version_flag("--version", fmt::format("clew {}", kVersion));
  app.require_subcommand(1);
  app.footer("clew COMMAND --help describes a command.");
  Run chosen;
  add_serve(app, chosen);
  add_search(app, chosen);
  add_trace(app, chosen);
  add_admin(app, chosen);
  add_verify(app, chosen);
  add_traceql(app, chosen);
  add_config(app, chosen);
  add_load(app, chosen);
  add_demo(app, chosen);
  add_import(app, chosen);
  add_export(app, chosen);
  add_completion(app, chosen);
  add_man(app, chosen);
  if (argc > 1 && is_unknown_command(app, argv[1])) return kUsageExit;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageExit;
  }
  return chosen();
}

}  // namespace clew::app
