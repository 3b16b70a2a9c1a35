// SPDX-License-Identifier: Apache-2.0
//
// Opening: look at every segment's header first, since a later segment decides how far the ones before it count; then
// replay them in order; then make sure that what was shown stays, and give back the zeros that the last run left.
#include "journal/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "journal/appender.h"
#include "journal/replay.h"
#include "journal/segment.h"

namespace clew::journal {

namespace {

constexpr std::string_view kLockName = "lock";

class Opening {
 public:
  Opening(platform::FileSystem& files, std::string folder, const Options& options, const OnRecord& on_record)
      : files_(files), folder_(std::move(folder)), options_(options), on_record_(on_record) {}

  Result<Journal::Opened> run() {
    TRY(platform::make_durable_directory(files_, folder_, kSyncParent));
    start_.lock = TRY(files_.lock(platform::join(folder_, kLockName)));
    const Lsn next_lsn = TRY(read());
    start_.next_lsn = std::max(next_lsn, options_.next_lsn_min);
    start_.after_gap = start_.next_lsn > next_lsn;
    return Journal::Opened{std::make_unique<Appender>(files_, folder_, options_, std::move(start_)),
                           std::move(report_)};
  }

  Result<Report> inspect() {
    inspects_ = true;
    TRY(read());
    return std::move(report_);
  }

 private:
  // The LSN behind the last record.
  Result<Lsn> read() {
    for (const std::string& name : TRY(files_.list(folder_))) TRY(look_at(name));
    set_ends();
    Lsn next_lsn = segments_.empty() ? 1 : segments_.front().header.first_lsn;
    if (!segments_.empty() && segments_.front().end_lsn) next_lsn = std::min(next_lsn, *segments_.front().end_lsn);
    report_.first_lsn = segments_.empty() ? 0 : next_lsn;
    for (size_t i = 0; i < segments_.size(); ++i) TRY(replay(i, next_lsn));
    // Segments that could not be read at all and that no later one could speak for.
    for (Damage& damage : unreadable_) add_damage(report_, std::move(damage));
    report_.segments = start_.segments.size();
    return next_lsn;
  }

  std::string path_of(std::string_view name) const { return platform::join(folder_, name); }

  Result<void> look_at(const std::string& name) {
    const std::optional<uint64_t> number = segment_number(name);
    if (!number) return {};
    start_.next_number = std::max(start_.next_number, *number + 1);
    const auto file = TRY(files_.open(path_of(name), platform::Access::Read));
    const Result<SegmentHeader> header = read_segment_header(*file, *number);
    const uint64_t bytes = TRY(file->size());
    if (!header.ok()) {
      if (header.error().code() != Code::DataLoss) return header.error().with(path_of(name));
      Window window(*file, bytes);
      if (TRY(end_of_data(window, std::min(kRecordsOffset, bytes))) <= kRecordsOffset) {
        // It was being made when the power went; records follow only on a header that is on disk.
        return inspects_ ? Result<void>() : files_.remove(path_of(name));
      }
      unreadable_.push_back({name, 0, bytes, 0, 0});
      start_.segments.push_back({name, UINT64_MAX, bytes, true});
    } else {
      segments_.push_back({name, *header, {}, false});
      start_.segments.push_back({name, header->first_lsn, bytes, false});
    }
    return {};
  }

  // A segment counts up to the lowest LSN at which a later one begins.
  void set_ends() {
    for (size_t i = segments_.size(); i-- > 1;) {
      const SegmentFile& later = segments_[i];
      SegmentFile& segment = segments_[i - 1];
      segment.end_lsn = std::min(later.header.first_lsn, later.end_lsn.value_or(later.header.first_lsn));
      segment.end_is_known =
          !later.header.after_gap && std::none_of(unreadable_.begin(), unreadable_.end(), [&](const Damage& damage) {
            return segment.name < damage.file && damage.file < later.name;
          });
    }
  }

  Result<void> replay(size_t index, Lsn& next_lsn) {
    const SegmentFile& segment = segments_[index];
    if (segment.header.first_lsn > next_lsn || !unreadable_.empty()) report_gap(segment, next_lsn);
    const platform::Access access = inspects_ ? platform::Access::Read : platform::Access::ReadWrite;
    const auto file = TRY(files_.open(path_of(segment.name), access));
    const ReplayEnd end = TRY(replay_segment(*file, segment, next_lsn, on_record_, report_));
    Appender::Held& held = *std::ranges::find(start_.segments, segment.name, &Appender::Held::name);
    held.damaged = end.damaged;
    if (inspects_) return {};
    if (end.clean && !end.damaged && held.bytes > end.offset) {
      TRY(file->truncate(end.offset));
      held.bytes = end.offset;
    }
    if (index + 1 == segments_.size()) TRY(make_durable(*file, end));
    return {};
  }

  // Records are missing between two segments: what could not be read of the files between them, or files are gone.
  void report_gap(const SegmentFile& segment, Lsn& next_lsn) {
    Damage gap{segment.name, 0, 0, next_lsn, 0};
    while (!unreadable_.empty() && unreadable_.front().file < segment.name) {
      if (gap.bytes > 0) add_damage(report_, gap);
      gap = std::move(unreadable_.front());
      gap.first_lsn = next_lsn;
      unreadable_.erase(unreadable_.begin());
    }
    const bool known = segment.header.first_lsn <= next_lsn || segment.header.after_gap;
    if (!known || gap.bytes > 0) {
      if (!known) gap.records_lost = segment.header.first_lsn - next_lsn;
      add_damage(report_, std::move(gap));
    }
    next_lsn = std::max(next_lsn, segment.header.first_lsn);
  }

  // The last group may never have been synced: the process died before, or its sync failed and the system has since
  // dropped the pages from its list. It has now been shown, so it must stay: its bytes are written once more, which
  // puts them on that list again, and synced.
  Result<void> make_durable(platform::File& file, const ReplayEnd& end) {
    Window window(file, end.offset);
    for (uint64_t at = end.last_group_offset; at < end.offset;) {
      const Bytes bytes = TRY(window.from(at, 1));
      const Bytes parts[] = {bytes};
      TRY(file.write_at(at, parts));
      at += bytes.size();
    }
    return end.offset > kRecordsOffset ? file.sync(kSyncReplayed) : Result<void>();
  }

  platform::FileSystem& files_;
  const std::string folder_;
  const Options& options_;
  const OnRecord& on_record_;
  bool inspects_ = false;
  std::vector<SegmentFile> segments_;
  std::vector<Damage> unreadable_;
  Appender::Start start_;
  Report report_;
};

}  // namespace

Result<Report> Journal::inspect(platform::FileSystem& files, std::string folder) {
  const Options options;
  const OnRecord ignore = [](Lsn, RecordKind, Bytes) { return Result<void>(); };
  return Opening(files, std::move(folder), options, ignore).inspect();
}

Result<Journal::Opened> Journal::open(platform::FileSystem& files, std::string folder, const Options& options,
                                      const OnRecord& on_record) {
  Result<Opened> opened = Opening(files, folder, options, on_record).run();
  if (!opened.ok()) return opened.error().with(fmt::format("opening the journal {}", folder));
  return opened;
}

}  // namespace clew::journal
