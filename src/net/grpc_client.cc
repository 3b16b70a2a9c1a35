// SPDX-License-Identifier: Apache-2.0
#include "net/grpc_client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "net/grpc_runtime.h"

namespace clew::net {
namespace {

// What one call needs until it has ended; owned by gRPC's callback.
struct Exchange {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
};

std::string joined(const grpc::ByteBuffer& buffer) {
  std::string text;
  std::vector<grpc::Slice> slices;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

}  // namespace

struct GrpcClient::State {
  explicit State(std::shared_ptr<grpc::Channel> channel, const Options& given)
      : stub(std::move(channel)), options(given) {}

  grpc::GenericStub stub;
  Options options;
  std::mutex mutex;
  std::condition_variable idle;
  uint64_t running = 0;
};

GrpcClient::GrpcClient(const std::string& target, const Options& options) {
  start_grpc_runtime();
  grpc::ChannelArguments arguments;
  arguments.SetInt("clew.connection", options.connection);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes_max));
  arguments.SetMaxSendMessageSize(-1);  // tests send more than a server takes
  if (options.gzip) arguments.SetCompressionAlgorithm(GRPC_COMPRESS_GZIP);
  state_ = std::make_unique<State>(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments),
                                   options);
}

GrpcClient::~GrpcClient() {
  std::unique_lock lock(state_->mutex);
  state_->idle.wait(lock, [this] { return state_->running == 0; });
}

void GrpcClient::call(std::string_view method, std::string_view body, const CallOptions& options,
                      std::function<void(GrpcAnswer)> done) {
  State* state = state_.get();
  {
    const std::lock_guard lock(state->mutex);
    ++state->running;
  }
  auto exchange = std::make_shared<Exchange>();
  for (const auto& [key, value] : options.metadata) exchange->context.AddMetadata(key, value);
  exchange->context.set_deadline(std::chrono::system_clock::now() + options.timeout);
  const grpc::Slice slice(body.data(), body.size());
  exchange->request = grpc::ByteBuffer(&slice, 1);
  state->stub.UnaryCall(
      &exchange->context, std::string(method), {}, &exchange->request, &exchange->response,
      [state, exchange, done = std::move(done)](const grpc::Status& status) {
        done({status.error_code(), status.error_message(), status.error_details(), joined(exchange->response)});
        const std::lock_guard lock(state->mutex);
        if (--state->running == 0) state->idle.notify_all();
      });
}

GrpcAnswer GrpcClient::call(std::string_view method, std::string_view body, const CallOptions& options) {
  // Shared, since set_value may still be touching it when the waiter wakes.
  const auto promise = std::make_shared<std::promise<GrpcAnswer>>();
  std::future<GrpcAnswer> future = promise->get_future();
  call(method, body, options, [promise](GrpcAnswer answer) { promise->set_value(std::move(answer)); });
  return future.get();
}

}  // namespace clew::net
