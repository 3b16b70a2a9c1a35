// SPDX-License-Identifier: Apache-2.0
#include "app/serve_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include "app/end_signals.h"
#include "app/logging.h"
#include "app/process.h"
#include "app/settings.h"
#include "app/version.h"
#include "base/log.h"
#include "platform/real_file_system.h"
#include "platform/system_clock.h"
#include "receive/intake.h"
#include "receive/otlp_grpc.h"
#include "receive/otlp_http.h"
#include "serve/server.h"
#include "store/store.h"

namespace clew::app {
namespace {

using std::chrono::milliseconds;

// The address of a door, or nothing if it is off. The settings were checked when they were read.
Result<std::optional<net::Address>> door_address(const std::string& text, const Configuration& configuration) {
  if (text == "off") return std::optional<net::Address>();
  return std::optional(TRY(net::parse_address(text, configuration.listen_host)));
}

struct Addresses {
  std::optional<net::Address> otlp_grpc;
  std::optional<net::Address> otlp_http;
  std::optional<net::Address> http;
};

// Every door's address, after a look whether it can be had: reading the journal may take a while, and a port that is
// taken should be said before.
Result<Addresses> free_addresses(const Configuration& configuration) {
  Addresses addresses;
  addresses.otlp_grpc = TRY(door_address(configuration.listen_otlp_grpc, configuration));
  addresses.otlp_http = TRY(door_address(configuration.listen_otlp_http, configuration));
  addresses.http = TRY(door_address(configuration.listen_http, configuration));
  if (addresses.otlp_grpc) TRY(net::probe_listen(*addresses.otlp_grpc, "listen.otlp_grpc"));
  if (addresses.otlp_http) TRY(net::probe_listen(*addresses.otlp_http, "listen.otlp_http"));
  if (addresses.http) TRY(net::probe_listen(*addresses.http, "listen.http"));
  return addresses;
}

uint64_t budget_bytes(const Configuration& configuration) {
  if (configuration.memory_budget != 0) return configuration.memory_budget;
  return std::min(memory_bytes() / 4, kMemoryBudgetDefaultMax);
}

store::Policy store_policy(const Configuration& configuration) {
  store::Policy policy;
  policy.seal_spans = configuration.seal_spans;
  policy.seal_interval_nanos = configuration.seal_interval;
  policy.carry_nanos = configuration.seal_carry;
  policy.compacts = configuration.compaction_enabled;
  policy.retention_age_nanos = configuration.retention_age;
  policy.retention_bytes = configuration.retention_bytes;
  policy.retention_disk_percent = static_cast<uint32_t>(configuration.retention_disk_percent);
  policy.rollup_age_nanos = configuration.retention_rollup_age;
  return policy;
}

store::Options store_options(const Configuration& configuration) {
  store::Options options{store_policy(configuration)};
  options.journal_segment_bytes = configuration.journal_segment_size;
  options.journal_bytes_max = configuration.journal_size_max;
  options.free_space_floor_bytes = configuration.journal_free_space_floor;
  options.tenants_max = static_cast<uint32_t>(configuration.tenancy_tenants_max);
  return options;
}

receive::Intake::Options intake_options(const Configuration& configuration) {
  receive::Intake::Options options;
  options.tenancy = configuration.tenancy_enabled;
  options.workers = static_cast<unsigned>(configuration.receive_workers);
  options.body_bytes_max = configuration.receive_body_size_max;
  return options;
}

serve::Options serve_options(const Configuration& configuration, const net::Address& address,
                             const receive::Intake& intake) {
  serve::Options options;
  options.http.address = address;
  options.http.setting = "listen.http";
  options.http.cors.allowed_origins = configuration.http_cors_origins;
  options.http.cors.allowed_headers = {"X-Scope-OrgID"};
  options.queries.threads = static_cast<unsigned>(configuration.query_threads);
  options.queries.queue_max = configuration.query_queue;
  options.queries.timeout_nanos = configuration.query_timeout;
  options.limit_max = static_cast<uint32_t>(configuration.query_limit_max);
  options.version = kVersion;
  options.tenant = [&intake](std::string_view scope) { return intake.tenant(scope); };
  return options;
}

void say_recovery(const std::string& folder, const store::Recovery& recovery) {
  log(LogLevel::Info, fmt::format("data folder {}: {} blocks opened, {} spans of {} requests read back in {:.2f} s",
                                  folder, recovery.blocks, recovery.spans, recovery.requests, recovery.seconds));
  if (recovery.torn_bytes > 0)
    log(LogLevel::Info, fmt::format("journal: {} bytes of a request that was being written when the process ended were "
                                    "dropped; it was not acknowledged",
                                    recovery.torn_bytes));
  if (recovery.damaged_records > 0)
    log(LogLevel::Error, fmt::format("journal: {} records are damaged and were left out", recovery.damaged_records));
}

// The parts in the order in which they are built; they go the other way round.
class Process {
 public:
  explicit Process(const Configuration& configuration)
      : configuration_(configuration), budget_(budget_bytes(configuration)) {}

