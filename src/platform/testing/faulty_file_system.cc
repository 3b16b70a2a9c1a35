// SPDX-License-Identifier: Apache-2.0
//
// Every file has two contents: `cached`, what reads see, and `durable`, what a loss of power leaves. A write marks the
// sectors it touches; a sync copies marked sectors over; a loss of power or a failed sync draws for each whether it was
// copied. Names work the same way, with a list of changes that wait for the sync of their folder.
#include "platform/testing/faulty_file_system.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace clew::platform {

namespace {

constexpr uint64_t kSectorBytes = 512;
constexpr uint64_t kFreeWithoutCapacity = uint64_t{1} << 50;

std::string normal(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return std::string(path);
}

Error full(std::string_view path) { return {Code::Unavailable, fmt::format("cannot write {}: disk full", path)}; }

}  // namespace

struct FaultyFileSystem::Node {
  std::string path;
  bool directory = false;
  std::vector<uint8_t> cached;
  std::vector<uint8_t> durable;
  std::set<uint64_t> unsynced_sectors;
  bool unsynced_size = false;
};

class FaultyFile final : public File {
 public:
  FaultyFile(FaultyFileSystem& files, FaultyFileSystem::NodePtr node, Access access)
      : files_(files), node_(std::move(node)), process_(files.process_), access_(access) {}

  Result<size_t> read_at(uint64_t offset, std::span<uint8_t> into) override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check(Access::Read));
    return files_.read(*node_, offset, into);
  }
  Result<void> write_at(uint64_t offset, std::span<const Bytes> parts) override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check(Access::ReadWrite));
    return files_.write(*node_, offset, parts);
  }
  Result<void> sync(SyncSite site) override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check(Access::Read));
    return files_.sync(*node_, site);
  }
  Result<void> truncate(uint64_t bytes) override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check(Access::ReadWrite));
    return files_.truncate(*node_, bytes);
  }
  Result<uint64_t> size() override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check(Access::Read));
    return uint64_t{node_->cached.size()};
  }

 private:
  Result<void> check(Access needed) const {
    if (process_ != files_.process_) return Error(Code::Internal, "a handle of a process that died");
    if (needed == Access::ReadWrite && access_ != needed) return Error(Code::PermissionDenied, "opened for reading");
    return files_.check_running();
  }

  FaultyFileSystem& files_;
  FaultyFileSystem::NodePtr node_;
  uint64_t process_;
  Access access_;
};

class FaultyLock final : public FileLock {
 public:
  FaultyLock(FaultyFileSystem& files, std::string path)
      : files_(files), path_(std::move(path)), process_(files.process_) {}
  ~FaultyLock() override {
    const std::lock_guard lock(files_.mutex_);
    if (process_ == files_.process_) files_.locks_.erase(path_);
  }

 private:
  FaultyFileSystem& files_;
  std::string path_;
  uint64_t process_;
};

FaultyFileSystem::FaultyFileSystem(uint64_t seed) : random_(seed) {
  for (const char* root : {".", "/"}) {
    auto node = std::make_shared<Node>();
    node->directory = true;
    names_[root] = durable_names_[root] = node;
  }
}

FaultyFileSystem::~FaultyFileSystem() = default;

void FaultyFileSystem::crash() {
  const std::lock_guard lock(mutex_);
  crash_locked();
}

void FaultyFileSystem::crash_locked() {
  ++process_;
  locks_.clear();
  running_ = true;
  stop_at_.reset();
  fail_sync_at_.reset();
  fail_write_at_.reset();
}

void FaultyFileSystem::power_loss() {
  const std::lock_guard lock(mutex_);
  crash_locked();
  settle_names();
  // A name below a folder that is gone is gone, too; a parent sorts before its children.
  for (auto name = durable_names_.begin(); name != durable_names_.end();) {
    const bool lost = name->first != "/" && name->first != "." && !durable_names_.contains(parent(name->first));
    name = lost ? durable_names_.erase(name) : std::next(name);
  }
  names_ = durable_names_;
  for (const auto& [path, node] : names_) {
    settle(*node);
    node->cached = node->durable;
  }
}

