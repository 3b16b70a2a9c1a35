// SPDX-License-Identifier: Apache-2.0
#include "app/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

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

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // with less, fewer connections are taken; nothing breaks
}

}  // namespace clew::app
