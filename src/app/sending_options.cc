// SPDX-License-Identifier: Apache-2.0

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "app/command_options.h"
#include "app/demo_command.h"
#include "app/import_command.h"
#include "app/load.h"
#include "demo/traffic.h"
#include "serve/time_range.h"

namespace clew::app {
namespace {

// One of the words that the options take.
codec::Encoding compression_named(const std::string& word) {
  return codec::encoding_from_name(word == "none" ? "" : word).value();
}

}  // namespace

void add_load(CLI::App& app, Run& chosen) {
  struct Words {
    std::string duration = "10s";
    std::string compression = "none";
    std::string profile = "demo";
  };
  CLI::App* const command = app.add_subcommand("load", "Send spans over OTLP and measure the acknowledgements");
  auto options = std::make_shared<LoadOptions>();
  auto words = std::make_shared<Words>();
  command->add_option("--target", options->target, "grpc://host:port or http://host:port")
      ->required()
      ->envname("CLEW_TARGET");
  command->add_option("--file", options->file, "replay a file instead of made-up spans, in any form that import reads");
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
  add_examples(command,
               "clew load --target grpc://localhost:4317 --rate 10000 --duration 30s"
               "\n"
               "clew load --target http://localhost:4318 --file recorded.otlp.zst --compression zstd");
  on(command, chosen, [=] {
    const std::optional<uint64_t> time = serve::parse_duration(words->duration);
    if (!time) return exit_with({Code::InvalidArgument, "--duration is a duration such as 30s"});
    // With --spans alone, the number of spans decides.
    options->duration = spans->count() > 0 && duration->count() == 0 ? 0 : *time;
    options->profile = words->profile == "fat" ? Profile::Fat : Profile::Demo;
    options->compression = compression_named(words->compression);
    const Result<LoadResult> result = run_load(*options);
    if (!result.ok()) return exit_with(result.error());
    print(load_json(*result) + "\n");
    if (result->acknowledged > 0) return 0;
    return exit_with({Code::Unavailable, options->target + " acknowledged nothing"});
  });
}

void add_demo(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("demo", "Send what a simulated shop of many services does, live");
  auto options = std::make_shared<DemoCommand>();
  auto duration = std::make_shared<std::string>();
  command->add_option("--target", options->target, "grpc://host:port or http://host:port")
      ->capture_default_str()
      ->envname("CLEW_TARGET");
  command->add_option("--rate", options->rate, "customers' requests a second, each a trace or two")
      ->capture_default_str()
      ->check(CLI::Range(0.01, demo::kTracesPerSecondMax));
  command->add_option("--duration", *duration, "how long to send; without it until Ctrl-C")->type_name("DURATION");
  command->add_option("--trace", options->trace, "only one trace: order is a request whose 450 ms are easy to follow")
      ->check(CLI::IsMember({"order"}));
  command->add_option("--tenant", options->tenant, "tenant to send as (header X-Scope-OrgID)")->envname("CLEW_TENANT");
  command->add_option("--seed", options->seed, "the same customers, ids and failures each time; 0: others each time")
      ->capture_default_str();
  add_examples(command,
               "clew demo\n"
               "clew demo --target http://localhost:4318 --rate 50 --duration 10m\n"
               "clew trace $(clew demo --trace order)");
  on(command, chosen, [=] {
    if (!duration->empty()) {
      const std::optional<uint64_t> nanos = serve::parse_duration(*duration);
      if (!nanos || *nanos == 0) return exit_with({Code::InvalidArgument, "--duration is a duration such as 10m"});
      options->duration = *nanos;
    }
    return exit_of(demo(*options));
  });
}

void add_import(CLI::App& app, Run& chosen) {
  CLI::App* const command = app.add_subcommand("import", "Send the spans of OTLP files to a server");
  auto options = std::make_shared<ImportCommand>();
  auto compression = std::make_shared<std::string>("none");
  command
      ->add_option("FILE", options->files,
                   "OTLP in protobuf, JSON, JSON lines, or frames with a length before each; plain, gzip or zstd, told "
                   "apart by content; - is standard input")
      ->required()
      ->expected(1, -1);
  command->add_flag("--now", options->now, "move all times so that the newest span ends now");
  command->add_option("--target", options->target, "grpc://host:port or http://host:port")
      ->capture_default_str()
      ->envname("CLEW_TARGET");
  command->add_option("--tenant", options->tenant, "tenant to send as (header X-Scope-OrgID)")->envname("CLEW_TENANT");
  command->add_option("--batch", options->batch, "spans in a request")
      ->capture_default_str()
      ->check(CLI::Range(1u, kImportBatchMax));
  command->add_option("--compression", *compression, "none, gzip or zstd, on the way to the server")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "gzip", "zstd"}));
  add_examples(command,
               "clew import recorded.otlp.zst --now\n"
               "clew import traces-*.json.gz --target http://localhost:4318\n"
               "clew export '{ status = error }' | clew import - --target grpc://other:4317");
  on(command, chosen, [=] {
    options->compression = compression_named(*compression);
    const Result<bool> whole = import_files(*options);
    if (!whole.ok()) return exit_with(whole.error());
    return *whole ? 0 : 1;
  });
}

}  // namespace clew::app
