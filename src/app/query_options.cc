// SPDX-License-Identifier: Apache-2.0

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "app/client_commands.h"
#include "app/command_options.h"
#include "app/export_command.h"

namespace clew::app {
namespace {

void add_server_options(CLI::App& command, ServerOptions& server) {
  command.add_option("--server", server.url, "URL of the server")->capture_default_str()->envname("CLEW_SERVER");
  command.add_option("--tenant", server.tenant, "tenant to ask for (header X-Scope-OrgID)")->envname("CLEW_TENANT");
}

// Which traces: a query, and the time that they overlap.
template <class Options>
void add_choice(CLI::App& command, Options& options, const char* query_help) {
  command.add_option("TRACEQL", options.query, query_help)->required();
  CLI::Option* const since =
      command.add_option("--since", options.since, "traces of the last 30m, 2h, 7d")->type_name("DURATION");
  command.add_option("--from", options.from, "begin: RFC 3339, or seconds or nanoseconds since 1970")
      ->type_name("TIME")
      ->excludes(since);
  command.add_option("--to", options.to, "end, as --from")->type_name("TIME");
}

}  // namespace

void add_search(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("search", "Find traces by TraceQL, newest first");
  auto options = std::make_shared<SearchCommand>();
  add_choice(*command, *options, "for example '{ status = error && duration > 2s }'");
  command->add_option("--limit", options->limit, "traces at most")->capture_default_str();
  command->add_option("--token", options->token, "next page of an earlier search, which must be the same otherwise");
  command->add_option("--format", options->format, "table or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"table", "json"}));
  add_server_options(*command, options->server);
  add_examples(command,
               "clew search '{ status = error && duration > 2s }' --since 1h"
               "\n"
               R"(clew search '{ .http.route = "/pay" } >> { duration > 200ms }' --format json)");
  on(command, chosen, [options] { return exit_of(search(*options)); });
}

void add_export(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("export", "Write whole traces as OTLP, newest first");
  auto options = std::make_shared<ExportCommand>();
  add_choice(*command, *options, "traces of which it chooses spans; '{}' is all");
  command->add_option("--limit", options->limit, "traces at most; without it all");
  const std::map<std::string, ExportFormat> formats = {{"otlp-json-lines", ExportFormat::JsonLines},
                                                       {"otlp-json", ExportFormat::Json},
                                                       {"otlp-protobuf", ExportFormat::Protobuf},
                                                       {"otlp-frames", ExportFormat::Frames}};
  auto format = std::make_shared<std::string>("otlp-json-lines");
  command
      ->add_option("--format", *format,
                   "otlp-json-lines: a trace on each line; otlp-json, otlp-protobuf: one TracesData; otlp-frames: a "
                   "big-endian length before each trace in protobuf")
      ->capture_default_str()
      ->check(CLI::IsMember(formats));
  command->add_option("--output", options->output, "file; packed if it ends in .gz or .zst. Without it standard output")
      ->type_name("FILE");
  add_server_options(*command, options->server);
  add_examples(command,
               "clew export '{ status = error }' --since 1h --output errors.json.gz\n"
               "clew export '{}' --format otlp-protobuf --output all.otlp.zst");
  on(command, chosen, [=] {
    options->format = formats.at(*format);
    const Result<bool> whole = export_traces(*options);
    if (!whole.ok()) return exit_with(whole.error());
    return *whole ? 0 : 1;
  });
}

void add_trace(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("trace", "Show one trace");
  auto options = std::make_shared<TraceCommand>();
  command->add_option("ID", options->id, "trace id: hexadecimal with or without leading zeros or dashes, or base64")
      ->required();
  command->add_option("--format", options->format, "text is a waterfall; json and otlp are OTLP JSON; jaeger")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json", "otlp", "jaeger"}));
  command->add_option("--offset", options->offset, "leave out so many spans, in tree order");
  command->add_option("--limit", options->limit, "spans at most; a waterfall has 10000 unless told otherwise");
  add_server_options(*command, options->server);
  add_examples(command,
               "clew trace 5b8aa5a2d2c872e8321cf37308d69df2"
               "\n"
               "clew trace 5b8aa5a2d2c872e8321cf37308d69df2 --format otlp > trace.json");
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
  add_examples(command, "clew admin storage");
  on(command, chosen, [options] { return exit_of(admin(*options)); });
}

}  // namespace clew::app
