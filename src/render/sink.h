// SPDX-License-Identifier: Apache-2.0
//
// Where rendered text goes, in runs of some 64 KiB: into a string, or to a reader over the network, so that the answer
// for a very large trace is never in memory as a whole.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace clew::render {

// Takes the next run. False: the reader is gone, the rest is not wanted.
using Sink = std::function<bool(std::string_view run)>;

// Bytes that are gathered before the sink is called.
constexpr size_t kRunBytes = 64 << 10;

// The text that is gathered for a sink.
class Run {
 public:
  explicit Run(const Sink& sink) : sink_(sink) {}

  std::string& text() { return text_; }
  // To be called between two pieces: hands the run over if it is long enough. False when the rest is not wanted.
  bool passed_on() { return text_.size() < kRunBytes || flush(); }
  bool flush() {
    wanted_ = wanted_ && sink_(text_);
    text_.clear();
    return wanted_;
  }

 private:
  const Sink& sink_;
  std::string text_;
  bool wanted_ = true;
};

}  // namespace clew::render
