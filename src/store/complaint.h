// SPDX-License-Identifier: Apache-2.0
//
// store::Complaint is something that goes wrong for a while: logged when it begins and when it is over, not once for
// each request or attempt. Threads: one.
#pragma once

#include <string_view>

#include "base/log.h"

namespace clew::store {

class Complaint {
 public:
  void raise(std::string_view line) {
    if (!raised_) log(LogLevel::Error, line);
    raised_ = true;
  }
  void clear(std::string_view line) {
    if (raised_) log(LogLevel::Info, line);
    raised_ = false;
  }

 private:
  bool raised_ = false;
};

}  // namespace clew::store
