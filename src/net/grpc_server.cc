// SPDX-License-Identifier: Apache-2.0
#include "net/grpc_server.h"

#include <fmt/core.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <pthread.h>

#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/check.h"
#include "net/grpc_runtime.h"

namespace clew::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Clients may ping every 10 seconds; a little less is taken, since clocks and networks jitter.
constexpr int kPingEveryMsMin = 9'000;
// We ping a silent client, so that what a dead one holds is given back.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kMetadataBytesMax = 32 << 10;
constexpr int kStreamsPerConnectionMax = 1'000;
// When reading_max is reached, a call that has been reading for less than this is not pushed out.
constexpr std::chrono::milliseconds kReadingPatience{1'000};
// How often slow readers are looked for.
constexpr std::chrono::milliseconds kSweepEvery{500};

grpc::Status status_of(const GrpcRefusal& refusal) {
  return {static_cast<grpc::StatusCode>(refusal.code), refusal.message, refusal.details};
}

class Reactor;

class Call final : public GrpcCall {
 public:
  Call(Reactor* reactor, grpc::GenericCallbackServerContext* context) : reactor_(reactor), context_(context) {}
  ~Call() override;

  std::string_view method() const override { return context_->method(); }
  std::string_view metadata(std::string_view key) const override {
    const auto& all = context_->client_metadata();
    const auto found = all.find(grpc::string_ref(key.data(), key.size()));
    return found == all.end() ? std::string_view() : std::string_view(found->second.data(), found->second.size());
  }
  std::string peer() const override { return context_->peer(); }

  size_t message_size() const override { return buffer_.Valid() ? buffer_.Length() : joined_.size(); }
  Bytes message() override {
    if (buffer_.Valid()) {
      // One slice is taken as it is; several are copied, and gRPC's memory is given back.
      if (!buffer_.TrySingleSlice(&joined_).ok()) CHECK(buffer_.DumpToSingleSlice(&joined_).ok());
      buffer_.Clear();
    }
    return {joined_.begin(), joined_.size()};
  }
  void drop_message() override {
    buffer_.Clear();
    joined_ = grpc::Slice();
  }
  void take(grpc::ByteBuffer& message) { buffer_.Swap(&message); }

  void reply(std::string_view response) override;
  void refuse(GrpcRefusal refusal) override;

 private:
  Reactor* end();

  std::mutex mutex_;
  Reactor* reactor_;  // null when the call has been ended
  grpc::GenericCallbackServerContext* context_;
  grpc::ByteBuffer buffer_;
  grpc::Slice joined_;
};

}  // namespace

class GrpcServerCore final : public grpc::CallbackGenericService {
 public:
  struct Method {
    GrpcServer::Handler handle;
    GrpcServer::Admit admit;
  };
  // The calls whose message is arriving, the oldest in front.
  struct Reading {
    Reactor* reactor;
    SteadyClock::time_point since;
  };
  using Place = std::list<Reading>::iterator;

  explicit GrpcServerCore(GrpcServer::Options given) : options(std::move(given)), address(options.address) {}
  ~GrpcServerCore() override { drain(std::chrono::milliseconds(0)); }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;

  Result<void> start();
  void drain(std::chrono::milliseconds limit);

  GrpcRefusal refusal(Code code, std::string_view message) const {
    if (options.refuse) return options.refuse(code, message);
    return {code, std::string(message), {}};
  }
  // Enters `reactor` among the readers; nothing if there is no room.
  std::optional<Place> begin_reading(Reactor* reactor);
  // False if the call was cut meanwhile.
  bool end_reading(Place place, const bool& was_cut);

  const GrpcServer::Options options;
  Address address;
  std::map<std::string, Method, std::less<>> methods;

 private:
  void sweep();
  void cut_oldest();

  std::unique_ptr<grpc::Server> server_;
  std::thread sweeper_;
  std::mutex mutex_;
  std::condition_variable stop_wait_;
  bool stop_ = false;
  std::list<Reading> reading_;
};

namespace {

// What gRPC calls back; lives until OnDone. It holds the call until the handler has it.
class Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(GrpcServerCore& core, const GrpcServerCore::Method* method) : core_(core), method_(method) {}

