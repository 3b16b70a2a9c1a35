// SPDX-License-Identifier: Apache-2.0
//
// What is answered from roll-ups (rollup/answers.h): services, operations, and the graph of who calls whom, of what is
// sealed and what is still in the heads. docs/reference/api.md describes parameters and answers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/memory_budget.h"
#include "base/result.h"
#include "rollup/answers.h"
#include "scan/head_rollup.h"
#include "serve/question.h"

namespace clew::serve {

// Services and operations in one answer, nodes and edges in a graph.
constexpr size_t kServicesMax = 20'000;
constexpr size_t kOperationsMax = 20'000;
constexpr size_t kGraphRowsMax = 20'000;

// What the heads of each tenant amount to, kept from one question to the next.
// Threads: any.
class HeadRollups {
 public:
  explicit HeadRollups(MemoryBudget& budget) : budget_(budget) {}
  std::shared_ptr<scan::HeadRollup> of(const std::string& tenant);

 private:
  // Tenants that are kept; with one more all begin anew.
  static constexpr size_t kTenantsMax = 64;

  MemoryBudget& budget_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<scan::HeadRollup>> tenants_;  // guarded by mutex_
};

// Calls use() with all roll-ups that count for the question. Not complete: something of the heads is missing.
// Unavailable: the query share of the budget is spent.
using UseRollups = std::function<void(rollup::Rollups rollups, bool complete)>;
Result<void> with_rollups(const Question& question, const UseRollups& use);

// These ask for all time, where no minutes are given.
Result<rollup::Answer<rollup::Service>> services(const Question& question, rollup::Minutes minutes = {});
Result<rollup::Answer<rollup::Operation>> operations(const Question& question, std::string_view service,
                                                     rollup::Minutes minutes = {});
Result<rollup::Graph> graph(const Question& question, rollup::Minutes minutes);

// GET /clew/v1/services
void answer_services(const Question& question);
// GET /clew/v1/operations
void answer_operations(const Question& question);
// GET /clew/v1/graph
void answer_graph(const Question& question);

}  // namespace clew::serve
