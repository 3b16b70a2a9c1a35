// SPDX-License-Identifier: Apache-2.0
#include "app/end_signals.h"

#include <pthread.h>

#include <ctime>

#include "base/clock.h"

namespace clew::app {

EndSignals::EndSignals(std::initializer_list<int> others) {
  sigemptyset(&set_);
  sigaddset(&set_, SIGTERM);
  sigaddset(&set_, SIGINT);
  for (const int signal : others) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  // A reader that goes away is an error of the write, not the end of the process.
  signal(SIGPIPE, SIG_IGN);
}

int EndSignals::wait() const {
  int number = 0;
  while (sigwait(&set_, &number) != 0) {
  }
  return number;
}

std::optional<int> EndSignals::wait_for(uint64_t nanos) const {
  timespec limit{};
  limit.tv_sec = static_cast<time_t>(nanos / kNanosPerSecond);
  limit.tv_nsec = static_cast<long>(nanos % kNanosPerSecond);
  const int number = sigtimedwait(&set_, nullptr, &limit);
  // Interrupted by another signal, such as SIGCONT: a shorter wait does no harm.
  if (number < 0) return std::nullopt;
  return number;
}

void EndSignals::restore() const { pthread_sigmask(SIG_UNBLOCK, &set_, nullptr); }

}  // namespace clew::app
