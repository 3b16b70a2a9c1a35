// SPDX-License-Identifier: Apache-2.0
//
// What objects in a local folder cost on a disk: a small put, a range of an object that is open or must be opened, a
// list, the upload of a block, and what that upload does to the syncs of a journal on the same disk meanwhile.
//
//   clew_object_bench [folder]
//
// Prints one row per operation: p50, p99 and longest. Run it on a quiet machine.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "object/local_folder.h"
#include "platform/real_file_system.h"

namespace {

using namespace clew;
using Clock = std::chrono::steady_clock;

constexpr size_t kRangeBytes = 64 << 10;
constexpr size_t kObjects = object::kOpenFilesMax * 2;  // read in turn, none of them is still open
constexpr size_t kUploadBytes = 512 << 20;
constexpr size_t kPieceBytes = 100'000;  // about a page of a block
constexpr size_t kGroupBytes = 128 << 10;

void print(const std::string& what, std::vector<double> micros) {
  if (micros.empty()) return;
  std::sort(micros.begin(), micros.end());
  fmt::print("{:<44} p50 {:>10.1f} us   p99 {:>10.1f} us   max {:>10.1f} us   n {}\n", what, micros[micros.size() / 2],
             micros[micros.size() * 99 / 100], micros.back(), micros.size());
}

template <class Call>
double micros_of(Call call) {
  const auto begin = Clock::now();
  call();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

std::string object_name(size_t i) { return fmt::format("tenants/default/blocks/{:016x}", i); }

// Groups written and synced every 10 ms, as a journal does, until `stop`.
std::vector<double> run_journal(const std::string& path, const std::atomic<bool>& stop) {
  platform::FileSystem& files = platform::real_file_system();
  const auto file = MUST(files.create(path));  // a new folder on a disk with room
  const std::string group(kGroupBytes, 'j');
  MUST(platform::fill_with_zeros(*file, 0, 64 << 20));
  MUST(file->sync("bench"));
  std::vector<double> micros;
  for (uint64_t offset = 0; !stop; offset = (offset + kGroupBytes) % (64 << 20)) {
    const Bytes parts[] = {as_bytes(group)};
    micros.push_back(micros_of([&] {
      MUST(file->write_at(offset, parts));
      MUST(file->sync("bench"));
    }));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return micros;
}

void upload(object::ObjectStore& objects, const std::string& name) {
  std::string piece(kPieceBytes, '\0');
  for (size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<char>(i * 2654435761U >> 13);
  const auto upload = MUST(objects.upload(name));
  const double append = micros_of([&] {
    for (size_t done = 0; done < kUploadBytes; done += piece.size()) MUST(upload->append(as_bytes(piece)));
  });
  const double commit = micros_of([&] { MUST(upload->commit()); });
  fmt::print("upload of {} MiB: append {:.0f} ms, commit {:.0f} ms, {:.0f} MB/s\n", kUploadBytes >> 20, append / 1e3,
             commit / 1e3, kUploadBytes / (append + commit));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = std::string(argc > 1 ? argv[1] : "/tmp") + "/clew_object_bench";
  std::filesystem::remove_all(folder);
  const auto objects = MUST(object::open_local_folder(platform::real_file_system(), folder + "/objects"));

  const std::string range(kRangeBytes, 'x');
  std::vector<double> micros;
  for (size_t i = 0; i < kObjects; ++i)
    micros.push_back(micros_of([&] { MUST(objects->put_if_absent(object_name(i), as_bytes(range))); }));
  print("put of 64 KiB", micros);

  std::vector<uint8_t> into(4096);
  micros.clear();
  for (size_t i = 0; i < 20 * kObjects; ++i)
    micros.push_back(micros_of([&] { MUST(objects->read(object_name(i % kObjects), 8192, into)); }));
  print("4 KiB of a file that is not open", micros);
  micros.clear();
  for (size_t i = 0; i < 20 * kObjects; ++i)
    micros.push_back(micros_of([&] { MUST(objects->read(object_name(i % 100), 8192, into)); }));
  print("4 KiB of a file that is open", micros);
  micros.clear();
  for (size_t i = 0; i < 50; ++i) micros.push_back(micros_of([&] { MUST(objects->list("", "")); }));
  print(fmt::format("list of {}", kObjects), micros);

  for (const bool with_upload : {false, true}) {
    std::atomic<bool> stop = false;
    std::vector<double> groups;
    std::thread journal([&] { groups = run_journal(folder + (with_upload ? "/journal2" : "/journal1"), stop); });
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (with_upload)
      for (int i = 0; i < 3; ++i) upload(*objects, fmt::format("tenants/default/uploads/{}", i));
    else
      std::this_thread::sleep_for(std::chrono::seconds(3));
    stop = true;
    journal.join();
    print(with_upload ? "sync of a 128 KiB group during uploads" : "sync of a 128 KiB group alone", groups);
  }
  std::filesystem::remove_all(folder);
}
