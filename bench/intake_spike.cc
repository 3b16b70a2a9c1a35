// SPDX-License-Identifier: Apache-2.0
//
// What does the way in cost before anything is decoded? A gRPC callback generic service takes requests as raw slices,
// hands each to one committer thread, which writes whatever waits as one group, syncs it once and then finishes the
// calls. The client is a process of its own, so that the server's CPU time can be read by getrusage.
//
//   intake_spike [folder] [seconds per row]
//
// Each row: requests and spans (613 bytes each, the mean of the OpenTelemetry demo) per second and per CPU-second of
// the server, and the time to an acknowledgement as the client sees it. The disk row `none` leaves out the write.
// The decision it led to: docs/decision/0001-doors.md.

#include <fcntl.h>
#include <fmt/core.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kSpanBytes = 613;
constexpr size_t kFileBytes = 256 << 20;  // zero-filled and reused from the start, as a recycled journal segment is
constexpr char kMethod[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

enum class Disk { None, Write, Sync };

class Committer;

class Call final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Call(Committer& committer) : committer_(committer) { StartRead(&request_); }
  void OnReadDone(bool ok) override;
  void OnDone() override { delete this; }

  const grpc::ByteBuffer& request() const { return request_; }
  void acknowledge() {
    grpc::Slice empty;
    response_ = grpc::ByteBuffer(&empty, 1);
    StartWriteAndFinish(&response_, {}, grpc::Status::OK);
  }

 private:
  Committer& committer_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

class Committer {
 public:
  Committer(const std::string& path, Disk disk) : disk_(disk) {
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const std::string zeros(1 << 20, '\0');
    for (size_t at = 0; at < kFileBytes; at += zeros.size()) {
      if (pwrite(file_, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0) std::abort();
    }
    fsync(file_);
    thread_ = std::thread([this] { run(); });
  }
  ~Committer() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
    close(file_);
  }

  void submit(Call* call) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(call);
    }
    wake_.notify_one();
  }

  std::atomic<uint64_t> groups{0};

 private:
  void run() {
    std::vector<Call*> group;
    while (true) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        group.swap(waiting_);
      }
      if (disk_ != Disk::None) write(group);
      if (disk_ == Disk::Sync && fdatasync(file_) != 0) std::abort();
      groups.fetch_add(1, std::memory_order_relaxed);
      for (Call* call : group) call->acknowledge();
      group.clear();
    }
  }

  void write(const std::vector<Call*>& group) {
    std::vector<grpc::Slice> slices;
    std::vector<iovec> pieces;
    for (const Call* call : group) {
      if (!call->request().Dump(&slices).ok()) std::abort();
      for (const grpc::Slice& slice : slices) {
        pieces.push_back({const_cast<uint8_t*>(slice.begin()), slice.size()});
        if (pieces.size() == IOV_MAX) write_pieces(pieces);
      }
      write_pieces(pieces);
    }
  }

  void write_pieces(std::vector<iovec>& pieces) {
    size_t bytes = 0;
    for (const iovec& piece : pieces) bytes += piece.iov_len;
    if (at_ + bytes > kFileBytes) at_ = 0;
    if (pwritev(file_, pieces.data(), static_cast<int>(pieces.size()), static_cast<off_t>(at_)) < 0) std::abort();
    at_ += bytes;
    pieces.clear();
  }

  Disk disk_;
  int file_ = -1;
  size_t at_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Call*> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

void Call::OnReadDone(bool ok) {
  if (ok) {
    committer_.submit(this);
  } else {
    Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no message"));
  }
}

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(Committer& committer) : committer_(committer) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Call(committer_);
  }

 private:
  Committer& committer_;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The client: `in_flight` calls at a time, each answered one starts the next, until the time is over.
