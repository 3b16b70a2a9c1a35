// SPDX-License-Identifier: Apache-2.0
//
// platform::Thread runs a function on a thread of its own, named so that `top -H` and a debugger show who it is.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace clew::platform {

class Thread {
 public:
  Thread() = default;
  // `name` is cut to the 15 bytes that Linux keeps.
  Thread(const std::string& name, std::function<void()> run);
  Thread(Thread&&) = default;
  Thread& operator=(Thread&&) = default;
  // Waits until `run` has returned: tell it to stop first.
  ~Thread() { join(); }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

}  // namespace clew::platform
