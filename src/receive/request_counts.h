// SPDX-License-Identifier: Apache-2.0
//
// How many requests each door answered with which status, by the canonical names of the codes:
// clew_receive_requests_total{transport, status}. Threads: any.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/metrics.h"

namespace clew::receive {

class RequestCounts {
 public:
  RequestCounts(std::string_view transport, Metrics& metrics) {
    for (size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] = &metrics.counter(
          "clew_receive_requests_total", "Requests by how they were answered.",
          {{"transport", std::string(transport)}, {"status", std::string(info(static_cast<Code>(i)).name)}});
    }
  }
  void count_ok() { counts_[0]->add(); }
  void count(Code code) { counts_[static_cast<size_t>(code)]->add(); }

 private:
  static constexpr size_t kCodeCount = 17;  // with OK as 0
  std::array<Counter*, kCodeCount> counts_;
};

}  // namespace clew::receive
