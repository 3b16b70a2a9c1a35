// SPDX-License-Identifier: Apache-2.0
//
// StatusLine tells on standard error how a long command gets on: on a terminal in one line that is written anew, else
// as lines of their own, few enough for a log.
//
//   StatusLine status(clock);
//   status.show("1234 spans");      // as often as one likes
//   status.end();                   // before anything else is printed, and at the end
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace clew::app {

class StatusLine {
 public:
  static constexpr uint64_t kTerminalEveryNanos = kNanosPerSecond / 10;
  static constexpr uint64_t kLogEveryNanos = 10 * kNanosPerSecond;

  explicit StatusLine(const Clock& clock);
  StatusLine(const Clock& clock, bool terminal) : clock_(clock), terminal_(terminal) {}

  // Shows `text` unless something was shown shortly before.
  void show(std::string_view text);
  // Clears the line of a terminal.
  void end();

 private:
  const Clock& clock_;
  const bool terminal_;
  std::optional<uint64_t> shown_;
  bool open_ = false;
};

// A bar such as "━━━━━━━━━━╸─────────  52%", in ASCII "=========>..........  52%".
std::string progress_bar(uint64_t done, uint64_t all, bool ascii);

}  // namespace clew::app