void FaultyFileSystem::stop_at(uint64_t number) { stop_at_ = number; }
void FaultyFileSystem::fail_sync_at(uint64_t number) { fail_sync_at_ = number; }
void FaultyFileSystem::fail_write_at(uint64_t number) { fail_write_at_ = number; }
void FaultyFileSystem::set_capacity(uint64_t bytes) { capacity_ = bytes; }
void FaultyFileSystem::ignore_sync(SyncSite site) { ignored_sites_.emplace(site); }

void FaultyFileSystem::flip_bit(const std::string& path, uint64_t offset, unsigned bit) {
  const std::lock_guard lock(mutex_);
  Node& node = *MUST(find(path));  // the test names a file that it has written
  CHECK(offset < node.cached.size() && bit < 8);
  node.cached[offset] ^= static_cast<uint8_t>(1U << bit);
  if (offset < node.durable.size()) node.durable[offset] = node.cached[offset];
}

bool FaultyFileSystem::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}
uint64_t FaultyFileSystem::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}
uint64_t FaultyFileSystem::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}
uint64_t FaultyFileSystem::writes() const {
  const std::lock_guard lock(mutex_);
  return writes_;
}

Result<void> FaultyFileSystem::check_running() const {
  if (!running_) return Error(Code::Internal, "the machine has stopped");
  return {};
}

Result<void> FaultyFileSystem::begin_operation() {
  TRY(check_running());
  if (operations_++ == stop_at_) running_ = false;  // after this one: its effect is in the cache, for the fates
  return {};
}

Result<void> FaultyFileSystem::begin_write() {
  TRY(begin_operation());
  if (writes_++ == fail_write_at_) return full("at the planned place");
  return {};
}

Result<void> FaultyFileSystem::begin_sync(SyncSite site, bool& ignored, bool& fails) {
  TRY(begin_operation());
  ignored = ignored_sites_.contains(site);
  fails = syncs_++ == fail_sync_at_;
  return check_running();
}

Result<FaultyFileSystem::NodePtr> FaultyFileSystem::find(const std::string& path) const {
  const auto found = names_.find(normal(path));
  if (found == names_.end()) return Error(Code::NotFound, fmt::format("no such file or folder: {}", path));
  return found->second;
}

void FaultyFileSystem::apply(const Change& change, Names& names) {
  for (const auto& [path, node] : change.names) {
    if (node == nullptr)
      names.erase(path);
    else
      names[path] = node;
  }
}

void FaultyFileSystem::change(Change change) {
  apply(change, names_);
  unsynced_changes_.push_back(std::move(change));
}

FaultyFileSystem::Fate FaultyFileSystem::draw_fate() {
  switch (random_() % 4) {
    case 0:
      return Fate::Kept;
    case 1:
      return Fate::Lost;
    default:
      return Fate::Mixed;
  }
}

bool FaultyFileSystem::draw_kept(Fate fate) {
  return fate == Fate::Kept || (fate == Fate::Mixed && random_() % 2 == 0);
}

void FaultyFileSystem::settle_sector(Node& node, uint64_t sector, Fate fate) {
  const uint64_t begin = sector * kSectorBytes;
  uint64_t end = std::min<uint64_t>(begin + kSectorBytes, std::min(node.cached.size(), node.durable.size()));
  if (begin >= end) return;
  uint64_t from = begin;
  if (fate == Fate::Lost) return;
  if (fate == Fate::Mixed) {
    const uint64_t draw = random_();
    const uint64_t cut = begin + (draw >> 8) % (end - begin);
    switch (draw % 4) {
      case 0:
        return;
      case 1:
        break;
      case 2:
        end = cut;
        break;  // torn: the front is new
      default:
        from = cut;
        break;  // torn: the back is new
    }
  }
  std::copy(node.cached.begin() + static_cast<ptrdiff_t>(from), node.cached.begin() + static_cast<ptrdiff_t>(end),
            node.durable.begin() + static_cast<ptrdiff_t>(from));
}

