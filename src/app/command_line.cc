// SPDX-License-Identifier: Apache-2.0
//
// The only file that knows CLI11, which throws; what it throws ends here. Each subcommand has a function that declares
// its options and says what it does.
#include "app/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <memory>

#include "app/client_commands.h"
#include "app/configuration.h"
#include "app/load.h"
#include "app/logging.h"
#include "app/serve_command.h"
#include "app/verify_command.h"
#include "app/version.h"
#include "query/parse.h"
#include "serve/time_range.h"

namespace clew::app {
namespace {

constexpr int kUsageExit = 2;
constexpr int kCheckFailedExit = 1;

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void complain(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

int exit_with(const Error& error) {
  complain("clew: " + error.what() + "\n");
  return info(error.code()).exit_code;
}

int exit_of(const Result<void>& result) { return result.ok() ? 0 : exit_with(result.error()); }

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

// A subcommand's options live until it has run.
using Run = std::function<int()>;

void on(CLI::App* command, Run& chosen, Run run) {
  command->callback([&chosen, run = std::move(run)] { chosen = run; });
}

void add_serve(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("serve", "Run the server: receive, keep and answer, in one process");
  auto options = std::make_shared<ConfigurationOptions>();
  options->add_to(*command);
  on(command, chosen, [options] {
    Configuration configuration;
    if (const auto problems = options->read(configuration); !problems.empty()) return complain_of(problems, kUsageExit);
    start_logging(configuration.log_level, configuration.log_format);
    return exit_of(serve(configuration));
  });
}

void add_config(CLI::App& app, Run& chosen) {
  CLI::App* const config = app.add_subcommand("config", "Check and show settings")->require_subcommand(1);
  CLI::App* const check = config->add_subcommand("check", "Name every mistake in a configuration file with its line");
  auto file = std::make_shared<std::string>();
  check->add_option("FILE", *file, "YAML file")->required();
  on(check, chosen, [file] {
    Configuration configuration;
    const auto problems = read_configuration_file(*file, configuration);
    if (problems.empty()) print(*file + ": ok\n");
    return complain_of(problems, problems.empty() ? 0 : kCheckFailedExit);
  });

  CLI::App* const show_command = config->add_subcommand("show", "Print the settings in force, with what they mean");
  auto options = std::make_shared<ConfigurationOptions>();
  options->add_to(*show_command);
  on(show_command, chosen, [options] {
    Configuration configuration;
    if (const auto problems = options->read(configuration); !problems.empty()) return complain_of(problems, kUsageExit);
    print(show(configuration));
    return 0;
  });

  CLI::App* const reference = config->add_subcommand("reference", "Print the reference of all settings as Markdown");
  on(reference, chosen, [] {
    print(reference_page());
    return 0;
  });
}

void add_server_options(CLI::App& command, ServerOptions& server) {
  command.add_option("--server", server.url, "URL of the server")->capture_default_str()->envname("CLEW_SERVER");
  command.add_option("--tenant", server.tenant, "tenant to ask for (header X-Scope-OrgID)")->envname("CLEW_TENANT");
}

void add_search(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("search", "Find traces by TraceQL, newest first");
  auto options = std::make_shared<SearchCommand>();
  command->add_option("TRACEQL", options->query, "for example '{ status = error && duration > 2s }'")->required();
  CLI::Option* const since =
      command->add_option("--since", options->since, "traces of the last 30m, 2h, 7d")->type_name("DURATION");
  command->add_option("--from", options->from, "begin: RFC 3339, or seconds or nanoseconds since 1970")
      ->type_name("TIME")
      ->excludes(since);
  command->add_option("--to", options->to, "end, as --from")->type_name("TIME");
  command->add_option("--limit", options->limit, "traces at most")->capture_default_str();
  command->add_option("--token", options->token, "next page of an earlier search, which must be the same otherwise");
  command->add_option("--format", options->format, "table or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"table", "json"}));
  add_server_options(*command, options->server);
  on(command, chosen, [options] { return exit_of(search(*options)); });
}

void add_trace(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("trace", "Show one trace");
  auto options = std::make_shared<TraceCommand>();
  command->add_option("ID", options->id, "trace id: hexadecimal with or without leading zeros or dashes, or base64")
      ->required();
  command->add_option("--format", options->format, "text is a waterfall; json and otlp are OTLP JSON; jaeger")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json", "otlp", "jaeger"}));
  add_server_options(*command, options->server);
  on(command, chosen, [options] { return exit_of(trace(*options)); });
}

void add_admin(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("admin", "Look after the store of a running server");
  auto options = std::make_shared<AdminCommand>();
  command
      ->add_option("ACTION", options->action,
                   "flush: put what is in memory into blocks now; compact: make few large blocks of all there are; "
                   "storage: say what there is")
      ->required()
      ->check(CLI::IsMember({"flush", "compact", "storage"}));
  command->add_option("--format", options->format, "table or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"table", "json"}));
  add_server_options(*command, options->server);
  on(command, chosen, [options] { return exit_of(admin(*options)); });
}

void add_verify(CLI::App& app, Run& chosen) {
  CLI::App* const command =
      app.add_subcommand("verify", "Read every checksum of a data folder and say what is damaged");
  auto options = std::make_shared<VerifyCommand>();
  options->folder = "clew-data";
  command->add_option("--data", options->folder, "folder of the store")->capture_default_str()->type_name("DIR");
  command->add_flag("--columns", options->columns, "also print what each column takes, and how it is kept");
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

void add_load(CLI::App& app, Run& chosen) {
  struct Words {
    std::string duration = "10s";
    std::string compression = "none";
    std::string profile = "demo";
  };
  CLI::App* const command = app.add_subcommand("load", "Send spans over OTLP and measure the acknowledgements");
  auto options = std::make_shared<LoadOptions>();
  auto words = std::make_shared<Words>();
  command->add_option("--target", options->target, "grpc://host:port or http://host:port")->required();
  command->add_option("--file", options->file,
                      "replay a file: OTLP protobuf, or frames of a big-endian length and one "
                      "TracesData each; plain, gzip or zstd");
  command->add_option("--profile", words->profile, "without a file: demo (a shop, 600 B a span) or fat (1.7 KB a span)")
      ->capture_default_str()
      ->check(CLI::IsMember({"demo", "fat"}));
  command->add_option("--rate", options->rate, "spans per second, on a schedule; without it as fast as acknowledged")
      ->check(CLI::NonNegativeNumber);
  CLI::Option* const duration =
      command->add_option("--duration", words->duration, "how long to send")->capture_default_str();
  CLI::Option* const spans = command->add_option("--spans", options->spans, "stop after so many spans");
  command->add_option("--connections", options->connections, "connections")
      ->capture_default_str()
      ->check(CLI::Range(1u, kConnectionsMax));
  command->add_option("--batch", options->batch, "spans in a request")
      ->capture_default_str()
      ->check(CLI::Range(1u, kBatchMax));
  command->add_option("--compression", words->compression, "none, gzip or zstd")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "gzip", "zstd"}));
  command->add_option("--tenant", options->tenant, "tenant to send as (header X-Scope-OrgID)");
  command->add_option("--seed", options->seed, "same ids and values each time; 0: others each time")
      ->capture_default_str();
  on(command, chosen, [=] {
    const std::optional<uint64_t> time = serve::parse_duration(words->duration);
    if (!time) return exit_with({Code::InvalidArgument, "--duration is a duration such as 30s"});
    // With --spans alone, the number of spans decides.
    options->duration = spans->count() > 0 && duration->count() == 0 ? 0 : *time;
    options->profile = words->profile == "fat" ? Profile::Fat : Profile::Demo;
    options->compression = codec::encoding_from_name(words->compression == "none" ? "" : words->compression).value();
    const Result<LoadResult> result = run_load(*options);
    if (!result.ok()) return exit_with(result.error());
    print(load_json(*result) + "\n");
    return 0;
  });
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CLI::App app("Clew: distributed tracing in one program", "clew");
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageExit;
  }
  return chosen();
}

}  // namespace clew::app
