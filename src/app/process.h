// SPDX-License-Identifier: Apache-2.0
//
// What the process knows about itself and the machine it is on.
#pragma once

#include <cstdint>
#include <string>

#include "base/memory_budget.h"
#include "base/metrics.h"

namespace clew::app {

// Memory that the process may use: the machine's, or its control group's limit if that is smaller.
uint64_t memory_bytes();

// Memory, CPU time, open files and start time, under Prometheus' usual names, read at each print.
void add_process_metrics(Metrics& metrics);

// What each share of the budget may hold and holds. The budget must live as long as the metrics are printed.
void add_budget_metrics(Metrics& metrics, const MemoryBudget& budget);

// The version, and the size of the disk that `data_folder` is on.
void add_installation_metrics(Metrics& metrics, const std::string& data_folder);

// Has large pieces of memory go back to the system when they are let go. By itself glibc learns from the first of them
// to keep the next, so that the process stays as large as its largest moment.
void return_large_memory();

// Allows as many open files as the system lets this process have.
void raise_file_limit();

}  // namespace clew::app
