// SPDX-License-Identifier: Apache-2.0
//
// platform::FaultyFileSystem is a disk in memory for tests. It is as forgetful as platform/file_system.h allows:
//
// - power_loss() keeps, loses or tears each unsynced 512-byte sector, keeps or loses an unsynced size, and keeps or
//   loses each name that was made, changed or removed without sync_directory(), all by the seed;
// - a failed sync of a file leaves the disk as a loss of power would, while the cache goes on showing what was written
//   and no later sync writes it again, as Linux does it. (Names wait for the next sync of their folder: they are in the
//   file system's own log, which is written some time or makes it stop.)
// - a failed write leaves a part of itself behind.
//
// Faults are planned by number, so that a test can run the same script once for each place where it can fail:
// operations (everything that changes something), syncs and writes are counted from construction on, from 0.
//
//   FaultyFileSystem files(seed);
//   files.stop_at(n);
//   run(files);               // from operation n on, everything fails
//   files.power_loss();       // or crash(): the machine is back; all handles are dead
//   check(files);
//
// Threads: any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "platform/file_system.h"

namespace clew::platform {

class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(uint64_t seed);
  ~FaultyFileSystem() override;

  // The process dies and another one starts: handles, locks and planned faults are gone, nothing else.
  void crash();
  // The same, and what was not synced may be lost.
  void power_loss();

  // Operation `number` and all that follow fail until crash() or power_loss(). It may have had its effect.
  void stop_at(uint64_t number);
  // Sync `number` (of a file or a folder) fails once.
  void fail_sync_at(uint64_t number);
  // Write `number` (also making a file or a folder) finds the disk full, once.
  void fail_write_at(uint64_t number);
  // The sum of the sizes of all files, beyond which writes find the disk full.
  void set_capacity(uint64_t bytes);
  // Syncs of this site say ok and do nothing.
  void ignore_sync(SyncSite site);
  // Damages what is on the disk.
  void flip_bit(const std::string& path, uint64_t offset, unsigned bit);

  // False from stop_at()'s operation on.
  bool running() const;
  uint64_t operations() const;
  uint64_t syncs() const;
  uint64_t writes() const;

  Result<std::unique_ptr<File>> open(const std::string& path, Access access) override;
  Result<std::unique_ptr<File>> create(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> link(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::vector<Entry>> entries(const std::string& path) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path, SyncSite site) override;
  Result<uint64_t> free_space(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

 private:
  friend class FaultyFile;
  friend class FaultyLock;
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePtr>;
  // Names that change in one step; a null node removes the name.
  struct Change {
    std::string folder;
    std::vector<std::pair<std::string, NodePtr>> names;
  };
  // What unsynced things become: a mixture, or, as often as not, all of one kind.
  enum class Fate : uint8_t { Kept, Lost, Mixed };

  Result<void> begin_operation();
  Result<void> begin_write();
  Result<void> begin_sync(SyncSite site, bool& ignored, bool& fails);
  Result<void> check_running() const;
  Result<NodePtr> find(const std::string& path) const;
  void change(Change change);
  static void apply(const Change& change, Names& names);
  Fate draw_fate();
  bool draw_kept(Fate fate);
  void settle(Node& node);
  void settle_sector(Node& node, uint64_t sector, Fate fate);
  void settle_names();
  uint64_t bytes_used() const;
  void crash_locked();

  Result<size_t> read(Node& node, uint64_t offset, std::span<uint8_t> into);
  Result<void> write(Node& node, uint64_t offset, std::span<const Bytes> parts);
  Result<void> sync(Node& node, SyncSite site);
  Result<void> truncate(Node& node, uint64_t bytes);

  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  std::mt19937_64 random_;
  Names names_;          // as the running process sees them
  Names durable_names_;  // as a loss of power leaves them
  std::vector<Change> unsynced_changes_;
  std::set<std::string> locks_;
  std::set<std::string, std::less<>> ignored_sites_;
  uint64_t process_ = 0;  // handles of an earlier one are dead
  uint64_t operations_ = 0;
  uint64_t syncs_ = 0;
  uint64_t writes_ = 0;
  std::optional<uint64_t> stop_at_;
  std::optional<uint64_t> fail_sync_at_;
  std::optional<uint64_t> fail_write_at_;
  std::optional<uint64_t> capacity_;
  bool running_ = true;
};

}  // namespace clew::platform
