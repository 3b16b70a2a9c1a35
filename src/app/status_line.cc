// SPDX-License-Identifier: Apache-2.0
#include "app/status_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace clew::app {

StatusLine::StatusLine(const Clock& clock) : StatusLine(clock, isatty(STDERR_FILENO) == 1) {}

void StatusLine::show(std::string_view text) {
  const uint64_t now = clock_.monotonic_nanos();
  const uint64_t every = terminal_ ? kTerminalEveryNanos : kLogEveryNanos;
  // A log has nothing to gain from a first line that says "nothing yet".
  if (!shown_ && !terminal_) shown_ = now;
  if (shown_ && now - *shown_ < every) return;
  shown_ = now;
  // \x1b[K clears what is left of a longer line.
  const std::string line = terminal_ ? fmt::format("\r{}\x1b[K", text) : fmt::format("{}\n", text);
  std::fwrite(line.data(), 1, line.size(), stderr);
  open_ = terminal_;
}

void StatusLine::end() {
  if (open_) std::fputs("\r\x1b[K", stderr);
  open_ = false;
}

std::string progress_bar(uint64_t done, uint64_t all, bool ascii) {
  constexpr uint64_t kCells = 24;
  const double part = all == 0 ? 1 : static_cast<double>(std::min(done, all)) / static_cast<double>(all);
  const auto full = static_cast<uint64_t>(part * kCells);
  std::string bar;
  for (uint64_t cell = 0; cell < kCells; ++cell) {
    if (cell < full) {
      bar += ascii ? "=" : "━";
    } else if (cell == full) {
      bar += ascii ? ">" : "╸";
    } else {
      bar += ascii ? "." : "─";
    }
  }
  return fmt::format("{} {:3.0f}%", bar, part * 100);
}

}  // namespace clew::app
