// SPDX-License-Identifier: Apache-2.0
#include "object/local_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "object/durable_names.h"
#include "object/open_files.h"

namespace clew::object {
namespace {

constexpr std::string_view kIncomplete = ".incomplete";  // no object's name, for it begins with '.'
// Small pieces are gathered up to this many bytes before they are written.
constexpr size_t kUploadBufferBytes = 256 << 10;
// An upload is synced each time it has grown by so much: one sync of it all would hold up the journal's syncs, which
// wait for the same disk, for as long as it takes (bench/object_bench.cc: 90 ms instead of 20 ms after 192 MiB).
constexpr uint64_t kUploadSyncBytes = 8 << 20;

Error as_object_error(const Error& error) {
  switch (error.code()) {
    case Code::NotFound:
    case Code::AlreadyExists:
    case Code::Unavailable:
      return error;
    default:
      return {Code::Internal, error.what()};
  }
}

// For who looks for an object: what stands at its name or above it is no file or no folder.
Error as_read_error(const Error& error) {
  return error.code() == Code::FailedPrecondition ? Error(Code::NotFound, error.what()) : as_object_error(error);
}

// For who makes an object: a folder that is missing was there a moment ago.
Error as_write_error(const Error& error) {
  if (error.code() == Code::FailedPrecondition) return {Code::InvalidArgument, error.what()};
  return error.code() == Code::NotFound ? Error(Code::Internal, error.what()) : as_object_error(error);
}

Result<void> check_name(const std::string& name) {
  if (!is_object_name(name)) return Error(Code::InvalidArgument, fmt::format("\"{}\" is no name of an object", name));
  return {};
}

class LocalFolder;

class LocalUpload final : public Upload {
 public:
  LocalUpload(LocalFolder& store, std::string name, std::string path, std::unique_ptr<platform::File> file)
      : store_(store), name_(std::move(name)), path_(std::move(path)), file_(std::move(file)) {}
  ~LocalUpload() override;

  Result<void> append(Bytes bytes) override;
  Result<void> commit() override;

 private:
  Result<void> write(std::span<const Bytes> parts);
  Result<void> sync();

  LocalFolder& store_;
  const std::string name_;
  const std::string path_;
  std::unique_ptr<platform::File> file_;  // null once the upload is spent
  std::string buffer_;
  uint64_t offset_ = 0;
  uint64_t synced_bytes_ = 0;
};

class LocalFolder final : public ObjectStore {
 public:
  LocalFolder(platform::FileSystem& files, const std::string& root)
      : files_(files), root_(root), names_(files, root), open_files_(kOpenFilesMax) {}

  Result<void> put_if_absent(const std::string& name, Bytes bytes) override {
    if (bytes.size() > kSmallObjectBytesMax)
      return Error(Code::ResourceExhausted, fmt::format("{} is too large to be put in one", name));
    const std::unique_ptr<Upload> upload = TRY(this->upload(name));
    TRY(upload->append(bytes));
    return upload->commit();
  }

  Result<std::unique_ptr<Upload>> upload(const std::string& name) override {
    TRY(check_name(name));
    std::string incomplete =
        platform::join(path(kIncomplete), std::to_string(next_upload_.fetch_add(1, std::memory_order_relaxed)));
    auto file = files_.create(incomplete);
    if (file.ok())
      return std::unique_ptr<Upload>(
          std::make_unique<LocalUpload>(*this, name, std::move(incomplete), std::move(file).value()));
    // It is not the object that exists.
    if (file.error().code() == Code::AlreadyExists) return Error(Code::Internal, file.error().what());
    return as_write_error(file.error());
  }

  Result<std::string> get(const std::string& name) override {
    const std::unique_ptr<platform::File> file = TRY(open(name));
    const uint64_t bytes = TRY(size(*file));
    if (bytes > kSmallObjectBytesMax)
      return Error(Code::ResourceExhausted, fmt::format("{} is too large to be got in one", name));
    std::string content(bytes, '\0');
    TRY(read(*file, name, 0, {reinterpret_cast<uint8_t*>(content.data()), content.size()}));
    return content;
  }

  Result<void> read(const std::string& name, uint64_t offset, std::span<uint8_t> into) override {
    return read(*TRY(open_to_keep(name)), name, offset, into);
  }

