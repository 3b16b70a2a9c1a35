// SPDX-License-Identifier: Apache-2.0
#include "store/chore.h"

#include <utility>

namespace clew::store {

Chore::Chore(const std::string& thread_name, std::chrono::milliseconds every, Round round)
    : every_(every), round_(std::move(round)), thread_(thread_name, [this] { run(); }) {}

void Chore::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

Result<void> Chore::ask() {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++asked_;
  wake_.notify_all();
  answered_.wait(lock, [&] { return answers_ >= mine || stopping_; });
  if (answers_ < mine) return Error(Code::Unavailable, "the store is stopping");
  if (answer_) return *answer_;
  return {};
}

void Chore::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  answered_.notify_all();
  thread_.join();
}

void Chore::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, every_, [this] { return stopping_ || woken_ || asked_ > answers_; });
    if (stopping_) return;
    woken_ = false;
    const uint64_t asked = asked_;
    const Call call = asked > answers_ ? Call::Asked : Call::Usual;
    lock.unlock();
    std::optional<Error> error = round_(call);
    lock.lock();
    if (call == Call::Usual) continue;
    answers_ = asked;
    answer_ = std::move(error);
    answered_.notify_all();
  }
}

}  // namespace clew::store
