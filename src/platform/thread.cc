// SPDX-License-Identifier: Apache-2.0
#include "platform/thread.h"

#include <pthread.h>

#include <utility>

namespace clew::platform {
namespace {

constexpr size_t kNameBytesMax = 15;

}  // namespace

Thread::Thread(const std::string& name, std::function<void()> run)
    : thread_([name = name.substr(0, kNameBytesMax), run = std::move(run)] {
        pthread_setname_np(pthread_self(), name.c_str());
        run();
      }) {}

}  // namespace clew::platform