void FaultyFileSystem::settle(Node& node) {
  const Fate fate = draw_fate();
  if (node.unsynced_size && draw_kept(fate)) node.durable.resize(node.cached.size());
  for (const uint64_t sector : node.unsynced_sectors) settle_sector(node, sector, fate);
  node.unsynced_sectors.clear();
  node.unsynced_size = false;
}

void FaultyFileSystem::settle_names() {
  const Fate fate = draw_fate();
  for (const Change& change : unsynced_changes_)
    if (draw_kept(fate)) apply(change, durable_names_);
  unsynced_changes_.clear();
}

uint64_t FaultyFileSystem::bytes_used() const {
  uint64_t sum = 0;
  std::set<const Node*> counted;  // a file may have two names
  for (const auto& [path, node] : names_)
    if (counted.insert(node.get()).second) sum += node->cached.size();
  return sum;
}

Result<size_t> FaultyFileSystem::read(Node& node, uint64_t offset, std::span<uint8_t> into) {
  if (offset >= node.cached.size()) return size_t{0};
  const size_t count = std::min<size_t>(into.size(), node.cached.size() - offset);
  std::copy_n(node.cached.begin() + static_cast<ptrdiff_t>(offset), count, into.begin());
  return count;
}

Result<void> FaultyFileSystem::write(Node& node, uint64_t offset, std::span<const Bytes> parts) {
  Result<void> outcome = begin_write();
  if (!outcome.ok() && !running_) return outcome;
  std::vector<uint8_t> bytes;
  for (const Bytes part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
  if (!outcome.ok() && !bytes.empty()) bytes.resize(random_() % bytes.size());
  const uint64_t end = offset + bytes.size();
  if (capacity_ && end > node.cached.size()) {
    const uint64_t used = bytes_used();
    const uint64_t room = *capacity_ > used ? *capacity_ - used : 0;
    const uint64_t end_max = node.cached.size() + room;
    if (end > end_max) {
      outcome = full(node.path);
      if (end_max <= offset) return outcome;
      bytes.resize(end_max - offset);
    }
  }
  if (!bytes.empty()) {
    const uint64_t old_size = node.cached.size();
    const uint64_t new_end = offset + bytes.size();
    if (new_end > old_size) {
      node.cached.resize(new_end);
      node.unsynced_size = true;
    }
    std::copy(bytes.begin(), bytes.end(), node.cached.begin() + static_cast<ptrdiff_t>(offset));
    for (uint64_t at = std::min(offset, old_size) / kSectorBytes; at * kSectorBytes < new_end; ++at)
      node.unsynced_sectors.insert(at);
  }
  if (!outcome.ok()) return outcome;
  return check_running();
}

Result<void> FaultyFileSystem::sync(Node& node, SyncSite site) {
  bool ignored = false;
  bool fails = false;
  TRY(begin_sync(site, ignored, fails));
  if (fails) {
    settle(node);
    return Error(Code::Internal, fmt::format("cannot sync {}: the disk reports an error", node.path));
  }
  if (ignored) return {};
  node.durable.resize(node.cached.size());
  for (const uint64_t sector : node.unsynced_sectors) settle_sector(node, sector, Fate::Kept);
  node.unsynced_sectors.clear();
  node.unsynced_size = false;
  return {};
}

Result<void> FaultyFileSystem::truncate(Node& node, uint64_t bytes) {
  TRY(begin_operation());
  const uint64_t old_size = node.cached.size();
  node.cached.resize(bytes);
  node.unsynced_size = true;
  for (uint64_t at = old_size / kSectorBytes; at * kSectorBytes < bytes; ++at) node.unsynced_sectors.insert(at);
  return check_running();
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::string& path, Access access) {
  const std::lock_guard lock(mutex_);
  TRY(check_running());
  NodePtr node = TRY(find(path));
  if (node->directory) return Error(Code::FailedPrecondition, fmt::format("{} is a folder", path));
  return std::unique_ptr<File>(std::make_unique<FaultyFile>(*this, std::move(node), access));
}

Result<std::unique_ptr<File>> FaultyFileSystem::create(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(find(parent(path)));
  if (names_.contains(normal(path))) return Error(Code::AlreadyExists, fmt::format("{} exists", path));
  TRY(begin_write());
  auto node = std::make_shared<Node>();
  node->path = normal(path);
  change({parent(path), {{node->path, node}}});
  TRY(check_running());
  return std::unique_ptr<File>(std::make_unique<FaultyFile>(*this, std::move(node), Access::ReadWrite));
}

Result<void> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  NodePtr node = TRY(find(from));
  CHECK(parent(from) == parent(to) && !node->directory);  // all that Clew does, and all that is modelled
  TRY(begin_operation());
  node->path = normal(to);
  change({parent(from), {{normal(from), nullptr}, {normal(to), node}}});
  return check_running();
}

