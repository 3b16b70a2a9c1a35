// SPDX-License-Identifier: Apache-2.0
//
// The writing half of a Journal, from the state that opening leaves: it writes groups into the active segment, makes a
// new one when that is full or has failed, keeps within the limits of Options, and removes the oldest ones.
//
// States: without active segment (after opening, after a failure, when full), or with one. A failed write or sync takes
// the active segment away for good; an error for want of space does not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "platform/file_system.h"

namespace clew::journal {

class Appender final : public Journal {
 public:
  // A segment that is not written to any more.
  struct Held {
    std::string name;
    Lsn first_lsn = 0;  // UINT64_MAX if unreadable
    uint64_t bytes = 0;
    bool damaged = false;
  };
  struct Start {
    std::unique_ptr<platform::FileLock> lock;
    Lsn next_lsn = 1;
    bool after_gap = false;  // next_lsn does not follow the last record
    uint64_t next_number = 1;
    std::vector<Held> segments;  // in the order of their numbers
  };
  Appender(platform::FileSystem& files, std::string folder, const Options& options, Start start);

  Result<Lsn> append_group(std::span<const Record> records) override;
  Result<void> trim(Lsn up_to) override;
  Lsn next_lsn() const override { return next_lsn_; }
  Figures figures() const override { return figures_; }

 private:
  struct Active {
    std::unique_ptr<platform::File> file;
    std::string name;
    Lsn first_lsn = 0;
    uint64_t epoch = 0;
    uint64_t end = kRecordsOffset;     // of what is written and synced
    uint64_t zeroed = kRecordsOffset;  // the file's size: between here and `end` are zeros
  };

  Result<void> write_group(std::span<const Record> records, uint64_t bytes);
  Result<void> ensure_segment(uint64_t group_bytes);
  Result<void> ensure_room(uint64_t group_bytes);
  Result<void> check_space(uint64_t bytes);
  Result<void> create_segment();
  Result<void> write_header(Active& segment, uint64_t number);
  void finish();
  void abandon();
  void hold_active();
  void begin_anew_if_large(Lsn up_to);
  size_t trimmable(Lsn up_to) const;
  Result<void> trim_oldest();
  std::string path_of(const std::string& name) const { return platform::join(folder_, name); }
  uint64_t draw_epoch(uint64_t number) const;

  platform::FileSystem& files_;
  const std::string folder_;
  const Options options_;
  const std::unique_ptr<platform::FileLock> lock_;
  Lsn next_lsn_;
  bool after_gap_;
  uint64_t next_number_;
  std::optional<Active> active_;
  std::vector<Held> held_;
  // Removed names have been synced; what the process before this one did is not known.
  bool trim_synced_ = false;
  Figures figures_;
};

}  // namespace clew::journal