class Client {
 public:
  Client(const std::string& target, size_t batch, int in_flight, double seconds)
      : in_flight_(in_flight), until_(SteadyClock::now() + std::chrono::microseconds(int64_t(seconds * 1e6))) {
    std::string body(batch * kSpanBytes, '\0');
    std::mt19937_64 random(1);
    for (char& c : body) c = static_cast<char>(random());
    const grpc::Slice slice(body);
    request_ = grpc::ByteBuffer(&slice, 1);
    for (int i = 0; i < 2; ++i) {  // two connections, as two SDK processes would have
      grpc::ChannelArguments arguments;
      arguments.SetInt("clew.connection", i);
      stubs_.emplace_back(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
    }
  }

  // Prints "requests p50 p99" (milliseconds) for the parent to read.
  void run() {
    for (int i = 0; i < in_flight_; ++i) start(i);
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
    std::sort(millis_.begin(), millis_.end());
    auto at = [this](double q) { return millis_.empty() ? 0 : millis_[size_t(q * double(millis_.size() - 1))]; };
    fmt::print("{} {:.2f} {:.2f}\n", millis_.size(), at(0.5), at(0.99));
    fflush(stdout);
  }

 private:
  struct Exchange {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    SteadyClock::time_point began = SteadyClock::now();
  };

  void start(int i) {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    auto* exchange = new Exchange;
    stubs_[size_t(i) % stubs_.size()].UnaryCall(&exchange->context, kMethod, {}, &request_, &exchange->response,
                                                [this, exchange, i](const grpc::Status& status) {
                                                  if (!status.ok()) {
                                                    fmt::print(stderr, "refused: {}\n", status.error_message());
                                                    std::_Exit(1);
                                                  }
                                                  finish(exchange, i);
                                                });
  }

  void finish(Exchange* exchange, int i) {
    const auto now = SteadyClock::now();
    if (now < until_) start(i);
    const std::lock_guard lock(mutex_);
    millis_.push_back(std::chrono::duration<double, std::milli>(now - exchange->began).count());
    delete exchange;
    --running_;
    idle_.notify_one();
  }

  int in_flight_;
  SteadyClock::time_point until_;
  grpc::ByteBuffer request_;
  std::vector<grpc::GenericStub> stubs_;
  std::mutex mutex_;
  std::condition_variable idle_;
  int running_ = 0;
  std::vector<double> millis_;
};

struct Row {
  size_t batch;
  int in_flight;
  Disk disk;
};

void measure(const Row& row, const std::string& self, const std::string& folder, double seconds) {
  Committer committer(folder + "/intake_spike.bin", row.disk);
  Service service(committer);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument("grpc.per_message_decompression", 0);
  builder.SetMaxReceiveMessageSize(64 << 20);
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();

  const double cpu_before = cpu_seconds();
  const auto began = SteadyClock::now();
  const std::string command =
      fmt::format("{} --client 127.0.0.1:{} {} {} {}", self, port, row.batch, row.in_flight, seconds);
  FILE* client = popen(command.c_str(), "r");
  size_t requests = 0;
  double p50 = 0;
  double p99 = 0;
  if (client == nullptr || fscanf(client, "%zu %lf %lf", &requests, &p50, &p99) != 3) std::abort();
  const double wall = std::chrono::duration<double>(SteadyClock::now() - began).count();
  const double cpu = cpu_seconds() - cpu_before;
  pclose(client);
  const double spans = double(requests) * double(row.batch);
  const char* disk = row.disk == Disk::None ? "none" : row.disk == Disk::Write ? "write" : "sync";
  fmt::print("{:>6} {:>9} {:>6} {:>11.0f} {:>10.0f} {:>16.0f} {:>11.1f} {:>8.2f} {:>8.2f} {:>12.1f}\n", row.batch,
             row.in_flight, disk, double(requests) / wall, spans / wall, spans / cpu, cpu * 1e6 / double(requests), p50,
             p99, double(requests) / double(committer.groups.load()));
  server->Shutdown();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::strcmp(argv[1], "--client") == 0) {
    Client(argv[2], size_t(std::atoi(argv[3])), std::atoi(argv[4]), std::atof(argv[5])).run();
    std::_Exit(0);  // not through gRPC's shutdown, which at times takes ten seconds in a client
  }
  const std::string folder = argc > 1 ? argv[1] : ".";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
  fmt::print("{:>6} {:>9} {:>6} {:>11} {:>10} {:>16} {:>11} {:>8} {:>8} {:>12}\n", "batch", "in_flight", "disk",
             "requests/s", "spans/s", "spans/CPU-second", "us/request", "p50_ms", "p99_ms", "calls/group");
  for (const size_t batch : {size_t{100}, size_t{512}, size_t{8192}}) {
    for (const Disk disk : {Disk::None, Disk::Write, Disk::Sync}) {
      for (const int in_flight : {4, 32}) measure({batch, in_flight, disk}, argv[0], folder, seconds);
    }
  }
  unlink((folder + "/intake_spike.bin").c_str());
  return 0;
}