  Result<Tail> read_end(const std::string& name, uint64_t bytes_max) override {
    const std::shared_ptr<platform::File> file = TRY(open_to_keep(name));
    Tail tail;
    tail.object_bytes = TRY(size(*file));
    tail.bytes.resize(std::min(bytes_max, tail.object_bytes));
    TRY(read(*file, name, tail.object_bytes - tail.bytes.size(),
             {reinterpret_cast<uint8_t*>(tail.bytes.data()), tail.bytes.size()}));
    return tail;
  }

  Result<std::vector<Listed>> list(const std::string& prefix, const std::string& after) override;

  Result<void> remove(const std::string& name) override {
    TRY(check_name(name));
    const Result<void> removed = files_.remove(path(name));
    if (!removed.ok() && as_read_error(removed.error()).code() != Code::NotFound)
      return as_object_error(removed.error());
    open_files_.removed(name);
    return {};
  }

  Result<uint64_t> free_space() override {
    Result<uint64_t> bytes = files_.free_space(root_);
    if (!bytes.ok()) return as_object_error(bytes.error());
    return bytes;
  }

  // For LocalUpload.
  Result<void> publish(const std::string& incomplete, const std::string& name);
  void discard(const std::string& incomplete) {
    // What cannot be removed now is removed by the next opening.
    static_cast<void>(files_.remove(incomplete).ok());
  }

 private:
  std::string path(std::string_view name) const { return platform::join(root_, name); }

  Result<std::unique_ptr<platform::File>> open(const std::string& name) {
    TRY(check_name(name));
    auto file = files_.open(path(name), platform::Access::Read);
    if (!file.ok()) return as_read_error(file.error());
    TRY(show(folder_of(name)));
    return file;
  }

  Result<std::shared_ptr<platform::File>> open_to_keep(const std::string& name) {
    std::shared_ptr<platform::File> file = open_files_.find(name);
    if (file != nullptr) return file;
    const uint64_t removals = open_files_.removals();
    file = TRY(open(name));
    open_files_.add(name, file, removals);
    return file;
  }

  static Result<uint64_t> size(platform::File& file) {
    Result<uint64_t> bytes = file.size();
    if (!bytes.ok()) return as_object_error(bytes.error());
    return bytes;
  }

  static Result<void> read(platform::File& file, const std::string& name, uint64_t offset, std::span<uint8_t> into) {
    const Result<size_t> count = file.read_at(offset, into);
    if (!count.ok()) return as_object_error(count.error());
    if (*count == into.size()) return {};
    return Error(Code::DataLoss, fmt::format("{} ends before byte {}", name, offset + into.size()));
  }

  Result<void> show(std::string_view folder) {
    const Result<void> settled = names_.settle(folder, kSyncObjectShown);
    if (!settled.ok()) return as_object_error(settled.error());
    return {};
  }

  // Appends to `pending`, descending, what stands in `folder` ("" or "a/b/"); a folder's name ends with '/'.
  Result<void> expand(const std::string& folder, std::vector<std::string>& pending);

