// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM and SIGINT as something to wait for, with or without a limit: so a command ends when its user wants it to, at
// a place that it chooses. To be made before any thread is started, so that all inherit the mask.
#pragma once

#include <csignal>

#include <cstdint>
#include <initializer_list>
#include <optional>

namespace clew::app {

class EndSignals {
 public:
  EndSignals() : EndSignals({}) {}
  // Waits for `others`, too.
  EndSignals(std::initializer_list<int> others);
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // The number of the signal.
  int wait() const;
  // The same, or nothing after `nanos`. A signal that came before is noticed at once, once.
  std::optional<int> wait_for(uint64_t nanos) const;
  // From now on the signals end the process at once.
  void restore() const;

 private:
  sigset_t set_{};
};

}  // namespace clew::app
