// SPDX-License-Identifier: Apache-2.0
//
// store::Chore is a thread that does one kind of work in rounds: when it is woken, when somebody asks and waits, and at
// least every so often. The sealer and the maintenance are each a set of rounds on one.
//
//   Chore chore("clew-seal", kLookEvery, [&](Chore::Call call) { … return first_error; });
//   chore.wake();              // a round, soon
//   TRY(chore.ask());          // a round that begins after this call; what it said went wrong
//
// Many who ask at once share a round. Who asks a chore that is stopping is answered Unavailable.
// Threads: any. The rounds run one after the other on the chore's own thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "platform/thread.h"

namespace clew::store {

class Chore {
 public:
  enum class Call : uint8_t {
    Usual,
    Asked  // somebody waits for what the round answers
  };
  // What went wrong first; looked at when it was asked for.
  using Round = std::function<std::optional<Error>(Call)>;

  Chore(const std::string& thread_name, std::chrono::milliseconds every, Round round);
  ~Chore() { stop(); }
  Chore(const Chore&) = delete;
  Chore& operator=(const Chore&) = delete;

  void wake();
  Result<void> ask();
  // Returns when the round at hand is over; there is none after it.
  void stop();
  // For rounds that take long.
  const std::atomic<bool>& stopping() const { return stopping_; }

 private:
  void run();

  const std::chrono::milliseconds every_;
  const Round round_;

  std::atomic<bool> stopping_ = false;  // set under mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable answered_;
  // Guarded by mutex_.
  bool woken_ = false;
  uint64_t asked_ = 0;
  uint64_t answers_ = 0;
  std::optional<Error> answer_;  // the last one

  platform::Thread thread_;  // last: starts when all else is there
};

}  // namespace clew::store
