// SPDX-License-Identifier: Apache-2.0
//
// RequestMemory is what one request holds of the budget's in-flight share, from its first byte on the wire until its
// spans are in the head. Requests that have grown large may fill only kLargePercent of the share, so that however many
// large ones stand half-sent, small ones still get through.
//
// Threads: one at a time.
#pragma once

#include <cstdint>

#include "base/memory_budget.h"
#include "net/http_server.h"

namespace clew::receive {

// A request that holds more than this is a large one. An SDK's batch of 512 spans, received and decoded, stays below.
constexpr uint64_t kSmallRequestBytes = 1 << 20;
constexpr uint64_t kLargePercent = 75;

// The part of the share that large requests may fill.
inline uint64_t large_limit(const MemoryBudget& budget) { return budget.limit(Share::InFlight) / 100 * kLargePercent; }

class RequestMemory final : public net::BodyMemory {
 public:
  explicit RequestMemory(MemoryBudget& budget) : budget_(budget), reservation_(budget, Share::InFlight) {}

  bool grow(uint64_t bytes) override;
  void shrink(uint64_t bytes) override { reservation_.shrink_to(reservation_.bytes() - bytes); }
  // To hold exactly `bytes`; false, and nothing changed, if that is more and there is no room.
  bool resize(uint64_t bytes);
  uint64_t bytes() const { return reservation_.bytes(); }
  Reservation take() { return std::move(reservation_); }

 private:
  MemoryBudget& budget_;
  Reservation reservation_;
};

}  // namespace clew::receive