  void begin(grpc::GenericCallbackServerContext* context) {
    if (method_ == nullptr) {
      return finish({Code::Unimplemented, fmt::format("there is no method {}", context->method()), {}});
    }
    call_ = std::make_shared<Call>(this, context);
    if (method_->admit) {
      if (auto refused = method_->admit(*call_)) return call_->refuse(std::move(*refused));
    }
    const auto place = core_.begin_reading(this);
    if (!place) {
      return call_->refuse(core_.refusal(Code::Unavailable, "too many messages are arriving; try again later"));
    }
    place_ = *place;
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!core_.end_reading(place_, was_cut_)) return;
    const std::shared_ptr<Call> call = std::move(call_);
    if (!ok) return call->refuse(core_.refusal(Code::InvalidArgument, "no message was sent"));
    call->take(request_);
    method_->handle(call);
  }
  void OnDone() override { delete this; }

  void reply(std::string_view response) {
    // A ByteBuffer without a slice would stop the process.
    const grpc::Slice slice(response.data(), response.size());
    response_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&response_, {}, grpc::Status::OK);
  }
  void finish(const GrpcRefusal& refusal) { Finish(status_of(refusal)); }

  // The message takes too long: ends the call while its read is waiting. Under the core's mutex.
  void cut() {
    was_cut_ = true;
    call_->refuse(core_.refusal(Code::DeadlineExceeded, "the message did not arrive in time"));
  }

 private:
  GrpcServerCore& core_;
  const GrpcServerCore::Method* method_;
  std::shared_ptr<Call> call_;
  GrpcServerCore::Place place_;
  bool was_cut_ = false;  // under the core's mutex
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

Call::~Call() {
  if (Reactor* reactor = end()) reactor->finish({Code::Internal, "the request was given up", {}});
}

Reactor* Call::end() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reactor_, nullptr);
}

void Call::reply(std::string_view response) {
  Reactor* reactor = end();
  CHECK(reactor != nullptr);
  reactor->reply(response);
}

void Call::refuse(GrpcRefusal refusal) {
  Reactor* reactor = end();
  CHECK(reactor != nullptr);
  reactor->finish(refusal);
}

}  // namespace

grpc::ServerGenericBidiReactor* GrpcServerCore::CreateReactor(grpc::GenericCallbackServerContext* context) {
  const auto method = methods.find(context->method());
  auto* reactor = new Reactor(*this, method == methods.end() ? nullptr : &method->second);
  reactor->begin(context);
  return reactor;
}

std::optional<GrpcServerCore::Place> GrpcServerCore::begin_reading(Reactor* reactor) {
  const std::lock_guard lock(mutex_);
  const auto now = SteadyClock::now();
  if (reading_.size() >= options.reading_max) {
    if (now - reading_.front().since < kReadingPatience) return std::nullopt;
    cut_oldest();
  }
  return reading_.insert(reading_.end(), {reactor, now});
}

bool GrpcServerCore::end_reading(Place place, const bool& was_cut) {
  const std::lock_guard lock(mutex_);
  if (was_cut) return false;
  reading_.erase(place);
  return true;
}

void GrpcServerCore::cut_oldest() {
  Reactor* reactor = reading_.front().reactor;
  reading_.pop_front();
  reactor->cut();
}

void GrpcServerCore::sweep() {
  const uint64_t largest_that_fit = std::max<uint64_t>(1, options.quota_bytes / options.message_bytes_max);
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const auto now = SteadyClock::now();
    while (!reading_.empty()) {
      const bool crowded = reading_.size() > largest_that_fit;
      if (now - reading_.front().since < (crowded ? options.crowded_read_limit : options.read_limit)) break;
      cut_oldest();
    }
    stop_wait_.wait_for(lock, kSweepEvery);
  }
}

Result<void> GrpcServerCore::start() {
  start_grpc_runtime();

  // gRPC itself does not tell why it cannot listen.
  TRY(probe_listen(address, options.setting));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address.text(), grpc::InsecureServerCredentials(), &port);
  grpc::ResourceQuota quota(options.setting);
  quota.Resize(options.quota_bytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes_max));
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingEveryMsMin);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, static_cast<int>(options.connection_age_max.count()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             static_cast<int>(options.connection_age_grace.count()));
  builder.RegisterCallbackGenericService(this);
  server_ = builder.BuildAndStart();
  if (!server_ || port == 0) {
    server_.reset();
    return Error(Code::AlreadyExists, fmt::format("cannot listen on {} ({})", address.text(), options.setting));
  }
  address.port = static_cast<uint16_t>(port);
  sweeper_ = std::thread([this] { sweep(); });
  pthread_setname_np(sweeper_.native_handle(), "clew-grpc-sweep");
  return {};
}

void GrpcServerCore::drain(std::chrono::milliseconds limit) {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now() + limit);
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_wait_.notify_all();
  sweeper_.join();
  server_.reset();
}

GrpcServer::GrpcServer(Options options) : core_(std::make_unique<GrpcServerCore>(std::move(options))) {}
GrpcServer::~GrpcServer() = default;

void GrpcServer::method(std::string_view path, Handler handle, Admit admit) {
  core_->methods.emplace(std::string(path), GrpcServerCore::Method{std::move(handle), std::move(admit)});
}

Result<void> GrpcServer::start() { return core_->start(); }
const Address& GrpcServer::address() const { return core_->address; }
void GrpcServer::drain(std::chrono::milliseconds limit) { core_->drain(limit); }

}  // namespace clew::net
