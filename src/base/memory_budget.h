// SPDX-License-Identifier: Apache-2.0
//
// MemoryBudget is the one account of the process's large memory: whoever is about to hold bytes that grow with the
// input reserves them first, and is refused when its share is spent. Refusal is an answer (503, a partial result),
// never an allocation failure.
//
//   Reservation body(budget, Share::InFlight);
//   if (!body.grow(content_length)) return overloaded();
//
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

namespace clew {

enum class Share : uint8_t { Head, InFlight, Seal, Compaction, Query, Caches };
constexpr size_t kShareCount = 6;
// Percent of the budget, by Share. What the allocator and the libraries hold comes on top; tests/overload allows 15 %.
constexpr std::array<uint32_t, kShareCount> kSharePercent = {40, 10, 15, 15, 15, 5};

class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes);
  MemoryBudget(const MemoryBudget&) = delete;

  // False, and nothing reserved, if the share would exceed its limit.
  bool try_reserve(Share share, uint64_t bytes);
  void release(Share share, uint64_t bytes);

  uint64_t total() const { return total_; }
  uint64_t limit(Share share) const { return limits_[static_cast<size_t>(share)]; }
  uint64_t used(Share share) const { return used_[static_cast<size_t>(share)].load(std::memory_order_relaxed); }

 private:
  uint64_t total_;
  std::array<uint64_t, kShareCount> limits_{};
  std::array<std::atomic<uint64_t>, kShareCount> used_{};
};

// Bytes reserved from one share, given back when it goes. Not for use by two threads at once.
class Reservation {
 public:
  Reservation() = default;
  Reservation(MemoryBudget& budget, Share share) : budget_(&budget), share_(share) {}
  Reservation(Reservation&& other) noexcept
      : budget_(other.budget_), share_(other.share_), bytes_(std::exchange(other.bytes_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    if (this != &other) {
      reset();
      budget_ = other.budget_;
      share_ = other.share_;
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~Reservation() { reset(); }

  // Reserves `bytes` more; false, and nothing changed, if the share is spent.
  bool grow(uint64_t bytes) {
    if (!budget_->try_reserve(share_, bytes)) return false;
    bytes_ += bytes;
    return true;
  }
  void shrink_to(uint64_t bytes) {
    if (bytes >= bytes_) return;
    budget_->release(share_, bytes_ - bytes);
    bytes_ = bytes;
  }
  void reset() { shrink_to(0); }
  uint64_t bytes() const { return bytes_; }

 private:
  MemoryBudget* budget_ = nullptr;
  Share share_ = Share::InFlight;
  uint64_t bytes_ = 0;
};

}  // namespace clew
