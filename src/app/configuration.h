// SPDX-License-Identifier: Apache-2.0
//
// Configuration holds every setting of `clew serve` as the program uses it. Its values come, each over the one before,
// from the defaults below, a YAML file, `--set path.to.key=value`, and the options that stand for a setting (--data,
// --listen). What each setting is called and how it reads and prints is in one table, app/settings.h.
//
//   Configuration configuration;
//   const std::vector<Problem> problems = read_yaml(text, "clew.yaml", configuration);
//
// Every problem of a file is reported, not the first alone; with problems, the configuration must not be used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clew::app {

// Largest configuration file and deepest nesting in it: far above any real one, and small for the YAML reader.
constexpr uint64_t kConfigurationBytesMax = 1 << 20;
constexpr uint32_t kConfigurationDepthMax = 16;

struct Configuration {
  std::string listen_host = "127.0.0.1";
  std::string listen_otlp_grpc = ":4317";
  std::string listen_otlp_http = ":4318";
  std::string listen_http = ":16686";

  std::string data_folder = "./clew-data";

  uint64_t memory_budget = 0;  // bytes; 0: the smaller of a quarter of the memory and kMemoryBudgetDefaultMax

  uint64_t journal_segment_size = 64 << 20;
  uint64_t journal_size_max = uint64_t{16} << 30;
  uint64_t journal_free_space_floor = 256 << 20;

  uint64_t seal_spans = 500'000;
  uint64_t seal_interval = uint64_t{3600} * 1'000'000'000;  // nanoseconds
  uint64_t seal_carry = 2'000'000'000;                      // nanoseconds
  bool compaction_enabled = true;

  uint64_t retention_age = uint64_t{7 * 86'400} * 1'000'000'000;  // nanoseconds; 0: no limit, as for the others
  uint64_t retention_bytes = 0;
  uint64_t retention_disk_percent = 80;
  uint64_t retention_rollup_age = uint64_t{400 * 86'400} * 1'000'000'000;

  bool tenancy_enabled = false;
  uint64_t tenancy_tenants_max = 1000;

  uint64_t receive_workers = 0;  // 0: one for each core
  uint64_t receive_body_size_max = 64 << 20;

  std::vector<std::string> otlp_http_cors_origins;
  std::vector<std::string> http_cors_origins;

  uint64_t query_threads = 2;
  uint64_t query_queue = 64;
  uint64_t query_timeout = 30'000'000'000;  // nanoseconds
  uint64_t query_limit_max = 10'000;

  std::string log_level = "info";
  std::string log_format = "text";

  uint64_t shutdown_drain = 10'000'000'000;  // nanoseconds
};

constexpr uint64_t kMemoryBudgetDefaultMax = uint64_t{2} << 30;

// Something that keeps a configuration from being used.
struct Problem {
  std::string source;  // the file, or "--set"
  int line = 0;        // from 1; 0 where there are no lines
  std::string key;     // "listen.otlp_grpc", or empty if the file as a whole is meant
  std::string message;
};

// "clew.yaml:3: listen.otlp_grcp: there is no such setting; did you mean listen.otlp_grpc?"
std::string text_of(const Problem& problem);

// Reads YAML over `configuration`. `source` is the file's name for messages.
std::vector<Problem> read_yaml(std::string_view text, std::string_view source, Configuration& configuration);

// Reads the file at `path`.
std::vector<Problem> read_configuration_file(const std::string& path, Configuration& configuration);

// One `path.to.key=value`.
std::vector<Problem> apply_override(std::string_view assignment, Configuration& configuration);

// A setting with different values in two configurations.
struct SettingChange {
  std::string path;
  std::string before;
  std::string after;
  bool live = false;  // a reload applies it
};
std::vector<SettingChange> changes(const Configuration& from, const Configuration& to);

// The configuration as YAML that reads back as the same, with what each setting means; what differs from the default
// is marked.
std::string show(const Configuration& configuration);

// The reference page of all settings, docs/reference/configuration.md.
std::string reference_page();

}  // namespace clew::app
