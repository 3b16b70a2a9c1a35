// SPDX-License-Identifier: Apache-2.0
//
// The writing half of a Journal, from the state that opening leaves: it writes groups into the active segment, makes a
// new one when that is full or has failed, and keeps within the limits of Options.
//
// States: without active segment (after opening, after a failure, when full), or with one. A failed write or sync takes
// the active segment away for good; an error for want of space does not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "platform/file_system.h"

namespace clew::journal {

class Appender final : public Journal {
 public:
  struct Start {
    std::unique_ptr<platform::FileLock> lock;
    Lsn next_lsn = 1;
    uint64_t next_number = 1;
    uint64_t segments = 0;
    uint64_t bytes_on_disk = 0;
  };
  Appender(platform::FileSystem& files, std::string folder, const Options& options, Start start);

  Result<Lsn> append_group(std::span<const Record> records) override;
  Lsn next_lsn() const override { return next_lsn_; }
  Figures figures() const override { return figures_; }

 private:
  struct Active {
    std::unique_ptr<platform::File> file;
    std::string path;
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
  uint64_t draw_epoch(uint64_t number) const;

  platform::FileSystem& files_;
  const std::string folder_;
  const Options options_;
  const std::unique_ptr<platform::FileLock> lock_;
  Lsn next_lsn_;
  uint64_t next_number_;
  std::optional<Active> active_;
  Figures figures_;
};

}  // namespace clew::journal