  platform::FileSystem& files_;
  const std::string root_;
  DurableNames names_;
  OpenFiles open_files_;
  std::atomic<uint64_t> next_upload_ = 0;
};

Result<void> LocalFolder::publish(const std::string& incomplete, const std::string& name) {
  const std::string_view folder = folder_of(name);
  const Result<void> made = names_.make_folder(folder, kSyncObjectFolder);
  if (!made.ok()) return as_write_error(made.error());
  const Result<void> linked = names_.link(incomplete, name);
  if (!linked.ok()) return as_write_error(linked.error());
  const Result<void> settled = names_.settle(folder, kSyncObjectName);
  if (!settled.ok()) return as_write_error(settled.error());
  return {};
}

// A folder sorts as its name with '/' behind, which is where its objects stand among its neighbours: "a-b", "a/x",
// "ab".
Result<void> LocalFolder::expand(const std::string& folder, std::vector<std::string>& pending) {
  const std::string_view bare = std::string_view(folder).substr(0, folder.empty() ? 0 : folder.size() - 1);
  auto entries = files_.entries(path(bare));
  if (!entries.ok()) {
    const Error error = as_read_error(entries.error());
    if (error.code() == Code::NotFound) return {};
    return error;
  }
  TRY(show(bare));
  const size_t first = pending.size();
  for (const platform::Entry& entry : *entries) {
    std::string name = folder + entry.name;
    if (!is_object_name(name)) continue;
    if (entry.is_folder) name += '/';
    pending.push_back(std::move(name));
  }
  std::sort(pending.begin() + static_cast<ptrdiff_t>(first), pending.end(), std::greater<>());
  return {};
}

// Folders are opened when their turn comes, and only those that can hold a name that is asked for.
Result<std::vector<Listed>> LocalFolder::list(const std::string& prefix, const std::string& after) {
  std::vector<Listed> page;
  std::vector<std::string> pending;  // the next is the last
  const size_t slash = prefix.rfind('/');
  pending.push_back(slash == std::string::npos ? "" : prefix.substr(0, slash + 1));
  if (!pending.back().empty() && !is_object_name(std::string_view(prefix).substr(0, slash))) return page;
  while (!pending.empty() && page.size() < kListMax) {
    const std::string name = std::move(pending.back());
    pending.pop_back();
    if (!name.starts_with(prefix) && !prefix.starts_with(name)) continue;
    if (name.empty() || name.ends_with('/')) {
      const bool is_before = after.compare(0, name.size(), name) > 0;
      if (!is_before) TRY(expand(name, pending));
    } else if (name > after && name.starts_with(prefix)) {
      const auto file = files_.open(path(name), platform::Access::Read);
      if (file.ok())
        page.push_back({name, TRY(size(**file))});
      else if (as_read_error(file.error()).code() != Code::NotFound)  // it may have been removed just now
        return as_object_error(file.error());
    }
  }
  return page;
}

LocalUpload::~LocalUpload() {
  file_.reset();
  store_.discard(path_);
}

Result<void> LocalUpload::write(std::span<const Bytes> parts) {
  const Result<void> written = file_->write_at(offset_, parts);
  if (!written.ok()) {
    file_.reset();
    return as_write_error(written.error());
  }
  for (const Bytes part : parts) offset_ += part.size();
  return {};
}

// After a failure the file is given up: a later sync would prove nothing.
Result<void> LocalUpload::sync() {
  const Result<void> synced = file_->sync(kSyncObject);
  if (!synced.ok()) {
    file_.reset();
    return as_write_error(synced.error());
  }
  synced_bytes_ = offset_;
  return {};
}

Result<void> LocalUpload::append(Bytes bytes) {
  if (file_ == nullptr) return Error(Code::Internal, fmt::format("the upload of {} has failed", name_));
  if (buffer_.size() + bytes.size() < kUploadBufferBytes) {
    buffer_.append(as_text(bytes));
    return {};
  }
  const Bytes parts[] = {as_bytes(buffer_), bytes};
  TRY(write(parts));
  buffer_.clear();
  if (offset_ - synced_bytes_ >= kUploadSyncBytes) TRY(sync());
  return {};
}

Result<void> LocalUpload::commit() {
  if (file_ == nullptr) return Error(Code::Internal, fmt::format("the upload of {} has failed", name_));
  if (!buffer_.empty()) {
    const Bytes parts[] = {as_bytes(buffer_)};
    TRY(write(parts));
  }
  TRY(sync());
  file_.reset();
  return store_.publish(path_, name_);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_local_folder(platform::FileSystem& files, const std::string& folder) {
  TRY(platform::make_durable_directory(files, folder, kSyncObjectRoot));
  const std::string incomplete = platform::join(folder, kIncomplete);
  const Result<void> made = files.make_directory(incomplete);
  if (!made.ok() && made.error().code() != Code::AlreadyExists) return made.error();
  for (const std::string& name : TRY(files.list(incomplete))) TRY(files.remove(platform::join(incomplete, name)));
  return std::unique_ptr<ObjectStore>(std::make_unique<LocalFolder>(files, folder));
}

Result<std::unique_ptr<ObjectStore>> view_local_folder(platform::FileSystem& files, const std::string& folder) {
  TRY(files.list(folder));
  return std::unique_ptr<ObjectStore>(std::make_unique<LocalFolder>(files, folder));
}

}  // namespace clew::object