  Result<void> start() {
    const Addresses addresses = TRY(free_addresses(configuration_));
    add_process_metrics(metrics_);
    add_budget_metrics(metrics_, budget_);
    add_installation_metrics(metrics_, configuration_.data_folder);
    const Clock& clock = platform::system_clock();
    Result<std::unique_ptr<store::Store>> opened =
        store::Store::open(platform::real_file_system(), configuration_.data_folder, store_options(configuration_),
                           clock, budget_, metrics_);
    if (!opened.ok()) return opened.error().with("data folder " + configuration_.data_folder);
    store_ = std::move(*opened);
    say_recovery(configuration_.data_folder, store_->recovery());
    intake_.emplace(intake_options(configuration_), *store_, clock, budget_, metrics_);
    TRY(open_doors(addresses, clock));
    if (server_) server_->set_doors(doors_);
    if (server_) server_->set_ready(true);
    return {};
  }

  // Goes on by those settings that can be changed while it runs.
  void change(const Configuration& configuration) { store_->change_policy(store_policy(configuration)); }

  void stop() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(configuration_.shutdown_drain);
    const auto left = [&] {
      const auto time = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
      return std::max(time, milliseconds(0));
    };
    if (server_) server_->set_ready(false);
    // Side by side, so that one slow sender does not take the other door's time.
    std::thread grpc([&] {
      if (otlp_grpc_) otlp_grpc_->drain(left());
    });
    if (otlp_http_) otlp_http_->drain(left());
    grpc.join();
    if (server_) server_->drain(left());
    // So that the next start has nothing to read back. What cannot be written now stays in the journal.
    if (const Result<void> flushed = store_->flush(); !flushed.ok())
      log(LogLevel::Warning, "what is in memory stays in the journal: " + flushed.error().what());
  }

 private:
  Result<void> open_doors(const Addresses& addresses, const Clock& clock) {
    if (addresses.otlp_grpc) {
      receive::OtlpGrpc::Options options;
      options.address = *addresses.otlp_grpc;
      // What gRPC holds of messages that have not all come is beside the budget, so it is kept to half of its share.
      options.quota_bytes = std::max(budget_.limit(Share::InFlight) / 2, intake_->body_bytes_max());
      otlp_grpc_.emplace(options, *intake_, metrics_);
      TRY(otlp_grpc_->start());
      say("otlp_grpc", "OTLP gRPC", otlp_grpc_->address());
    }
    if (addresses.otlp_http) {
      receive::OtlpHttp::Options options;
      options.address = *addresses.otlp_http;
      options.cors.allowed_origins = configuration_.otlp_http_cors_origins;
      otlp_http_.emplace(options, *intake_, metrics_);
      TRY(otlp_http_->start());
      say("otlp_http", "OTLP HTTP", otlp_http_->address());
    }
    if (addresses.http) {
      server_.emplace(serve_options(configuration_, *addresses.http, *intake_), *store_, budget_, metrics_, clock);
      TRY(server_->start());
      say("http", "HTTP: page and APIs", server_->address());
      log(LogLevel::Info, fmt::format("ready; open http://{}/", server_->address().text()));
    }
    return {};
  }

  void say(std::string_view setting, std::string_view name, const net::Address& address) {
    log(LogLevel::Info, fmt::format("listening on {} for {} (listen.{})", address.text(), name, setting));
    doors_.push_back({std::string(name), address.text()});
  }

  const Configuration& configuration_;
  Metrics metrics_;
  MemoryBudget budget_;
  std::unique_ptr<store::Store> store_;
  std::optional<receive::Intake> intake_;
  std::optional<receive::OtlpGrpc> otlp_grpc_;
  std::optional<receive::OtlpHttp> otlp_http_;
  std::optional<serve::Server> server_;
  std::vector<serve::Door> doors_;
};

// Applies what of the new configuration can be; the one that is in force then.
Configuration reload(const Configuration& now, const ReadAgain& read_again, Process& process) {
  Configuration wanted;
  if (const std::vector<Problem> problems = read_again(wanted); !problems.empty()) {
    for (const Problem& problem : problems) log(LogLevel::Error, "reload: " + text_of(problem));
    log(LogLevel::Error, "reload: nothing is changed");
    return now;
  }
  const std::vector<SettingChange> changed = changes(now, wanted);
  Configuration configuration = now;
  for (const SettingChange& change : changed) {
    if (!change.live) {
      log(LogLevel::Warning,
          fmt::format("reload: {} stays {}: {} takes a restart", change.path, change.before, change.after));
      continue;
    }
    if (assign(*find_setting(change.path), change.after, configuration)) continue;  // it was read from the same text
    log(LogLevel::Info, fmt::format("reload: {} is {}, was {}", change.path, change.after, change.before));
  }
  if (changed.empty()) log(LogLevel::Info, "reload: no setting has changed");
  start_logging(configuration.log_level, configuration.log_format);
  process.change(configuration);
  return configuration;
}

}  // namespace

Result<void> serve(Configuration configuration, const ReadAgain& read_again) {
  const EndSignals signals{SIGHUP};  // before any thread starts, so that all inherit the mask
  raise_file_limit();
  return_large_memory();
  log(LogLevel::Info, fmt::format("clew {}, memory budget {}", kVersion, size_text(budget_bytes(configuration))));
  Process process(configuration);
  TRY(process.start());
  int number = signals.wait();
  for (; number == SIGHUP; number = signals.wait()) configuration = reload(configuration, read_again, process);
  log(LogLevel::Info,
      fmt::format("stopping on {}: finishing what has begun", number == SIGTERM ? "SIGTERM" : "SIGINT"));
  signals.restore();
  process.stop();
  return {};
}

}  // namespace clew::app