Result<void> FaultyFileSystem::link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  NodePtr node = TRY(find(from));
  CHECK(!node->directory);
  if (!TRY(find(parent(to)))->directory) return Error(Code::FailedPrecondition, parent(to) + " is a file");
  if (names_.contains(normal(to))) return Error(Code::AlreadyExists, fmt::format("{} exists", to));
  TRY(begin_write());
  change({parent(to), {{normal(to), std::move(node)}}});
  return check_running();
}

Result<void> FaultyFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (TRY(find(path))->directory) return Error(Code::FailedPrecondition, path + " is a folder");
  TRY(begin_operation());
  change({parent(path), {{normal(path), nullptr}}});
  return check_running();
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& path) {
  std::vector<std::string> names;
  for (Entry& entry : TRY(entries(path))) names.push_back(std::move(entry.name));
  return names;
}

Result<std::vector<Entry>> FaultyFileSystem::entries(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_running());
  if (!TRY(find(path))->directory) return Error(Code::FailedPrecondition, path + " is a file");
  const std::string folder = normal(path);
  std::vector<Entry> entries;
  for (const auto& [name, node] : names_)
    if (name != "/" && name != "." && parent(name) == folder)
      entries.push_back({name.substr(name.rfind('/') + 1), node->directory});
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Result<void> FaultyFileSystem::make_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(find(parent(path)));
  if (names_.contains(normal(path))) return Error(Code::AlreadyExists, fmt::format("{} exists", path));
  TRY(begin_write());
  auto node = std::make_shared<Node>();
  node->path = normal(path);
  node->directory = true;
  change({parent(path), {{node->path, node}}});
  return check_running();
}

Result<void> FaultyFileSystem::sync_directory(const std::string& path, SyncSite site) {
  const std::lock_guard lock(mutex_);
  TRY(find(path));
  bool ignored = false;
  bool fails = false;
  TRY(begin_sync(site, ignored, fails));
  const std::string folder = normal(path);
  if (fails) return Error(Code::Internal, fmt::format("cannot sync the folder {}: the disk reports an error", path));
  if (ignored) return {};
  std::erase_if(unsynced_changes_, [&](const Change& change) {
    if (change.folder != folder) return false;
    apply(change, durable_names_);
    return true;
  });
  return {};
}

Result<uint64_t> FaultyFileSystem::free_space(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_running());
  TRY(find(path));
  if (!capacity_) return kFreeWithoutCapacity;
  const uint64_t used = bytes_used();
  return *capacity_ > used ? *capacity_ - used : 0;
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_running());
  TRY(find(parent(path)));
  if (!locks_.insert(normal(path)).second)
    return Error(Code::FailedPrecondition, fmt::format("{} is in use by another process", parent(path)));
  return std::unique_ptr<FileLock>(std::make_unique<FaultyLock>(*this, normal(path)));
}

}  // namespace clew::platform
