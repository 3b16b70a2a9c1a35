// SPDX-License-Identifier: Apache-2.0
//
// The oracle of the journal's durability tests: it remembers every record that was handed to a journal and what became
// of it, and judges what a replay shows:
//
// - acknowledged, or shown by an earlier replay, and not shown now: lost;
// - shown, but never handed over, or not byte for byte: invented, or half of it;
// - of a group that failed, and shown although a later group was acknowledged: not abandoned;
// - shown twice, or out of order, or with a gap in the LSNs; but the oldest up to where it was trimmed may be missing.
//
//   Expectation expected(seed);
//   expected.append(*journal, 3);                        // a group of three records
//   auto opened = expected.open(files, "journal", options);   // judges
//   EXPECT_EQ(expected.violation(), "");
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "platform/file_system.h"

namespace clew::journal {

class Expectation {
 public:
  explicit Expectation(uint64_t seed) : random_(seed) {}

  // Hands a group of `records` records of 0 to `payload_bytes_max` bytes to the journal; true if it was acknowledged.
  bool append(Journal& journal, size_t records, size_t payload_bytes_max = 3000);
  // Trims up to some record, whatever comes of it; true if the journal says that it is done.
  bool trim(Journal& journal, Lsn up_to);
  // Opens and judges; null if it could not be opened. What was shown must be shown from now on.
  std::unique_ptr<Journal> open(platform::FileSystem& files, const std::string& folder, const Options& options);
  // From now on damage is no violation, and records that it explains may be missing; see report().
  void allow_damage() { damage_allowed_ = true; }

  // The first violation in words, or nothing.
  const std::string& violation() const { return violation_; }
  const Report& report() const { return report_; }
  // Records, the trimmed ones among them.
  uint64_t acknowledged() const { return acknowledged_.size(); }
  Lsn trimmed_to() const { return trimmed_to_; }
  // What the last replay showed.
  const std::map<Lsn, std::string>& shown() const { return shown_; }
  const std::map<Lsn, std::string>& must_be_shown() const { return acknowledged_; }

 private:
  enum class State : uint8_t { Open, Acknowledged, Void };

  std::string new_payload(size_t bytes_max);
  void violated(std::string what);
  void judge();

  std::mt19937_64 random_;
  uint64_t payloads_ = 0;
  std::map<std::string, State> handed_over_;
  std::vector<std::string> failed_;  // handed over in vain, and not void yet
  std::map<Lsn, std::string> acknowledged_;
  std::map<Lsn, std::string> shown_;
  Report report_;
  Lsn trimmed_to_ = 0;
  bool damage_allowed_ = false;
  std::string violation_;
};

}  // namespace clew::journal
