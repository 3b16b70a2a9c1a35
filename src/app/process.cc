// SPDX-License-Identifier: Apache-2.0
#include "app/process.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/version.h"
#include "platform/system_clock.h"

namespace clew::app {
namespace {

// A line of /proc/self/status in bytes: "RssAnon:     1234 kB".
double status_bytes(const std::string& name) {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word) {
    if (word != name + ":") continue;
    uint64_t kib = 0;
    file >> kib;
    return static_cast<double>(kib) * 1024;
  }
  return 0;
}

double cpu_seconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double open_files() {
  std::error_code error;
  double count = 0;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    ++count;
  return count;
}

double file_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

// In the order of Share.
constexpr std::array<const char*, kShareCount> kShareNames = {"head",       "in_flight", "seal",
                                                              "compaction", "query",     "caches"};

}  // namespace

uint64_t memory_bytes() {
  const auto pages = static_cast<uint64_t>(std::max(sysconf(_SC_PHYS_PAGES), 0L));
  const auto page_bytes = static_cast<uint64_t>(std::max(sysconf(_SC_PAGESIZE), 0L));
  uint64_t bytes = pages * page_bytes;
  // Version 2 and version 1 of control groups; "max" or no file is no limit.
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    uint64_t limit = 0;
    if (file >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

void add_process_metrics(Metrics& metrics) {
  metrics.gauge_from("process_resident_memory_bytes", "Memory in RAM, files included.",
                     [] { return status_bytes("VmRSS"); });
  metrics.gauge_from("process_anonymous_memory_bytes", "Memory in RAM that is not of files.",
                     [] { return status_bytes("RssAnon"); });
  metrics.gauge_from("process_cpu_seconds_total", "Processor time, user and system.", cpu_seconds);
  metrics.gauge_from("process_open_fds", "Open files and connections.", open_files);
  metrics.gauge_from("process_max_fds", "Files and connections that may be open.", file_limit);
  const double started = static_cast<double>(platform::system_clock().now()) / 1e9;
  metrics.gauge_from("process_start_time_seconds", "When the process started, since 1970.",
                     [started] { return started; });
}

void add_budget_metrics(Metrics& metrics, const MemoryBudget& budget) {
  for (size_t i = 0; i < kShareCount; ++i) {
    const auto share = static_cast<Share>(i);
    metrics.gauge_from("clew_memory_limit_bytes", "Memory that each part may hold.",
                       [&budget, share] { return static_cast<double>(budget.limit(share)); },
                       {{"share", kShareNames[i]}});
    metrics.gauge_from("clew_memory_reserved_bytes", "Memory that each part holds or is about to.",
                       [&budget, share] { return static_cast<double>(budget.used(share)); },
                       {{"share", kShareNames[i]}});
  }
}

void add_installation_metrics(Metrics& metrics, const std::string& data_folder) {
  metrics.gauge("clew_build_info", "1, with the version of the program.", {{"version", std::string(kVersion)}}).set(1);
  const auto space = [data_folder] {
    std::error_code error;
    const std::filesystem::space_info info = std::filesystem::space(data_folder, error);
    return error ? std::filesystem::space_info{} : info;
  };
  metrics.gauge_from("clew_disk_size_bytes", "The disk that the data folder is on.",
                     [space] { return static_cast<double>(space().capacity); });
  metrics.gauge_from("clew_disk_free_bytes", "Free space on it.",
                     [space] { return static_cast<double>(space().available); });
}

void return_large_memory() {
  // Set by hand, they no longer grow with what is let go.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // with less, fewer connections are taken; nothing breaks
}

}  // namespace clew::app
