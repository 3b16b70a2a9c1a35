// SPDX-License-Identifier: Apache-2.0
//
// What a durable group costs on a disk: groups of 16 KiB, 128 KiB and 1 MiB are written and synced one after the other,
// into a file that is prepared in one of four ways, and through the Journal itself. It decides how segments are
// prepared (docs/format/journal.md, 2) and is run again when that is in doubt:
//
//   clew_journal_bench [folder] [megabytes per row]
//
// Prints one row per variant and size: p50 and p99 of a group's write and sync, the longest, and MB/s. The variants run
// in turns of one round each, so that a noisy neighbour disturbs all of them alike. The last line is the replay of what
// the Journal has written, from the page cache.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "platform/real_file_system.h"

namespace {

using namespace clew;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kSegmentBytes = 64 << 20;
constexpr int kRounds = 4;

enum class Preparation { None, Allocated, ZeroedAhead1, ZeroedAhead4, ZeroedAhead16, Zeroed };
constexpr Preparation kPreparations[] = {Preparation::None,          Preparation::Allocated,
                                         Preparation::ZeroedAhead1,  Preparation::ZeroedAhead4,
                                         Preparation::ZeroedAhead16, Preparation::Zeroed};

const char* name(Preparation preparation) {
  switch (preparation) {
    case Preparation::None:
      return "append";
    case Preparation::Allocated:
      return "fallocate";
    case Preparation::ZeroedAhead1:
      return "zeros 1 MiB ahead";
    case Preparation::ZeroedAhead4:
      return "zeros 4 MiB ahead";
    case Preparation::ZeroedAhead16:
      return "zeros 16 MiB ahead";
    case Preparation::Zeroed:
      return "zeros before";
  }
  return "";
}

uint64_t bytes_ahead(Preparation preparation) {
  switch (preparation) {
    case Preparation::ZeroedAhead1:
      return 1 << 20;
    case Preparation::ZeroedAhead4:
      return 4 << 20;
    case Preparation::ZeroedAhead16:
      return 16 << 20;
    default:
      return 0;
  }
}

[[noreturn]] void stop(const char* what) {
  std::perror(what);
  std::exit(1);
}

void write_all(int file, const std::vector<char>& bytes, uint64_t offset, uint64_t count) {
  for (uint64_t done = 0; done < count;) {
    const uint64_t length = std::min<uint64_t>(count - done, bytes.size());
    const ssize_t wrote = pwrite(file, bytes.data(), length, static_cast<off_t>(offset + done));
    if (wrote <= 0) stop("write");
    done += static_cast<uint64_t>(wrote);
  }
}

struct Row {
  std::vector<double> micros;
  double seconds = 0;
};

// Fills one segment with groups and adds what each took to `row`; preparing the file before is not counted.
void fill_segment(const std::string& path, Preparation preparation, uint64_t group_bytes, uint64_t bytes, Row& row) {
  static const std::vector<char> zeros(1 << 20, 0);
  std::vector<char> group(group_bytes);
  for (size_t i = 0; i < group.size(); ++i) group[i] = static_cast<char>(i * 31);
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) stop(path.c_str());
  if (preparation == Preparation::Allocated && posix_fallocate(file, 0, static_cast<off_t>(bytes)) != 0)
    stop("fallocate");
  if (preparation == Preparation::Zeroed) write_all(file, zeros, 0, bytes);
  if (fdatasync(file) != 0) stop("fdatasync");

  const uint64_t ahead = bytes_ahead(preparation);
  uint64_t zeroed = 0;
  const auto begin = Clock::now();
  for (uint64_t at = 0; at + group_bytes <= bytes; at += group_bytes) {
    const auto start = Clock::now();
    if (ahead > 0 && at + group_bytes > zeroed) {
      write_all(file, zeros, zeroed, at + group_bytes + ahead - zeroed);
      zeroed = at + group_bytes + ahead;
    }
    write_all(file, group, at, group_bytes);
    if (fdatasync(file) != 0) stop("fdatasync");
    row.micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  row.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
  ::close(file);
  ::unlink(path.c_str());
}

Result<journal::Journal::Opened> open_journal(const std::string& folder, uint64_t& bytes) {
  return journal::Journal::open(platform::real_file_system(), folder, {},
                                [&](journal::Lsn, journal::RecordKind, Bytes payload) -> Result<void> {
                                  bytes += payload.size();
                                  return {};
                                });
}

// The same through the Journal, in records of 16 KiB.
void append_groups(journal::Journal& journal, uint64_t group_bytes, uint64_t bytes, Row& row) {
  constexpr uint64_t kRecordBytes = (16 << 10) - 48;
  static const std::vector<uint8_t> payload(kRecordBytes, 42);
  const Bytes parts[] = {payload};
  const std::vector<journal::Record> group(group_bytes >> 14, {journal::RecordKind::Request, parts});
  const auto begin = Clock::now();
  for (uint64_t at = 0; at + group_bytes <= bytes; at += group_bytes) {
    const auto start = Clock::now();
    MUST(journal.append_group(group));  // a benchmark has no use for a full disk
    row.micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  row.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
}

void print(const char* variant, uint64_t group_bytes, Row& row) {
  std::sort(row.micros.begin(), row.micros.end());
  const size_t count = row.micros.size();
  const double megabytes = static_cast<double>(count) * static_cast<double>(group_bytes) / 1e6;
  fmt::print("{:<20}{:>8} KiB{:>9.0f} us{:>9.0f} us{:>9.0f} us{:>9.0f} MB/s\n", variant, group_bytes >> 10,
             row.micros[count / 2], row.micros[count * 99 / 100], row.micros.back(), megabytes / row.seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  const uint64_t bytes_in_all = (argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 128) << 20;
  const std::string journal_folder = folder + "/journal_bench";
  std::filesystem::remove_all(journal_folder);
  uint64_t replayed = 0;
  auto opened = MUST(open_journal(journal_folder, replayed));  // as above
  fmt::print("{:<20}{:>12}{:>12}{:>12}{:>12}{:>14}\n", "variant", "group", "p50", "p99", "longest", "");
  for (const uint64_t group_bytes : {uint64_t{16} << 10, uint64_t{128} << 10, uint64_t{1} << 20}) {
    const uint64_t bytes = std::min(kSegmentBytes, bytes_in_all / kRounds);
    std::vector<Row> rows(std::size(kPreparations));
    Row journal_row;
    for (int round = 0; round < kRounds; ++round) {
      for (size_t i = 0; i < rows.size(); ++i)
        fill_segment(folder + "/journal_bench.tmp", kPreparations[i], group_bytes, bytes, rows[i]);
      append_groups(*opened.journal, group_bytes, bytes, journal_row);
    }
    for (size_t i = 0; i < rows.size(); ++i) print(name(kPreparations[i]), group_bytes, rows[i]);
    print("Journal", group_bytes, journal_row);
  }
  opened.journal.reset();
  const auto begin = Clock::now();
  MUST(open_journal(journal_folder, replayed));
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  fmt::print("replay of {} MB: {:.0f} MB/s\n", replayed / 1'000'000, static_cast<double>(replayed) / 1e6 / seconds);
  std::filesystem::remove_all(journal_folder);
}
